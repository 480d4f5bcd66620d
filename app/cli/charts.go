package cli

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// recorded is a run read back from its folder.
type recorded struct {
	path    string
	cfg     trainer.Config
	metrics *runs.Metrics
	slot    int // number for colour
	floor   float64
}

func readRun(path string, slot int) (*recorded, error) {
	run, err := runs.Open(path)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	r := &recorded{path: path, slot: slot, floor: math.NaN()}
	if r.cfg, err = readConfig(run); err != nil {
		return nil, err
	}
	if r.metrics, err = run.Metrics(); err != nil {
		return nil, err
	}
	if len(r.metrics.Steps) == 0 {
		return nil, fmt.Errorf("run %q has no step yet, so there is nothing to draw or export", path)
	}
	if x, err := strconv.ParseFloat(run.Meta().Info["loss_floor"], 64); err == nil {
		r.floor = x
	}
	return r, nil
}

// readConfig reads the config a run folder keeps.
func readConfig(run *runs.Run) (trainer.Config, error) {
	cfg := trainer.DefaultConfig()
	cfg.Preset = ""
	text, err := run.Config()
	if err != nil {
		return cfg, err
	}
	return cfg, trainer.ParseConfig(text, filepath.Join(run.Path(), "config.yaml"), &cfg)
}

// series gives the measured points of a key.
func (r *recorded) series(key string) *chart.Series {
	s := chart.NewSeries()
	for i, v := range r.metrics.Column(key) {
		if !runs.IsMissing(v) {
			s.Append(float64(r.metrics.Steps[i]), float64(v))
		}
	}
	return s
}

// title names the run with the initialization beside it, since that decides as much as the norms.
func (r *recorded) title() string {
	if r.cfg.Name != "" {
		return r.cfg.Name
	}
	s, err := r.cfg.ExpectedSpec()
	if err != nil {
		return r.cfg.Title()
	}
	return fmt.Sprintf("%s (%s init)", r.cfg.Title(), s.Init)
}

// settings is the caption of a run.
func (r *recorded) settings() string {
	c := &r.cfg
	return fmt.Sprintf("%s: %d blocks, d %d, %d heads, batch %d x %d tokens, lr %g, data %s, %d of %d steps",
		r.title(), c.Model.Layers, c.Model.D, c.Model.Heads, c.Batch, c.Model.Seq, c.LR, filepath.Base(c.Data),
		r.metrics.Steps[len(r.metrics.Steps)-1], c.Steps)
}

// layers gives the gradient norms of the blocks over steps.
func (r *recorded) layers() []*chart.Series {
	s := make([]*chart.Series, r.cfg.Model.Layers)
	for i := range s {
		s[i] = r.series(trainer.KeyLayerNorm(i))
	}
	return s
}

// nearest is the row whose step is nearest to step; the last for a step of 0.
func (r *recorded) nearest(step int) int {
	best := len(r.metrics.Steps) - 1
	if step <= 0 {
		return best
	}
	for i, s := range r.metrics.Steps {
		if abs(s-int64(step)) < abs(r.metrics.Steps[best]-int64(step)) {
			best = i
		}
	}
	return best
}

func abs(x int64) int64 { return max(x, -x) }

// look of a chart as the flags of the chart command give it.
type chartOptions struct {
	step       int
	smooth     float64
	logX, logY bool
}

// chartKinds lists the charts in the order they are offered.
var chartKinds = []string{"loss", "gradients", "layers", "heatmap", "experts"}

// figure makes the chart of a kind over the runs.
func figure(kind string, list []*recorded, o chartOptions) chart.Figure {
	head := chart.Head{}
	for _, r := range list {
		head.Caption = append(head.Caption, r.settings())
	}
	switch kind {
	case "loss":
		return lossFigure(list, o, head)
	case "gradients":
		return barsFigure(list, o, head)
	case "experts":
		return expertsFigure(list, o, head)
	}
	head.Title = "Gradient norm of each block"
	if len(list) == 1 {
		return layerFigure(kind, list[0], o, head)
	}
	row := &chart.Row{Head: head, SameY: kind == "layers"}
	for _, r := range list {
		row.Panels = append(row.Panels, layerFigure(kind, r, o, chart.Head{Title: r.title()}))
	}
	return row
}

