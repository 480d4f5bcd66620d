package ui

import (
	"fmt"
	"math"
	"sort"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
	"github.com/evenkeel/evenkeel/trainer"
)

// layerMetric is a choice of the gradients tab.
type layerMetric struct {
	title, label string
	key          func(layer int) string
}

var layerMetrics = []layerMetric{
	{"Gradient norm", "gradient norm (L2)", trainer.KeyLayerNorm},
	{"Activation size", "RMS of the stream", trainer.KeyActRMS},
	{"Largest attention logit", "largest scaled logit", trainer.KeyAttnTop},
}

// Forms of the upper chart.
const (
	formLines = "Lines"
	formMap   = "Heat map"
)

// gradTab shows a metric by block: over all steps for one run, and at one step for all runs.
type gradTab struct {
	over, at *chartview.Chart
	metric   *widget.Select
	form     *widget.Select
	logY     *widget.Check
	step     *widget.Slider
	stepText *themedText
	object   fyne.CanvasObject

	follow bool    // the slider moves with the newest step of the selected run
	newest float64 // that step
	quiet  bool
}

func newGradTab(dispatch func(func()), changed func()) *gradTab {
	t := &gradTab{over: chartview.New(dispatch), at: chartview.New(dispatch), follow: true}
	refit := func() {
		t.over.Fit()
		t.at.Fit()
		changed()
	}
	t.metric = widget.NewSelect(nil, func(string) { refit() })
	for _, m := range layerMetrics {
		t.metric.Options = append(t.metric.Options, m.title)
	}
	t.metric.Selected = layerMetrics[0].title
	t.form = widget.NewSelect([]string{formLines, formMap}, func(string) { refit() })
	t.form.Selected = formLines
	t.logY = widget.NewCheck("Log", func(bool) { refit() })
	t.logY.Checked = true
	t.step = widget.NewSlider(1, 2)
	t.step.Step, t.step.Value = 1, 1
	t.step.OnChanged = func(v float64) {
		if t.quiet {
			return
		}
		t.follow = v >= t.newest
		changed()
	}
	t.stepText = caption("step 1")
	fit := fitButton(func() { t.over.Fit(); t.at.Fit() })
	bar := container.New(controlLayout{2}, t.metric, t.form, t.logY, named(t.stepText, t.step), fit)
	charts := container.NewGridWithRows(2, spaced(6, 6, 6, 2, t.over), spaced(6, 2, 6, 0, t.at))
	t.object = container.NewBorder(nil, spaced(6, 4, 6, 8, bar), nil, nil, charts)
	return t
}

func (t *gradTab) kind() layerMetric { return layerMetrics[max(0, t.metric.SelectedIndex())] }

// layers gives a run's series of the metric, by block.
func (m layerMetric) layers(r *run) []*chart.Series {
	all := make([]*chart.Series, r.cfg.Model.Layers)
	for i := range all {
		all[i] = r.series[m.key(i)]
	}
	return all
}

// overTime is the upper chart: one run, all steps.
func (t *gradTab) overTime(r *run) chart.Figure {
	m := t.kind()
	head := chart.Head{Title: m.title + " by block", Empty: "Waiting for the first step"}
	if r == nil {
		head.Empty = "Train a model to see how each block learns"
		return &chart.LayerLines{Head: head, XLabel: "step", YLabel: m.label}
	}
	head.Title += ", " + r.title
	if t.form.Selected == formMap {
		return &chart.HeatMap{Head: head, XLabel: "step", ValueLabel: m.label, XMax: float64(r.cfg.Steps),
			Log: t.logY.Checked, Layers: m.layers(r)}
	}
	return &chart.LayerLines{Head: head, XLabel: "step", YLabel: m.label, XMax: float64(r.cfg.Steps),
		LogY: t.logY.Checked, Layers: m.layers(r)}
}

// atStep is the lower chart: all runs at the slider's step, or at the last before it.
func (t *gradTab) atStep(runs []*run, selected *run) chart.Figure {
	m := t.kind()
	f := &chart.Bars{Head: chart.Head{Title: m.title + " by block", Empty: "Waiting for the first step"},
		XLabel: "block", YLabel: m.label, LogY: t.logY.Checked}
	last, newest := 1.0, 0.0
	for _, r := range runs {
		if x, _, ok := r.series[m.key(0)].Last(); ok && r.shown {
			last = math.Max(last, x)
			if r == selected {
				newest = x
			}
		}
	}
	if newest == 0 {
		newest = last
	}
	t.place(last, newest)
	for _, r := range runs {
		if !r.shown {
			continue
		}
		g := chart.BarGroup{Name: r.title, Slot: r.slot}
		for _, s := range m.layers(r) {
			x, y := s.Points()
			i := sort.Search(len(x), func(i int) bool { return x[i] > t.step.Value }) - 1
			if i < 0 {
				break
			}
			g.Values = append(g.Values, y[i])
			if x[i] < t.step.Value { // the run ended before
				g.Name = fmt.Sprintf("%s (step %s)", r.title, chart.FormatCount(x[i]))
			}
		}
		f.Groups = append(f.Groups, g)
	}
	if len(f.Groups) > 0 {
		f.Title += ", " + t.stepText.text.Text
	} else {
		f.Empty = "One bar a block and run, at the step the slider shows"
	}
	return f
}

// place moves the slider's end to the last step of all runs and, while it follows, the slider to the
// newest of the selected one: so a live run is compared with the others at the same step.
func (t *gradTab) place(last, newest float64) {
	t.quiet = true
	t.newest = newest
	t.step.Max = math.Max(2, last)
	if t.follow {
		t.step.Value = newest
	}
	t.step.Refresh()
	t.quiet = false
	t.stepText.set(fmt.Sprintf("step %s", chart.FormatCount(t.step.Value)), "")
}
