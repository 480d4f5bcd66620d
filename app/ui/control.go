package ui

import (
	"errors"
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer"
)

// Train starts a run with what the form says.
func (w *Window) Train() {
	next, ok := w.state.after(ActTrain)
	if !ok {
		return
	}
	cfg, err := w.checkedConfig()
	if err != nil {
		w.complain("This cannot be trained", err)
		return
	}
	r := w.enlist(cfg)
	w.setState(next)
	w.runs.choose(r)
	w.redraw()
	w.saveState()
	go func() {
		job, err := w.opt.Start(cfg)
		w.opt.Dispatch(func() { w.started(r, job, err) })
	}()
}

// enlist adds a run that is about to begin, as the current one.
func (w *Window) enlist(cfg trainer.Config) *run {
	r := newRun(0, cfg)
	w.makeRoom(&cfg)
	w.runs.unfilter(r)
	w.runs.chosen = r // the list is refreshed once
	w.enroll(r)
	w.current, w.stopAsap = r, false
	w.banner.close()
	r.take(r.snap, w.opt.Now())
	w.loss.view.Fit()
	w.loss.suit(cfg.Steps)
	w.grad.follow = true
	return r
}

// checkedConfig is the form as a config that can be built.
func (w *Window) checkedConfig() (trainer.Config, error) {
	cfg, err := w.setup.config()
	if err != nil {
		return cfg, err
	}
	cfg.Prompt = w.samples.prompt.Text
	if err := cfg.Validate(); err != nil {
		return cfg, err
	}
	if _, err = cfg.ExpectedSpec(); err == nil && w.lack != "" {
		err = errors.New(w.lack)
	}
	return cfg, err
}

// started takes the trainer's answer.
func (w *Window) started(r *run, job Job, err error) {
	if err != nil {
		s := r.snap
		s.State, s.Reason = trainer.Failed, sentence(err.Error())
		w.take(r, s)
		w.finished(r)
		return
	}
	w.follow(r, r, job)
}

// UseCPU lets a job whose GPU cannot go on train on the CPU.
func (w *Window) UseCPU() {
	if w.state == Asking {
		w.current.job.UseCPU()
		w.take(w.current, w.current.job.Snapshot())
	}
}

// Pause pauses a running job, or resumes a paused one.
func (w *Window) Pause() {
	if _, ok := w.state.after(ActPause); !ok {
		return
	}
	if looks[w.state].resume {
		w.current.job.Continue()
	} else {
		w.current.job.Pause()
	}
	w.look(w.current)
}

// Stop ends the job with a checkpoint; after a divergence it unlocks the form.
func (w *Window) Stop() {
	next, ok := w.state.after(ActStop)
	if ok && w.raceAtWork() {
		w.race.race.Cancel()
	}
	switch {
	case !ok:
	case next == Idle:
		w.banner.close()
		w.setState(Idle)
	case w.current.job == nil:
		w.stopAsap = true
		w.setState(next)
	default:
		w.current.job.Stop()
		w.look(w.current)
	}
}

// take shows a snapshot of the current run.
func (w *Window) take(r *run, s trainer.Snapshot) {
	samples, lines := r.take(s, w.opt.Now())
	next := w.afterRun(r, r.state)
	if r != w.current {
		next = w.state // the next run of a race has begun
	}
	if w.stopAsap && next == Preparing {
		next = Stopping
	}
	changed := next != w.state
	if changed {
		if w.state == Asking {
			w.banner.close()
		}
		w.setState(next)
		if next == Asking {
			w.banner.ask(toneAmber, s.Reason, "Train on the CPU", w.UseCPU)
			w.notify(r.title + " waits for an answer")
		}
	}
	w.keep(r)
	if r == w.selected {
		if samples && w.tab() == tabSamples {
			w.samples.show(r, r.cfg.SampleEvery)
		}
		if lines && w.tab() == tabLog {
			w.log.show(r)
		}
	}
	if changed {
		w.redraw()
		w.tell(r)
	} else {
		w.repaint()
		w.tellWithCharts(r)
	}
	w.every.Store(int64(paceFor(w.opt.Poll, s.OnGPU, w.drawTime())))
}

