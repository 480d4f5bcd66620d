package ui

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
)

// Forms of the upper chart.
const (
	formLines = "Lines"
	formMap   = "Heat map"
)

// figure2Steps are the steps of the paper's Figure 2.
var figure2Steps = [...]float64{1, 100}

// gradTab shows a metric by block: over all steps for one run, and at one step for all runs. Of the load of
// experts it shows one block, by expert. The view of the paper's Figure 2 shows bars at steps 1 and 100 side
// by side instead.
type gradTab struct {
	over, at *chartview.Chart
	metric   *widget.Select
	form     *widget.Select // lines or heat map; for the load of experts, the block
	logY     *widget.Check
	step     *widget.Slider
	stepText *themedText
	both     *widget.Button // steps 1 and 100
	slide    *widget.Button // follows the newest steps
	lower    fyne.CanvasObject
	charts   *fyne.Container
	object   fyne.CanvasObject

	follow  bool    // the slider moves with the newest step of the selected run
	newest  float64 // that step
	figure2 bool    // steps 1 and 100 side by side
	wanted  string  // form chosen for metrics by block
	block   int     // block chosen for the load of experts
	legend  map[string]*run
	quiet   bool
}

func newGradTab(dispatch func(func()), changed func()) *gradTab {
	t := &gradTab{over: chartview.New(dispatch), at: chartview.New(dispatch), follow: true, wanted: formLines}
	refit := func() {
		if t.quiet {
			return
		}
		t.over.Fit()
		t.at.Fit()
		changed()
	}
	t.metric = widget.NewSelect(nil, func(string) { refit() })
	t.metric.Selected = layerMetrics[0].title
	t.form = widget.NewSelect([]string{formLines, formMap}, func(string) {
		if !t.quiet {
			t.choseForm()
			refit()
		}
	})
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
	t.both = widget.NewButton("Figure 2", func() {
		t.showFigure2(!t.figure2)
		refit()
	})
	bar := container.New(controlLayout{2, 1}, t.metric, t.form, t.logY, named(t.stepText, t.step), t.both)
	t.lower = spaced(6, 2, 6, 0, container.NewStack(t.at, corner(t.at, fitButton(t.at.Fit))))
	t.slide = newFollowButton(t.over)
	upper := container.NewStack(t.over, corner(t.over, t.slide, fitButton(t.over.Fit)))
	t.charts = container.New(shareLayout{}, spaced(6, 6, 6, 2, upper), t.lower)
	t.object = container.NewBorder(nil, spaced(6, 4, 6, 8, bar), nil, nil, t.charts)
	t.suit(nil)
	return t
}

// kind is the chosen metric.
func (t *gradTab) kind() *layerMetric {
	for i := range layerMetrics {
		if layerMetrics[i].title == t.metric.Selected {
			return &layerMetrics[i]
		}
	}
	return &layerMetrics[0]
}

// choseForm notes what was chosen in the second list.
func (t *gradTab) choseForm() {
	if t.kind().key == nil {
		t.block = max(0, t.form.SelectedIndex())
	} else {
		t.wanted = t.form.Selected
	}
}

// showFigure2 puts steps 1 and 100 side by side in place of both charts, or takes that back.
func (t *gradTab) showFigure2(on bool) {
	t.figure2 = on
	t.both.Importance = widget.MediumImportance
	if on {
		t.both.Importance = widget.HighImportance
	}
	t.both.Refresh()
	setShown(t.lower, !on)
	setShown(t.slide, !on) // there are no steps to follow
	if on {
		t.step.Disable()
	} else {
		t.step.Enable()
	}
	t.charts.Refresh()
}

// suit offers what a run has: metrics of experts, or not, and for the load of experts its blocks.
func (t *gradTab) suit(r *run) {
	t.quiet = true
	defer func() { t.quiet = false }()
	var titles []string
	for i := range layerMetrics {
		if m := &layerMetrics[i]; m.has(r) || !m.moe {
			titles = append(titles, m.title)
		}
	}
	if !slices.Equal(titles, t.metric.Options) {
		if !slices.Contains(titles, t.metric.Selected) {
			t.metric.Selected = titles[0]
		}
		t.metric.SetOptions(titles)
	}
	forms, chosen := []string{formLines, formMap}, t.wanted
	if t.kind().key == nil {
		forms = nil
		for i := range r.cfg.Model.Layers {
			forms = append(forms, fmt.Sprintf("Block %d", i))
		}
		t.block = min(t.block, len(forms)-1)
		chosen = forms[t.block]
	}
	if !slices.Equal(forms, t.form.Options) || t.form.Selected != chosen {
		t.form.Selected = chosen
		t.form.SetOptions(forms)
	}
	enable(t.form, !t.figure2 || t.kind().key == nil)
}

// draw shows the figures of some runs anew.
func (t *gradTab) draw(runs []*run, selected *run) {
	t.suit(selected)
	t.over.SetFigure(t.upper(runs, selected))
	if !t.figure2 {
		t.at.SetFigure(t.atStep(runs, selected))
		t.showStep()
	}
}

// redraw shows new data in the same figures.
func (t *gradTab) redraw(runs []*run, selected *run) {
	if t.figure2 || t.kind().key == nil {
		t.draw(runs, selected)
		return
	}
	t.over.Refresh()
	t.at.SetFigure(t.atStep(runs, selected))
}

// upper is the upper chart, or the only one.
func (t *gradTab) upper(runs []*run, selected *run) chart.Figure {
	if t.figure2 {
		return t.sideBySide(runs, selected)
	}
	return t.overTime(selected)
}

