package ui

import (
	"slices"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/report"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// How many runs that are on no chart keep what was read or measured of them, and how many points they hold
// at most: without an end a long look through a large folder, or a long race, would fill memory. A run of
// 10,000 steps has half a million points, one of many experts some millions, at 16 bytes each.
const (
	keptUnseen = 16
	keptPoints = 10_000_000
)

// shed notes that a run is looked at, and forgets what is known of those that nobody has seen for longest.
// They are read again when they are wanted.
func (w *Window) shed(r *run) {
	w.lib.uses++
	r.used = w.lib.uses
	var unseen []*run
	for _, o := range w.lib.runs {
		if o.phase == metricsRead && o.job == nil && !o.shown && !o.faded && o != r &&
			o != w.selected && o != w.runs.chosen && o != w.current {
			unseen = append(unseen, o)
		}
	}
	slices.SortFunc(unseen, func(a, b *run) int { return b.used - a.used })
	points := 0
	for i, o := range unseen {
		for _, s := range o.series {
			points += s.Len()
		}
		if i >= keptUnseen || points > keptPoints {
			o.phase, o.keys, o.series = metricsUnread, nil, nil
			o.samples, o.log, o.load, o.best = nil, nil, nil, nil
		}
	}
}

// store lets go of the job of a run that has ended, and with it of the history of every metric, once the
// folder is known to hold all of it. From then on the run is as those of the folder are: what is known of it
// can be forgotten and read again.
func (w *Window) store(r *run) {
	if r.raced != nil {
		r.raced.thin(r)
	}
	job, path, loss := r.job, r.snap.RunPath, r.series[trainer.KeyLoss]
	if job == nil || path == "" || loss == nil {
		return
	}
	last, _, _ := loss.Last()
	w.lib.writing.do(func() { // after what keep writes
		s, err := runs.Summarize(path)
		if err != nil {
			return // the window alone has the run
		}
		w.opt.Dispatch(func() {
			if r.job != job || r.snap.RunPath != path || r.phase == metricsOnTheWay ||
				stateOfFolder(s.Status) != r.state || float64(s.LastStep) < last {
				return
			}
			w.lib.edits++ // a listing that is under way saw the folder before
			r.stored, r.created, r.job, r.phase = &s, s.Created, nil, metricsRead
			w.leaveRaces()
			w.shed(r)
			w.sortRuns()
			w.runs.update()
		})
	})
}

// thin keeps of a run that has ended what the figures of its race draw. Its other points are of the run.
func (r *windowRace) thin(of *run) {
	at := slices.Index(r.runs, of)
	drawn := map[string]*chart.Series{}
	for _, m := range report.Metrics() {
		drawn[m.Key] = r.points[at][m.Key]
	}
	r.points[at] = drawn
}

// leaveRaces lets go of races that another has followed, which remember every job of theirs.
func (w *Window) leaveRaces() {
	for _, r := range w.lib.runs {
		if r.raced != nil && r.raced != w.race && r.job == nil {
			r.raced = nil
		}
	}
}