// finished follows the end of a run.
func (w *Window) finished(r *run) {
	w.learn(r)
	switch {
	case r.state == Diverged && r.raced == nil:
		w.showDiverged(r)
	case r.state == Failed:
		text := r.snap.Reason
		if r.snap.Checkpoint != "" {
			text += " The last checkpoint is " + homely(r.snap.Checkpoint) + "."
		}
		w.banner.offer(toneRed, text, answer{"Copy details", func() { copyText(w.failure(r)) }},
			answer{"Show log", func() {
				w.runs.choose(r)
				w.tabs.SelectIndex(tabLog)
			}})
	}
	w.redraw()
	w.saveState()
	if r.discarded {
		r.discarded = false // it may be restored and gone on with
		w.trash(r)
	} else {
		w.store(r)
	}
	if w.closing && !w.raceAtWork() {
		w.leave()
		return
	}
	if r.raced == nil {
		w.notify(r.title + ": " + r.summary())
	}
}

// notify tells what happened when the window is not in front.
func (w *Window) notify(text string) {
	if w.behind.Load() && wanted(prefNotify) {
		fyne.CurrentApp().SendNotification(fyne.NewNotification("Evenkeel", text))
	}
}

// failure is what a person can send us.
func (w *Window) failure(r *run) string {
	text := fmt.Sprintf("Evenkeel %s\n%s\n%s\n%s\n", w.opt.Version, r.settings(), r.snap.Reason, r.snap.RunPath)
	if r.snap.Checkpoint != "" {
		text += "last checkpoint: " + r.snap.Checkpoint + "\n"
	}
	for _, l := range r.log {
		text += l.String() + "\n"
	}
	return text
}

// waitNotice is how long a pause or stop may take without a word.
const waitNotice = 2 * time.Second

// watchWaiting says what is awaited when a pause or stop takes long.
func (w *Window) watchWaiting(s State) {
	if w.waiting != nil {
		w.waiting.Stop()
		w.waiting = nil
		w.status.awaiting("")
	}
	if s != Pausing && s != Stopping {
		return
	}
	w.waiting = time.AfterFunc(w.patience, func() {
		w.opt.Dispatch(func() {
			if w.state == s {
				w.status.awaiting("Waiting for the step at work to end; then a checkpoint is written")
			}
		})
	})
}

// Tabs by position.
const (
	tabLoss = iota
	tabGradients
	tabSamples
	tabCompare
	tabRace
	tabLog
)

func (w *Window) tab() int { return w.tabs.SelectedIndex() }

// redraw rebuilds what the visible tab shows.
func (w *Window) redraw() {
	if w.menu == nil {
		return // still building
	}
	switch w.tab() {
	case tabLoss:
		setShown(w.loss.hint.object, !w.anyShown())
		if !w.anyShown() {
			w.loss.view.SetFigure(nil)
			return
		}
		w.loss.view.SetFigure(w.loss.figure(w.session))
	case tabGradients:
		w.grad.draw(w.session, w.selected)
	case tabSamples:
		every := w.setup.base.SampleEvery
		if w.selected != nil {
			every = w.selected.cfg.SampleEvery
		}
		w.samples.show(w.selected, every)
	case tabCompare:
		w.showCompare()
	case tabRace:
		w.showRace()
	case tabLog:
		w.log.show(w.selected)
	}
}

// repaint shows new data in the visible charts.
func (w *Window) repaint() {
	switch w.tab() {
	case tabLoss:
		w.loss.view.Refresh()
	case tabGradients:
		w.grad.redraw(w.session, w.selected)
	case tabCompare:
		w.compare.view.Refresh()
	case tabRace:
		w.drawRace()
	}
}

