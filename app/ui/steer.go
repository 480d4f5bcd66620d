package ui

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/trainer"
)

// Steering is how the window goes on with run folders. Functions that are nil are not offered; all but
// Awake are called off the UI goroutine, and their errors are sentences for people.
type Steering struct {
	Resume   func(path string, steps int) (Job, error)
	RollBack func(path string, factor float64) (Job, error)
	Awake    func(on bool) // keeps the machine from sleeping; must not wait
}

// backFactor is what going back after a divergence multiplies the learning rate by.
const backFactor = 0.5

// steerItems are the menu items here.
type steerItems struct{ rate, longer, back *fyne.MenuItem }

func (w *Window) steerItems() steerItems {
	w.status.lr.press, w.setup.lr.locked = w.ChangeRate, w.ChangeRate
	return steerItems{
		rate:   item("Change Learning Rate…", w.ChangeRate, fyne.KeyL, true),
		longer: item("Continue Longer…", w.ContinueLonger, fyne.KeyR, true),
		back:   item("Roll Back at Half the Rate", w.RollBack, fyne.KeyB, true),
	}
}

// target is the run that is gone on with: the selected one, else the last.
func (w *Window) target() *run {
	switch c := w.runs.chosen; {
	case c != nil && c != w.selected:
		return nil // its metrics are on the way
	case w.selected != nil:
		return w.selected
	}
	return w.current
}

// canGoOn tells whether an action of the table is open to a run that has ended, now.
func (w *Window) canGoOn(r *run, a Action) bool {
	if r == nil || r.snap.RunPath == "" || !looks[w.state].train {
		return false
	}
	_, ok := r.state.after(a)
	return ok && (a == ActLonger && w.opt.Steer.Resume != nil || a == ActRollBack && w.opt.Steer.RollBack != nil)
}

// steerControls follows the states of window and selected run.
func (w *Window) steerControls() {
	m := &w.menu.steer
	_, rate := w.state.after(ActRate)
	m.rate.Disabled = !rate
	w.status.lr.offer(rate)
	m.longer.Disabled = !w.canGoOn(w.target(), ActLonger)
	m.back.Disabled = !w.canGoOn(w.target(), ActRollBack)
	w.menu.refresh()
	if on := looks[w.state].awake; on != w.awake {
		w.awake = on
		if w.opt.Steer.Awake != nil {
			w.opt.Steer.Awake(on)
		}
	}
}

// ChangeRate asks for another peak of the learning rate of the run at work.
func (w *Window) ChangeRate() {
	if _, ok := w.state.after(ActRate); !ok {
		return
	}
	r := w.current
	peak := r.snap.Peak
	w.asked = &question{
		title: "Change Learning Rate", label: "Peak", text: rateText(peak), confirm: "Change",
		quick: []Choice{{rateText(peak / 2), "Half"}, {rateText(2 * peak), "Double"}},
		note: func(text string) (string, error) {
			v, err := readRate(text)
			if err != nil {
				return "", err
			}
			if v == peak {
				return fmt.Sprintf("This is the peak now. At step %s the rate is %s.",
					whole(r.snap.Step), rateWord(r.snap.LR)), nil
			}
			c := r.cfg
			c.LR, c.LRAt = v, ""
			return fmt.Sprintf("With the next step the rate goes from %s to %s. Warmup and decay go on as planned; "+
				"the change is kept with the run.", rateWord(r.snap.LR), rateWord(c.RateAt(r.snap.Step+1))), nil
		},
		done: func(text string) {
			v, err := readRate(text)
			if err == nil && r.job == nil {
				err = errors.New("the run has ended meanwhile; continue it to train with another rate")
			} else if err == nil {
				err = r.job.SetLearningRate(v)
			}
			if err != nil {
				w.complain("The learning rate was not changed", err)
			}
		},
	}
	w.asked.show(w.win)
}

// rateText writes a rate so that it reads back the same.
func rateText(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// rateWord writes a rate for people: 0.002, 0.000385.
func rateWord(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

func readRate(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 0, &fieldError{"Learning rate", text, "a number above 0, such as 0.001 or 1e-3"}
	}
	return v, nil
}

// ContinueLonger asks for how many steps more the selected run is trained.
func (w *Window) ContinueLonger() {
	r := w.target()
	if !w.canGoOn(r, ActLonger) {
		return
	}
	at := int(r.snap.Step)
	more := r.cfg.Steps - at
	if more <= 0 {
		more = r.cfg.Steps
	}
	read := func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return 0, &fieldError{"Steps", text, "a whole number of at least 1"}
		}
		return n, nil
	}
	w.asked = &question{
		title: "Continue Longer", label: "More steps", text: strconv.Itoa(more), confirm: "Continue",
		note: func(text string) (string, error) {
			n, err := read(text)
			if err != nil {
				return "", err
			}
			c := r.cfg
			c.Steps = at + n
			return fmt.Sprintf("%s is trained up to step %s. %s", r.title, whole(int64(c.Steps)),
				ahead(&r.cfg, &c, int64(at))), nil
		},
		done: func(text string) {
			n, err := read(text)
			if err != nil || !w.canGoOn(r, ActLonger) {
				return
			}
			path := r.snap.RunPath
			w.goOn(r, at+n, func() (Job, error) { return w.opt.Steer.Resume(path, at+n) })
		},
	}
	w.asked.show(w.win)
}