// stem names the files of the upper chart.
func (t *gradTab) stem() string {
	slug := strings.ReplaceAll(strings.ToLower(t.kind().title), " ", "-")
	switch {
	case t.figure2:
		return slug + "-at-steps-1-and-100"
	case t.kind().key == nil:
		return fmt.Sprintf("%s-of-block-%d", slug, t.block)
	}
	return slug + "-over-steps"
}

// by is what the x axis of the bars counts.
func (t *gradTab) by() string {
	if t.kind().key == nil {
		return "expert"
	}
	return "block"
}

// title is the heading of a chart.
func (t *gradTab) title() string {
	if t.kind().key == nil {
		return fmt.Sprintf("%s, block %d", t.kind().title, t.block)
	}
	return t.kind().title + " by block"
}

// overTime is the upper chart: one run, all steps.
func (t *gradTab) overTime(r *run) chart.Figure {
	m := t.kind()
	head := chart.Head{Title: t.title(), Empty: "Waiting for the first step"}
	if r == nil {
		head.Empty = "Train a model to see how each block learns"
		return &chart.LayerLines{Head: head, XLabel: "step", YLabel: m.label(r)}
	}
	head.Title += ", " + r.title
	steps, series := float64(r.cfg.Steps), m.series(r, t.block)
	if m.key == nil || t.wanted == formMap {
		return &chart.HeatMap{Head: head, XLabel: "step", YLabel: t.by(), ValueLabel: m.label(r), XMax: steps,
			Log: t.logY.Checked, Layers: series}
	}
	return &chart.LayerLines{Head: head, XLabel: "step", YLabel: m.label(r), XMax: steps,
		LogY: t.logY.Checked, Layers: series}
}

// atStep is the lower chart: all runs at the slider's step, or at the last before it.
func (t *gradTab) atStep(runs []*run, selected *run) chart.Figure {
	m := t.kind()
	last, newest := 1.0, 0.0
	for _, r := range runs {
		if x := lastStep(m, r, t.block); r.shown && x > 0 {
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
	f := t.bars(runs, selected, t.step.Value, true)
	f.Title = t.title()
	if len(f.Groups) > 0 {
		f.Title += ", " + t.stepSaid()
	} else {
		f.Empty = "One bar a " + t.by() + " and run, at the step the slider shows"
	}
	return f
}

// lastStep is the newest step with the metric, 0 if there is none.
func lastStep(m *layerMetric, r *run, block int) float64 {
	if !m.has(r) {
		return 0
	}
	for _, s := range m.series(r, block) {
		if s != nil {
			x, _, _ := s.Last()
			return x
		}
	}
	return 0
}

// bars shows all runs at a step, or at the last before it; dated, a run that ended before says so.
func (t *gradTab) bars(runs []*run, selected *run, step float64, dated bool) *chart.Bars {
	m := t.kind()
	f := &chart.Bars{Head: chart.Head{Empty: "Waiting for the first step"},
		XLabel: t.by(), YLabel: m.label(selected), LogY: t.logY.Checked}
	t.legend = map[string]*run{}
	for _, r := range runs {
		if !r.shown && !r.faded || !m.has(r) {
			continue
		}
		g := chart.BarGroup{Name: r.title, Slot: r.slot, Hidden: !r.shown}
		for _, s := range m.series(r, t.block) {
			if s == nil {
				break
			}
			x, y := s.Points()
			i := sort.Search(len(x), func(i int) bool { return x[i] > step }) - 1
			if i < 0 {
				break
			}
			g.Values = append(g.Values, y[i])
			if dated && x[i] < step {
				g.Name = fmt.Sprintf("%s (step %s)", r.title, chart.FormatCount(x[i]))
			}
		}
		t.legend[g.Name] = r
		f.Groups = append(f.Groups, g)
	}
	return f
}

// sideBySide is the paper's Figure 2: the bars of all runs at step 1 and at step 100, or at the newest on
// the way there.
func (t *gradTab) sideBySide(runs []*run, selected *run) chart.Figure {
	m := t.kind()
	row := &chart.Row{Head: chart.Head{Title: t.title()}, SameY: t.logY.Checked}
	for _, step := range figure2Steps {
		reached := 0.0
		for _, r := range runs {
			if r.shown {
				reached = math.Max(reached, math.Min(step, lastStep(m, r, t.block)))
			}
		}
		f := t.bars(runs, selected, step, false)
		f.Title = "step " + chart.FormatCount(step)
		if reached > 0 && reached < step {
			f.Title = fmt.Sprintf("step %s, on the way to %s", chart.FormatCount(reached), chart.FormatCount(step))
		}
		if len(f.Groups) == 0 {
			f.Empty = "One bar a " + t.by() + " and run, at step " + chart.FormatCount(step)
		}
		row.Panels = append(row.Panels, f)
	}
	return row
}

// place moves the slider's end to the last step of all runs and, while it follows, the slider to the
// newest of the selected one: so a live run is compared with the others at the same step. It is seen when
// showStep is called.
func (t *gradTab) place(last, newest float64) {
	t.newest = newest
	t.step.Max = math.Max(2, last)
	if t.follow {
		t.step.Value = newest
	}
}

// stepSaid names the slider's step.
func (t *gradTab) stepSaid() string { return "step " + chart.FormatCount(t.step.Value) }

// showStep brings the slider up to date.
func (t *gradTab) showStep() {
	t.quiet = true
	t.step.Refresh()
	t.quiet = false
	t.stepText.set(t.stepSaid(), "")
}
