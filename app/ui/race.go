package ui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/report"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// windowRace is a race as the window knows it.
type windowRace struct {
	race *race.Race
	snap race.Snapshot
	over bool // the race has ended, and the window knows
	runs []*run
	// points are those that a run had when it joined the race: it may be trained further afterwards.
	points []map[string]*chart.Series
}

// source is what figures draw.
func (r *windowRace) source() *report.Source {
	var slots []int
	by := r.slots()
	for i, id := range r.snap.Plan.Variants {
		slot, ok := by[id]
		if !ok {
			slot = len(r.snap.Plan.Variants) + i // its run has not begun
		}
		slots = append(slots, slot)
	}
	return &report.Source{Race: &r.snap, Slots: slots, Series: func(run int, key string) *chart.Series {
		if run >= len(r.points) {
			return nil
		}
		return r.points[run][key]
	}}
}

// slots gives each variant the colour of its first run, which the list of runs shows too.
func (r *windowRace) slots() map[string]int {
	by := map[string]int{}
	for _, of := range r.runs {
		if _, known := by[of.cfg.Model.Variant]; !known {
			by[of.cfg.Model.Variant] = of.slot
		}
	}
	return by
}

// buildRace makes the tab.
func (w *Window) buildRace() {
	t := newRaceTab(w.opt.Dispatch, func() { w.redraw() })
	w.raceTab = t
	t.again.OnTapped, t.report.OnTapped, t.hint.button.OnTapped = w.raceOrCancel, w.ReportRace, w.Race
	c := w.raceChart()
	t.view.OnTypedKey = func(e *fyne.KeyEvent) {
		if e.Name == fyne.KeySpace {
			w.Pause()
		}
	}
	t.view.OnSecondaryTap = func(e *fyne.PointEvent) { w.chartMenu(c, e.AbsolutePosition) }
}

// raceChart is the figure of the race for exports.
func (w *Window) raceChart() *namedChart {
	stem := func() string { return "race-" + strings.ReplaceAll(strings.ToLower(w.raceTab.kind().Title), " ", "-") }
	return &namedChart{w.raceTab.view, stem, tabRace, func() chart.Figure { return w.raceTab.figure(w.race) },
		func() []*run {
			if w.race.snap.Step == 0 {
				return nil
			}
			return w.race.runs
		}}
}

// Race asks which variants to race.
func (w *Window) Race() {
	if _, ok := w.state.after(ActTrain); !ok {
		return
	}
	cfg, err := w.checkedConfig()
	if err != nil {
		w.complain("This cannot be raced", err)
		return
	}
	w.racing = newRaceDialog(w, cfg)
	w.racing.show()
}

var errAtWork = errors.New("a run is at work; stop it first, or wait until it has ended")

// startRace queues the runs of a plan and shows them grow.
func (w *Window) startRace(p race.Plan) error {
	if !looks[w.state].train {
		return errAtWork
	}
	r := &windowRace{}
	started, err := race.Start(p, func(c trainer.Config) (race.Job, error) { return w.startRaced(r, c) })
	if err != nil {
		return err
	}
	r.race, r.snap = started, started.Snapshot()
	w.race = r
	w.raceTab.suit(r.snap.Runs[0].Config.Steps)
	w.raceTab.view.Fit()
	w.setState(Preparing)
	w.tabs.SelectIndex(tabRace)
	w.redraw()
	go func() {
		<-started.Done()
		w.opt.Dispatch(func() { w.raceEnded(r) })
	}()
	return nil
}

// startRaced begins one run of a race, on the race's goroutine. The window shows it as any other run.
func (w *Window) startRaced(r *windowRace, c trainer.Config) (race.Job, error) {
	var shown *run
	w.opt.Dispatch(func() {
		shown = w.enlist(c)
		if i := strings.LastIndex(shown.title, " #"); i >= 0 {
			shown.title = fmt.Sprintf("%s, seed %d%s", shown.title[:i], c.Seed, shown.title[i:])
		}
		shown.shown = c.Seed == r.snap.Plan.Base.Seed // eighteen curves would hide one another
		shown.raced = r
		r.runs, r.points = append(r.runs, shown), append(r.points, shown.series)
		w.setState(Preparing)
		w.runs.choose(shown)
		w.redraw()
	})
	job, err := w.opt.Start(c)
	w.opt.Dispatch(func() { w.started(shown, job, err) })
	if err != nil {
		return nil, err
	}
	return job, nil
}

// raceAtWork tells whether a race has runs left to train.
func (w *Window) raceAtWork() bool { return w.race != nil && !w.race.over }

// afterRun is the window's state when a run is in a state: between the runs of a race the window prepares
// the next, and a run of a race that diverged is a result, which locks nothing.
func (w *Window) afterRun(r *run, s State) State {
	switch {
	case r.raced == nil || s != Done && s != Diverged:
		return s
	case r.raced.over:
		return Done
	}
	return Preparing
}

// CancelRace stops the run at work, with a checkpoint, and begins no other.
func (w *Window) CancelRace() {
	if !w.raceAtWork() {
		return
	}
	w.race.race.Cancel()
	w.Stop()
	w.showRace()
}

// raceEnded follows the end of a race.
func (w *Window) raceEnded(r *windowRace) {
	r.over = true
	r.snap = r.race.Snapshot()
	if w.race != r {
		return
	}
	last := w.current
	switch s := r.snap.State; {
	case last == nil || last.raced != r: // not one run was begun
		w.setState(Idle)
	case s == race.Cancelled && !looks[last.state].live:
		w.setState(Stopped)
	case last.state == Done || last.state == Diverged:
		w.setState(Done)
	}
	w.redraw()
	if w.closing && !looks[w.state].live {
		w.leave()
		return
	}
	if r.snap.State == race.Done {
		w.notify(raceSummary(&r.snap))
	}
}

// showRace brings the tab up to date.
func (w *Window) showRace() {
	w.drawRace()
	w.raceTab.show(w.race)
}

// drawRace draws the figure of the race as it stands now.
func (w *Window) drawRace() {
	if w.race != nil && !w.race.over {
		w.race.snap = w.race.race.Snapshot()
	}
	w.raceTab.view.SetFigure(w.raceTab.live(w.race))
}

// raceOrCancel is what the button of the tab does.
func (w *Window) raceOrCancel() {
	if w.raceAtWork() {
		w.CancelRace()
		return
	}
	w.Race()
}

// ReportRace writes the whole of the race as one folder.
func (w *Window) ReportRace() {
	if w.race == nil || w.raceTab.reporting {
		return
	}
	w.reportUnderWay(true)
	s := w.race.race.Snapshot()
	o := report.Options{Slots: w.race.source().Slots, When: w.opt.Now(), Version: w.opt.Version}
	dir := filepath.Join(w.opt.ExportDir, "race-"+strings.Join(s.Plan.Variants, "-"))
	w.produce("The report was not written", []product{{path: dir, write: func(path string) error {
		return report.Write(context.Background(), path, &s, o)
	}}}, func() { w.reportUnderWay(false) })
}

// reportUnderWay keeps a report from being written twice at once, and shows that it is.
func (w *Window) reportUnderWay(on bool) {
	t := w.raceTab
	t.reporting = on
	t.report.SetText(map[bool]string{false: reportLabel, true: "Writing…"}[on])
	t.show(w.race)
}