// RollBack goes on with the selected run, which diverged, from its last good checkpoint at half the rate.
func (w *Window) RollBack() {
	r := w.target()
	if !w.canGoOn(r, ActRollBack) {
		return
	}
	path := r.snap.RunPath
	w.goOn(r, r.cfg.Steps, func() (Job, error) { return w.opt.Steer.RollBack(path, backFactor) })
}

// showDiverged says why a run was ended and what can be done.
func (w *Window) showDiverged(r *run) {
	if !w.canGoOn(r, ActRollBack) {
		w.banner.offer(toneRed, "Diverged. "+r.snap.Reason, answer{"Unlock the form", w.Stop})
		return
	}
	w.banner.offer(toneRed, "Diverged. "+r.snap.Reason, answer{"Roll back at half the rate", func() {
		w.runs.choose(r)
		w.RollBack()
	}}, answer{"Keep", w.Stop})
}

// goOn trains a run further, up to a step, with the job that open gives. Its curves stay until the job
// has brought them, cut where it went back.
func (w *Window) goOn(r *run, steps int, open func() (Job, error)) {
	was, before, planned := r.state, r.snap, r.cfg.Steps
	r.cfg.Steps = steps
	w.showSettingsOf(r) // a locked form shows what is trained
	w.runs.unfilter(r)
	w.enroll(r)
	r.raced, r.shown, r.faded, r.discarded = nil, true, false, false // what a race measured stays with the race
	w.current, w.stopAsap = r, false
	w.banner.close()
	r.job, r.seen.notes = nil, 0
	s := r.snap
	s.State, s.Reason, s.Progress, s.ETA, s.Notes = trainer.Preparing, "Opening the run folder", -1, 0, nil
	s.Steps = int64(steps)
	r.take(s, w.opt.Now())
	w.loss.view.Fit()
	w.loss.suit(steps)
	w.grad.follow = true
	w.setState(Preparing)
	w.runs.choose(r)
	w.redraw()
	go func() {
		job, err := open()
		w.opt.Dispatch(func() {
			if err == nil {
				w.follow(r, newRun(r.slot, r.cfg), job)
				return
			}
			r.state, r.snap, r.cfg.Steps = was, before, planned
			w.setState(was)
			w.runs.update()
			w.complain("The run does not go on", err)
			if was == Diverged {
				w.showDiverged(r)
			}
			if w.closing {
				w.leave()
			}
		})
	}()
}

// follow shows a job as a run; its rows are gathered in rows, which become the run's own once there are
// any.
func (w *Window) follow(r, rows *run, job Job) {
	r.job = job
	if w.stopAsap {
		job.Stop()
	}
	p := &poller{job: job, into: rows, every: w.opt.Poll, dispatch: w.opt.Dispatch, pace: w.pace}
	p.update = func(final bool) {
		if rows != r && rows.hasData() {
			r.keys, r.series, r.best, r.load, r.seen.val = rows.keys, rows.series, nil, nil, 0
			rows = r
			w.redraw()
		}
		if !final {
			w.look(r)
			return
		}
		w.take(r, job.Snapshot())
		w.finished(r)
	}
	w.look(r)
	go p.run()
}

// look shows where the job of a run stands. That it has ended waits for its last points, which its poller
// brings.
func (w *Window) look(r *run) {
	if s := r.job.Snapshot(); !s.State.Final() {
		w.take(r, s)
	}
}

// newsTime is how long the status line tells that something was done.
const newsTime = 5 * time.Second

// CheckpointNow asks the run at work for a checkpoint; the status line tells when it is written.
func (w *Window) CheckpointNow() {
	if w.current == nil || w.current.job == nil || !looks[w.state].rate {
		return
	}
	w.saving, w.savedBefore = true, w.current.snap.Saved
	w.status.awaiting("Writing a checkpoint after this step")
	w.current.job.CheckpointNow()
}

// tellSaved says that the checkpoint that was asked for is written, or can be no more.
func (w *Window) tellSaved(s *trainer.Snapshot) {
	switch {
	case !w.saving:
	case s.Saved > w.savedBefore:
		w.saving = false
		text := "Checkpoint written: " + filepath.Base(s.Checkpoint)
		w.status.awaiting(text)
		w.told = time.AfterFunc(newsTime, func() {
			w.opt.Dispatch(func() {
				if w.status.over == text {
					w.status.awaiting("")
				}
			})
		})
	case s.State.Final():
		w.saving = false
		w.status.awaiting("")
	}
}