func lossFigure(list []*recorded, o chartOptions, head chart.Head) chart.Figure {
	head.Title = "Training and validation loss"
	f := &chart.Lines{
		Head: head, XLabel: "step", YLabel: "loss (nats/token)", LogX: o.logX, LogY: o.logY,
		Smooth: o.smooth, ShowRaw: o.smooth > 0,
	}
	floors := map[string]bool{}
	for _, r := range list {
		f.XMax = max(f.XMax, float64(r.cfg.Steps))
		f.Lines = append(f.Lines, chart.Line{Name: r.title(), Slot: r.slot, Series: r.series(trainer.KeyLoss)})
		if val := r.series(trainer.KeyValLoss); val.Len() > 0 {
			f.Lines = append(f.Lines, chart.Line{
				Name: r.title() + ", validation", Slot: r.slot, Series: val, Exact: true, Marks: true,
				Kind: "validation",
			})
		}
		label := fmt.Sprintf("loss floor %.3f", r.floor)
		if !math.IsNaN(r.floor) && !floors[label] {
			floors[label] = true
			f.References = append(f.References, chart.Reference{Y: r.floor, Label: label})
		}
	}
	return f
}

func barsFigure(list []*recorded, o chartOptions, head chart.Head) chart.Figure {
	f := &chart.Bars{Head: head, XLabel: "block", YLabel: "gradient norm (L2)", LogY: o.logY}
	same := true
	first := list[0].metrics.Steps[list[0].nearest(o.step)]
	for _, r := range list {
		same = same && r.metrics.Steps[r.nearest(o.step)] == first
	}
	f.Title = fmt.Sprintf("Gradient norm of each block at step %s", chart.FormatCount(float64(first)))
	if !same {
		f.Title = "Gradient norm of each block"
	}
	for _, r := range list {
		at := r.nearest(o.step)
		g := chart.BarGroup{Name: r.title(), Slot: r.slot}
		if !same {
			g.Name += fmt.Sprintf(", step %d", r.metrics.Steps[at])
		}
		for i := range r.cfg.Model.Layers {
			v := math.NaN()
			if col := r.metrics.Column(trainer.KeyLayerNorm(i)); at < len(col) {
				v = float64(col[at])
			}
			g.Values = append(g.Values, v)
		}
		f.Groups = append(f.Groups, g)
	}
	return f
}

func layerFigure(kind string, r *recorded, o chartOptions, head chart.Head) chart.Figure {
	const label = "gradient norm (L2)"
	if kind == "heatmap" {
		return &chart.HeatMap{
			Head: head, ValueLabel: label, XMax: float64(r.cfg.Steps), LogX: o.logX, Log: true, Layers: r.layers(),
		}
	}
	return &chart.LayerLines{
		Head: head, XLabel: "step", YLabel: label, XMax: float64(r.cfg.Steps), LogX: o.logX, LogY: o.logY,
		Smooth: o.smooth, Layers: r.layers(),
	}
}

// smoothParts is how many spans of the moving average fit into a run. At forty it calms the noise and
// does not lag visibly behind the fall at the start.
const smoothParts = 40

// defaultOptions is how the charts of a run folder look.
func defaultOptions(kind string, steps int) chartOptions {
	o := chartOptions{logY: kind == "layers"}
	if kind != "gradients" && steps >= 100 {
		o.smooth = min(1-smoothParts/float64(steps), 0.98)
	}
	return o
}

