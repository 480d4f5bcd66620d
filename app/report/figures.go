package report

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// Source gives figures what they draw of a race.
type Source struct {
	Race  *race.Snapshot
	Slots []int // colour of each variant of the plan; nil: their order
	// Series gives the points of a metric of a run, nil for none; nil: those of its history.
	Series func(run int, key string) *chart.Series
}

// Metric is a number of whole steps that a race is followed by.
type Metric struct {
	Key, Title, Label string
	Exact             bool // measured at some steps only: marked and never smoothed
	Log               bool // spans powers of ten
}

// Metrics lists what a race can be followed by, the loss first.
func Metrics() []Metric {
	const nats = "cross-entropy (nats a token)"
	return []Metric{
		{Key: trainer.KeyLoss, Title: "Training loss", Label: nats},
		{Key: trainer.KeyValLoss, Title: "Validation loss", Label: nats, Exact: true},
		{Key: trainer.KeyGradNorm, Title: "Gradient norm", Label: "L2 over all parameters, before clipping", Log: true},
		{Key: trainer.KeyTokens, Title: "Tokens a second", Label: "tokens a second"},
	}
}

func (s *Source) series(run int, key string) *chart.Series {
	if s.Series != nil {
		return s.Series(run, key)
	}
	out := chart.NewSeries()
	steps, values := s.Race.Runs[run].Column(key)
	for i, t := range steps {
		out.Append(float64(t), values[i])
	}
	return out
}

func (s *Source) slot(variant int) int {
	if variant < len(s.Slots) {
		return s.Slots[variant]
	}
	return variant
}

// Smoothing is the weight of the moving average that suits a race: a short one must not lag behind, a long
// one has noise to spare.
func Smoothing(steps int) float64 {
	const span = 40 // moving averages in a run
	return math.Round(1000*min(max(1-span/float64(max(steps, 1)), 0), 0.98)) / 1000
}

// Lines is the growing figure of a race: for each variant the mean over its seeds, and a band from the
// least to the largest of them.
func (s *Source) Lines(m Metric, smooth float64, logY bool) *chart.Lines {
	f := &chart.Lines{
		Head:   chart.Head{Title: m.Title, Caption: []string{s.caption()}, Empty: "Waiting for the first step"},
		XLabel: "step", YLabel: m.Label, LogY: logY, Smooth: smooth,
	}
	if m.Exact {
		f.Empty = "Waiting for the first validation"
	}
	rows := s.Race.Standings()
	floors := map[string]bool{}
	for i := range rows {
		line := chart.Line{Name: name(&rows[i]), Slot: s.slot(i), Seeds: []*chart.Series{}, Exact: m.Exact, Marks: m.Exact}
		for k := range s.Race.Runs {
			r := &s.Race.Runs[k]
			if r.Variant() != rows[i].Variant {
				continue
			}
			f.XMax = math.Max(f.XMax, float64(r.Config.Steps))
			if !r.Begun {
				continue
			}
			if points := s.series(k, m.Key); points != nil {
				line.Seeds = append(line.Seeds, points)
			}
			label := "loss floor " + chart.FormatValue(r.Floor)
			if loss := m.Key == trainer.KeyLoss || m.Key == trainer.KeyValLoss; loss && r.Floor > 0 && !floors[label] {
				floors[label] = true
				f.References = append(f.References, chart.Reference{Y: r.Floor, Label: label})
			}
		}
		f.Lines = append(f.Lines, line)
	}
	return f
}

// name is a variant's entry in a legend; it says what is missing from its mean.
func name(row *race.Standing) string {
	if row.Diverged == 0 {
		return row.Title
	}
	if len(row.Results) == 1 {
		return row.Title + " (diverged)"
	}
	return fmt.Sprintf("%s (%d of %d diverged)", row.Title, row.Diverged, len(row.Results))
}

// caption says what all runs share.
func (s *Source) caption() string {
	p := &s.Race.Plan
	c := p.Base
	if len(s.Race.Runs) > 0 {
		c = s.Race.Runs[0].Config
	}
	text := fmt.Sprintf("%d blocks, d %d, %d heads, %d tokens × batch %d, lr %g, %d steps, %s",
		c.Model.Layers, c.Model.D, c.Model.Heads, c.Model.Seq, c.Batch, c.LR, c.Steps, corpus(c.Data))
	if p.Seeds == 1 {
		return text + fmt.Sprintf("; seed %d", c.Seed)
	}
	return text + fmt.Sprintf("; mean of seeds %d to %d and the range from the least to the largest",
		p.Base.Seed, p.Base.Seed+uint64(p.Seeds)-1)
}

// corpus is the name of a corpus without its folder.
func corpus(id string) string {
	if id == "toy" {
		return "toy language"
	}
	return filepath.Base(id)
}

// Blocks is the paper's Figure 2 of a race: the gradient norm of each block at step 1 and at a later step,
// bars for the means over the seeds and whiskers from the least to the largest. It is nil while no run has
// reached the later step.
func (s *Source) Blocks() *chart.Row {
	late := s.late()
	if late < 2 {
		return nil
	}
	row := &chart.Row{Head: chart.Head{Title: "Gradient norm of each block", Caption: []string{s.caption()}}}
	for _, step := range []int64{1, late} {
		row.Panels = append(row.Panels, s.blocksAt(step))
	}
	return row
}

// lateStep is the second step of the paper's figure.
const lateStep = 100

// late is the last step up to lateStep that the longest run has reached.
func (s *Source) late() int64 {
	last := int64(0)
	for i := range s.Race.Runs {
		last = max(last, s.Race.Runs[i].Step)
	}
	return min(last, lateStep)
}

func (s *Source) blocksAt(step int64) *chart.Bars {
	b := &chart.Bars{
		Head:   chart.Head{Title: "Step " + chart.FormatCount(float64(step)), Empty: "No run has reached this step"},
		XLabel: "block", YLabel: "gradient norm (L2)",
	}
	rows := s.Race.Standings()
	for i := range rows {
		g := chart.BarGroup{Name: rows[i].Title, Slot: s.slot(i)}
		seeds := 0
		for k := range s.Race.Runs {
			r := &s.Race.Runs[k]
			if r.Variant() != rows[i].Variant || r.Step < step {
				continue
			}
			seeds++
			for l := range r.Config.Model.Layers {
				v := at(r, trainer.KeyLayerNorm(l), step)
				if seeds == 1 {
					g.Values, g.Low, g.High = append(g.Values, 0), append(g.Low, v), append(g.High, v)
				}
				g.Values[l] += (v - g.Values[l]) / float64(seeds)
				g.Low[l], g.High[l] = min(g.Low[l], v), max(g.High[l], v)
			}
		}
		if seeds == 1 {
			g.Low, g.High = nil, nil // one run has no range
		}
		b.Groups = append(b.Groups, g)
	}
	return b
}

// at is the value of a metric at a step, NaN when it was not measured there.
func at(r *race.Run, key string, step int64) float64 {
	steps, values := r.Column(key)
	if i, ok := slices.BinarySearch(steps, step); ok {
		return values[i]
	}
	return math.NaN()
}