// showRun puts a run on the charts or takes it off.
func (w *Window) showRun(r *run, on bool) {
	r.shown = on
	r.faded = r.faded && !on
	if on {
		w.withMetrics(r, func() {
			w.enroll(r)
			w.suit()
			w.redraw()
		})
	}
	w.runs.update()
	w.redraw()
}

// selectRun chooses whose gradients, samples and log are shown.
func (w *Window) selectRun(r *run) {
	w.runs.chosen = r
	if !w.known(r) {
		w.steerControls() // nothing is gone on with while its metrics are on the way
	}
	w.withMetrics(r, func() {
		if w.runs.chosen != r {
			return // another was selected meanwhile
		}
		w.selected = r
		w.steerControls()
		w.redraw()
	})
	w.runControls()
}

// passTime is how long a row of the list is stayed on before its run is read.
const passTime = 150 * time.Millisecond

// passRun follows a row that keys have reached and may leave at once: reading a run takes its time.
func (w *Window) passRun(r *run) {
	if w.known(r) {
		w.selectRun(r)
		return
	}
	w.steerControls()
	w.runControls()
	time.AfterFunc(passTime, func() {
		w.opt.Dispatch(func() {
			if w.runs.chosen == r {
				w.selectRun(r)
			}
		})
	})
}

func (w *Window) setPrompt(text string) {
	if w.current != nil && w.current.job != nil && looks[w.state].live {
		w.current.job.SetPrompt(text)
	}
}

// complain shows an error as a sentence.
func (w *Window) complain(title string, err error) {
	text := widget.NewLabel(sentence(err.Error()))
	text.Wrapping = fyne.TextWrapWord
	d := dialog.NewCustom(title, "Close", text, w.win)
	d.Resize(fyne.NewSize(columnUnits(460), 0))
	d.Show()
	w.sayPlainly()
}

// showHelp opens the explanation of a field beside it.
func (w *Window) showHelp(l *helpLabel) {
	text := prose(theme.SizeNameText, widget.MediumImportance)
	width := columnUnits(300)
	prepare(text, width-theme.InnerPadding()) // that of the popup
	text.SetText(l.help.text)
	w.help = widget.NewPopUp(column(0, spaced(6, 6, 6, 0, heading(l.help.label)), text), w.win.Canvas())
	w.help.Resize(fyne.NewSize(width, 10))
	w.help.ShowAtRelativePosition(fyne.NewPos(l.Size().Width, 0), l)
	w.sayPlainly()
}

// Close asks when a run is at work, and ends it with a checkpoint before it leaves.
func (w *Window) Close() {
	if !looks[w.state].live || w.closing {
		w.leave() // closing twice does not wait
		return
	}
	if w.quitting != nil && w.quitting == w.win.Canvas().Overlays().Top() {
		return // asked already
	}
	ask := "Finish the step, write a checkpoint and quit?\nThe run can be resumed from its folder later."
	if w.raceAtWork() {
		ask = "Finish the step, write a checkpoint and quit?\nThe race ends here; the runs it has trained are kept."
	}
	text := widget.NewLabel(ask)
	dialog.ShowCustomConfirm("Training is running", "Save and quit", "Cancel", text, func(yes bool) {
		if yes {
			w.Quit()
		}
	}, w.win)
	w.quitting = w.win.Canvas().Overlays().Top()
}

// Quit ends a run at work with a checkpoint and leaves, without asking.
func (w *Window) Quit() {
	w.closing = true
	if !looks[w.state].live {
		w.leave()
		return
	}
	if w.state == Pausing || w.state == Stopping {
		if w.current.job != nil {
			w.current.job.Stop()
		}
		return
	}
	w.Stop()
}

func (w *Window) leave() {
	w.saveSize()
	w.saveState()
	w.gone.Store(true)
	w.talk.halt()
	w.lib.writing.wait()
	w.exports.wait()
	w.win.SetCloseIntercept(nil)
	w.win.Close()
}

var errNothing = errors.New("there is nothing to export yet; " +
	"press Train, and the charts fill from the first step")
