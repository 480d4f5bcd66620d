package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
	"github.com/evenkeel/evenkeel/app/report"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// raceTab shows a race as one growing figure and one table.
type raceTab struct {
	view   *chartview.Chart
	metric *widget.Select
	logY   *widget.Check
	smooth *widget.Slider
	amount *themedText
	said   *elided
	bar    *meter
	again  *widget.Button // another race, or the cancelling of this one
	report *widget.Button
	table  *raceTable
	hint   *hint
	whole  *fyne.Container // all but the hint
	object fyne.CanvasObject

	reporting bool // a report is being written
}

const reportLabel = "Write report"

func newRaceTab(dispatch func(func()), changed func()) *raceTab {
	t := &raceTab{view: chartview.New(dispatch), hint: newHint(), bar: newMeter(), table: newRaceTable(),
		said: newElided(newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{})), amount: caption("")}
	t.metric = widget.NewSelect(nil, func(string) {
		quietly(t.logY, t.kind().Log)
		t.view.Fit()
		changed()
	})
	for _, m := range report.Metrics() {
		t.metric.Options = append(t.metric.Options, m.Title)
	}
	t.logY = widget.NewCheck("Log Y", func(bool) { t.view.Fit(); changed() })
	t.metric.Selected = report.Metrics()[0].Title
	t.smooth = widget.NewSlider(0, 0.999)
	t.smooth.Step = 0.001
	t.smooth.OnChanged = func(v float64) {
		t.amount.set(fmt.Sprintf("Smooth %.3f", v), "")
		changed()
	}
	t.suit(300)
	t.again = widget.NewButtonWithIcon("", nil, nil)
	t.report = widget.NewButtonWithIcon(reportLabel, theme.DocumentSaveIcon(), nil)
	t.hint.title.set("Race norm variants", "")
	t.hint.text.set(fmt.Sprintf("Up to %d variants with several seeds, on equal data, one after another", race.MaxVariants), "")
	t.hint.more.set("One figure with mean and range, one table at the end", "")
	t.hint.button.SetText("Race variants…")

	controls := container.New(controlLayout{1, 2}, t.metric, t.logY, named(t.amount, t.smooth),
		newFollowButton(t.view), fitButton(t.view.Fit))
	head := container.NewBorder(nil, nil, nil, container.NewHBox(t.report, t.again),
		column(5, spaced(0, 4, 8, 0, t.said), spaced(0, 0, 8, 0, t.bar)))
	foot := column(0, spaced(0, 4, 0, 4, controls), widget.NewSeparator(), spaced(8, 4, 8, 8, t.table.object))
	t.whole = bordered(spaced(8, 6, 4, 2, head), foot, nil, nil, spaced(0, 4, 0, 0, t.view))
	t.object = container.NewStack(spaced(6, 2, 6, 0, t.whole), t.hint.object)
	return t
}

// quietly sets a switch without telling anybody.
func quietly(c *widget.Check, on bool) {
	told := c.OnChanged
	c.OnChanged = nil
	c.SetChecked(on)
	c.OnChanged = told
}

func (t *raceTab) kind() report.Metric { return report.Metrics()[max(0, t.metric.SelectedIndex())] }

// suit chooses the smoothing for a race of runs of some steps.
func (t *raceTab) suit(steps int) { t.smooth.SetValue(report.Smoothing(steps)) }

// figure is the chart of a race; nil has none.
func (t *raceTab) figure(r *windowRace) chart.Figure {
	if r == nil {
		return nil
	}
	return r.source().Lines(t.kind(), t.smooth.Value, t.logY.Checked)
}

// live is the chart as the tab shows it: the settings stand beside it, so that its caption is short.
func (t *raceTab) live(r *windowRace) chart.Figure {
	if r == nil {
		return nil
	}
	f := r.source().Lines(t.kind(), t.smooth.Value, t.logY.Checked)
	f.Caption = nil
	if n := r.snap.Plan.Seeds; n > 1 {
		f.Caption = []string{fmt.Sprintf("Mean of %s, and the range from the least to the largest", plural(n, "seed"))}
	}
	return f
}

// show brings everything but the chart up to date.
func (t *raceTab) show(r *windowRace) {
	setShown(t.whole, r != nil)
	setShown(t.hint.object, r == nil)
	if r == nil {
		return
	}
	s := &r.snap
	ink := theme.ColorNamePrimary
	switch {
	case s.State == race.Failed:
		ink = theme.ColorNameError
	case s.Cancelling || s.State == race.Cancelled:
		ink = theme.ColorNameWarning
	}
	done := 0.0
	if s.Steps > 0 {
		done = float64(s.Step) / float64(s.Steps)
	}
	t.bar.set(done, ink)
	t.said.set(raceLine(s), "")
	text, icon := "New race…", theme.MediaPlayIcon()
	if s.State == race.Running {
		text, icon = "Cancel race", theme.MediaStopIcon()
	}
	if t.again.Text != text {
		t.again.Text, t.again.Icon = text, icon
		t.again.Refresh()
	}
	enable(t.again, !s.Cancelling)
	enable(t.report, s.Step > 0 && !t.reporting)
	t.table.set(s, r.slots())
}

// raceLine says where a race stands.
func raceLine(s *race.Snapshot) string {
	if s.State != race.Running {
		return raceSummary(s)
	}
	if s.Cancelling {
		return "Stopping the race after this step"
	}
	text := fmt.Sprintf("Run %d of %d", min(s.Now+1, len(s.Runs)), len(s.Runs))
	if s.Now < len(s.Runs) {
		r := &s.Runs[s.Now]
		text += fmt.Sprintf(": %s, seed %d", r.Title(), r.Config.Seed)
	}
	if s.ETA > 0 {
		text += ", " + clock(s.ETA) + " left"
	}
	return text
}