// keepCharts writes the charts of a finished run into its folder and prints where they are. floor is
// the loss floor, NaN when unknown.
func (e *env) keepCharts(path string, floor float64) error {
	r, err := readRun(path, 0)
	if err != nil {
		return err
	}
	if math.IsNaN(r.floor) {
		r.floor = floor
	}
	run, err := runs.Open(path)
	if err != nil {
		return err
	}
	dir, err := run.Dir("charts")
	run.Close()
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, "Charts:")
	for _, kind := range []string{"loss", "gradients", "layers"} {
		file := filepath.Join(dir, kind+".png")
		f := figure(kind, []*recorded{r}, defaultOptions(kind, len(r.metrics.Steps)))
		if err := chart.Export(f, file, chart.ExportOptions{}); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "  %s\n", file)
	}
	return nil
}

var chartCommand = &command{
	name: "chart", args: "[RUN...]", summary: "draw a chart of one or several runs as PNG, SVG or PDF",
	more: `The extension of the file given with -o decides the format. Several runs are laid over each other.

  evenkeel chart -o loss.png
  evenkeel chart --kind gradients --step 100 -o figure.pdf runs/*-pre-* runs/*-hybrid-*`,
	run: runChart,
}

func runChart(e *env, args []string) error {
	f := e.flags()
	out := f.text("o", "", "FILE|file to write; KIND.png when not given")
	kind := f.text("kind", "loss", "KIND|"+strings.Join(chartKinds, ", "))
	step := f.number("step", 0, "N|step of the bars of gradients; 0: the last")
	smooth := f.float("smooth", 0, "W|weight of the moving average in [0, 1); 0.9 for a loss of 100 steps or more")
	logX := f.yes("log_x", "logarithmic steps")
	logY := f.yes("log_y", "logarithmic values; layers have them unless --log_y=false")
	width := f.number("width", 0, "N|PNG width in pixels; 0: 1950 or more")
	dark := f.yes("dark", "light lines on a dark ground")
	root := f.runsDir()
	pos, err := e.parse(f, args, 0, -1)
	if err != nil {
		return err
	}
	if err := oneOf("kind", *kind, chartKinds); err != nil {
		return err
	}
	if !(*smooth >= 0 && *smooth < 1) { // NaN is neither
		return usagef("--smooth is %g; it must be at least 0 and below 1", *smooth)
	}
	if *step < 0 || *width < 0 {
		return usagef("--step and --width must be at least 0")
	}
	if *out == "" {
		*out = *kind + ".png"
	}
	if err := oneOf("o", strings.ToLower(filepath.Ext(*out)), chart.Formats()); err != nil {
		return usagef("the extension of %q is not a picture format; use %s", *out, strings.Join(chart.Formats(), ", "))
	}
	list, err := readRuns(*root, pos)
	if err != nil {
		return err
	}
	if *kind == "experts" {
		for _, r := range list {
			if r.cfg.Model.Experts == 0 {
				return usagef("%s has no experts, so their load cannot be drawn", r.path)
			}
		}
	}
	o := defaultOptions(*kind, len(list[0].metrics.Steps))
	o.step, o.logX = *step, *logX
	if f.given("smooth") {
		o.smooth = *smooth
	}
	if f.given("log_y") {
		o.logY = *logY
	}
	eo := chart.ExportOptions{Width: *width}
	if *dark {
		st := chart.Dark()
		eo.Style = &st
	}
	if err := chart.Export(figure(*kind, list, o), *out, eo); err != nil {
		return err
	}
	fmt.Fprintln(e.out, *out)
	return nil
}

// readRuns reads the runs that the arguments mean, the newest without any.
func readRuns(root string, args []string) ([]*recorded, error) {
	n := max(1, len(args))
	list := make([]*recorded, n)
	for i := range n {
		path, err := findRun(root, args[min(i, len(args)):min(i+1, len(args))])
		if err != nil {
			return nil, err
		}
		if list[i], err = readRun(path, i); err != nil {
			return nil, err
		}
	}
	return list, nil
}
