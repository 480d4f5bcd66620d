package ui

import (
	"fmt"
	"slices"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// interrupted picks the runs whose process ended without a word and that have something to go on from,
// newest first.
func interrupted(list []runs.Summary) []runs.Summary {
	var found []runs.Summary
	for i := range list {
		if s := &list[i]; s.Status == runs.Interrupted && s.LastStep >= 1 {
			found = append(found, *s)
		}
	}
	return found
}

// interruptedOffer is what the banner says of runs that were interrupted.
type interruptedOffer struct {
	found []runs.Summary
	said  *message
}

// offerInterrupted offers to go on with the first of the runs, and after that was left with the others.
// Nobody is disturbed who has begun something else meanwhile; the next start asks again.
func (w *Window) offerInterrupted(found []runs.Summary) {
	if len(found) == 0 || w.opt.Steer.Resume == nil || !looks[w.state].train || w.banner.Visible() {
		return
	}
	text, answers := w.interruptedSaid(found)
	w.banner.offer(toneAmber, text, answers...)
	w.lib.offered = &interruptedOffer{found, w.banner.pending}
}

// interruptedSaid is the offer to go on with the first of some runs.
func (w *Window) interruptedSaid(found []runs.Summary) (string, []answer) {
	s := &found[0]
	text := fmt.Sprintf("“%s” was interrupted at step %s", s.Name, whole(s.LastStep))
	if steps := storedRun(s).snap.Steps; steps > 0 {
		text += " of " + whole(steps)
	}
	switch n := len(found) - 1; {
	case n == 1:
		text += "; so was one more run"
	case n > 1:
		text += fmt.Sprintf("; so were %d more runs", n)
	}
	return text + ".", []answer{{"Resume", func() { w.resumeInterrupted(s) }}, {"Leave", func() {
		w.banner.close()
		w.leaveInterrupted(s)
		w.offerInterrupted(found[1:])
	}}}
}

// unoffer offers the run in a folder no more, because it has left the list; those offered with it still are.
func (w *Window) unoffer(path string) {
	o := w.lib.offered
	if o == nil || w.banner.pending != o.said {
		return // it was answered
	}
	left := slices.DeleteFunc(slices.Clone(o.found), func(s runs.Summary) bool { return s.Path == path })
	switch before := w.banner.shown; {
	case len(left) == len(o.found):
	case before == o.said:
		w.banner.close()
		w.offerInterrupted(left)
	case len(left) == 0:
		w.banner.pending = nil
	default: // it waits below news
		text, answers := w.interruptedSaid(left)
		w.banner.pending = &message{tone: toneAmber, text: text, answers: answers}
		w.lib.offered = &interruptedOffer{left, w.banner.pending}
	}
}

// resumeInterrupted goes on with a run once its curves are there, unless the run has left the list.
func (w *Window) resumeInterrupted(s *runs.Summary) {
	if !looks[w.state].train {
		return
	}
	w.banner.close()
	at := slices.IndexFunc(w.lib.runs, func(r *run) bool { return r.snap.RunPath == s.Path })
	if at < 0 {
		return
	}
	r := w.lib.runs[at]
	w.withMetrics(r, func() {
		if w.canGoOn(r, ActLonger) {
			w.goOn(r, r.cfg.Steps, func() (Job, error) { return w.opt.Steer.Resume(s.Path, 0) })
		}
	})
}

// leaveInterrupted keeps the run as one that was stopped, so that it is not offered again.
func (w *Window) leaveInterrupted(s *runs.Summary) {
	w.write(func() {
		run, err := runs.OpenForWriting(s.Path)
		if err == nil {
			err = run.SetStatus(runs.Stopped, fmt.Sprintf("It was interrupted at step %d and left there.", s.LastStep))
			run.Close()
		}
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The run cannot be changed", err)
			}
			w.scan()
		})
	})
}
