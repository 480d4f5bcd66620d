package ui

import (
	"fmt"
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
	"github.com/evenkeel/evenkeel/trainer"
)

// metric is a choice of the loss tab.
type metric struct{ key, title, label string }

var metrics = []metric{
	{trainer.KeyLoss, "Loss", "cross-entropy (nats a token)"},
	{trainer.KeyGradNorm, "Gradient norm", "L2 over all parameters, before clipping"},
	{trainer.KeyLR, "Learning rate", "learning rate"},
	{trainer.KeyTokens, "Tokens a second", "tokens a second"},
}

// firstSmoothing calms the loss of a run of some hundred steps without lagging behind it.
const firstSmoothing = 0.75

// validationSuffix follows a run's title in the legend.
const validationSuffix = ", validation"

// lossTab shows metrics of whole steps, all runs on one chart.
type lossTab struct {
	view    *chartview.Chart
	metric  *widget.Select
	logX    *widget.Check
	logY    *widget.Check
	raw     *widget.Check
	smooth  *widget.Slider
	amount  *themedText
	hint    *hint
	corner  *fyne.Container // buttons of a chart with something on it
	object  fyne.CanvasObject
	changed func()
	touched bool // the smoothing was chosen by hand
	suiting bool // it is being chosen
}

func newLossTab(dispatch func(func()), changed func()) *lossTab {
	t := &lossTab{view: chartview.New(dispatch), changed: changed, hint: newHint()}
	redraw := func() {
		if t.changed != nil {
			t.changed()
		}
	}
	t.metric = widget.NewSelect(nil, func(string) { t.view.Fit(); redraw() })
	for _, m := range metrics {
		t.metric.Options = append(t.metric.Options, m.title)
	}
	t.metric.Selected = metrics[0].title
	t.logX = widget.NewCheck("Log X", func(bool) { t.view.Fit(); redraw() })
	t.logY = widget.NewCheck("Log Y", func(bool) { t.view.Fit(); redraw() })
	t.raw = widget.NewCheck("Raw", func(bool) { redraw() })
	t.raw.Checked = true
	t.amount = caption("")
	t.smooth = widget.NewSlider(0, 0.999)
	t.smooth.Step, t.smooth.Value = 0.001, firstSmoothing
	t.smooth.OnChanged = func(v float64) {
		t.touched = true
		t.amount.set(fmt.Sprintf("Smooth %.3g", v), "")
		if !t.suiting {
			redraw()
		}
	}
	t.amount.set(fmt.Sprintf("Smooth %.3g", t.smooth.Value), "")
	bar := container.New(controlLayout{1, 0}, t.metric, t.logX, t.logY, t.raw, named(t.amount, t.smooth))
	t.corner = corner(t.view, newFollowButton(t.view), fitButton(t.view.Fit))
	t.corner.Hide()
	t.object = container.NewBorder(nil, spaced(6, 4, 6, 8, bar), nil, nil,
		spaced(6, 6, 6, 0, container.NewStack(t.view, t.corner, t.hint.object)))
	return t
}

// suit chooses the smoothing for a run's length, until a person has: a long run has noise to spare, a
// short one must not lag. The caller redraws.
func (t *lossTab) suit(steps int) {
	if t.touched {
		return
	}
	const span = 75 // moving averages in a run
	t.suiting = true
	t.smooth.SetValue(math.Round(1000*min(max(1-span/float64(steps), 0), 0.98)) / 1000)
	t.suiting, t.touched = false, false
}

func (t *lossTab) kind() metric { return metrics[max(0, t.metric.SelectedIndex())] }

// figure builds the chart of the runs that are shown.
func (t *lossTab) figure(runs []*run) chart.Figure {
	t.corner.Show()
	m := t.kind()
	f := &chart.Lines{
		Head:   chart.Head{Title: m.title, Empty: "Waiting for the first step"},
		XLabel: "step", YLabel: m.label, LogX: t.logX.Checked, LogY: t.logY.Checked,
		ShowRaw: t.raw.Checked,
	}
	loss := m.key == trainer.KeyLoss
	if loss || m.key == trainer.KeyGradNorm || m.key == trainer.KeyTokens {
		f.Smooth = t.smooth.Value
	}
	floors := map[string]bool{}
	for _, r := range runs {
		if !r.shown && !r.faded {
			continue
		}
		f.Lines = append(f.Lines, chart.Line{Name: r.title, Slot: r.slot, Series: r.series[m.key], Hidden: !r.shown})
		if !r.shown {
			continue
		}
		f.XMax = math.Max(f.XMax, float64(r.cfg.Steps))
		if !loss {
			continue
		}
		f.Lines = append(f.Lines, chart.Line{Name: r.title + validationSuffix, Slot: r.slot,
			Series: r.series[trainer.KeyValLoss], Exact: true, Marks: true, Kind: "validation"})
		if label := "loss floor " + value(r.snap.Floor); !math.IsNaN(r.snap.Floor) && !floors[label] {
			floors[label] = true
			f.References = append(f.References, chart.Reference{Y: r.snap.Floor, Label: label})
		}
	}
	return f
}

// runTitle is the run a legend entry belongs to.
func runTitle(entry string) string { return strings.TrimSuffix(entry, validationSuffix) }

// hint is what stands in the middle of an empty chart.
type hint struct {
	title  *themedText
	text   *themedText
	more   *themedText
	button *widget.Button
	object *fyne.Container
}

func newHint() *hint {
	h := &hint{
		title: newText("", theme.ColorNameForeground, theme.SizeNameHeadingText, fyne.TextStyle{Bold: true}),
		text:  newText("", theme.ColorNamePlaceHolder, theme.SizeNameText, fyne.TextStyle{}),
		more:  newText("", theme.ColorNamePlaceHolder, theme.SizeNameText, fyne.TextStyle{}),
	}
	h.button = widget.NewButtonWithIcon("Train", theme.MediaPlayIcon(), nil)
	h.button.Importance = widget.HighImportance
	center := func(o fyne.CanvasObject) fyne.CanvasObject {
		return container.NewHBox(layout.NewSpacer(), o, layout.NewSpacer())
	}
	h.object = container.New(fittingLayout{[]*themedText{h.title, h.text, h.more}}, column(8, center(h.title), center(h.text), center(h.more),
		spaced(0, 10, 0, 0, center(h.button))))
	return h
}
