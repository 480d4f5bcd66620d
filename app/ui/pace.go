package ui

import (
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/chartview"
)

// Limits of the time between two updates of the window from a job.
const (
	paceBehind  = time.Second // at least, while other windows are in front
	paceSlowest = 4 * time.Second
)

// paceFor is the least time between two updates from a job when charts and window took a time to draw. Beside
// a GPU the window follows every look at the job, on the CPU every second one, because drawing takes the
// processor from training. The rate is then halved until drawing takes a fifth of the time at most, a tenth on
// the CPU, whose threads wait for one another: the one that drawing displaces holds all of them up.
func paceFor(look time.Duration, gpu bool, drawing time.Duration) time.Duration {
	every, share := look, time.Duration(5)
	if !gpu {
		every, share = 2*look, 10
	}
	for every < share*drawing && every < paceSlowest {
		every *= 2
	}
	return every
}

// pace is the least time between two updates from the job at work. Any goroutine.
func (w *Window) pace() time.Duration {
	every := time.Duration(w.every.Load())
	if w.behind.Load() {
		return max(every, paceBehind)
	}
	return every
}

// drawTime is how long the charts of the visible tab took to draw, and the window to paint itself with them.
func (w *Window) drawTime() (took time.Duration) {
	var painting time.Duration
	for _, c := range w.liveCharts() {
		took += c.DrawTime()
		painting = max(painting, c.PaintTime())
	}
	return took + painting
}

// liveCharts are those of the visible tab.
func (w *Window) liveCharts() []*chartview.Chart {
	switch w.tab() {
	case tabLoss:
		return []*chartview.Chart{w.loss.view}
	case tabGradients:
		if w.grad.figure2 {
			return []*chartview.Chart{w.grad.over}
		}
		return []*chartview.Chart{w.grad.over, w.grad.at}
	case tabCompare:
		return []*chartview.Chart{w.compare.view}
	case tabRace:
		return []*chartview.Chart{w.raceTab.view}
	}
	return nil
}

// tell shows the numbers of this moment, beside the charts.
func (w *Window) tell(r *run) {
	w.untell(nil)
	w.status.show(w.state, &r.snap)
	w.tellSaved(&r.snap)
	if d := r.snap.Device; d != "" {
		name, _, _ := strings.Cut(d, ",") // the log has the rest
		w.device.set(name, "")
	}
	w.runs.refreshRun(r)
	switch w.tab() {
	case tabGradients:
		w.grad.showStep()
	case tabCompare:
		w.compare.values(w.compared())
	case tabRace:
		w.raceTab.show(w.race)
	}
}

// tellWithCharts shows the numbers when the charts that are drawn now appear, so that the window is painted
// once; at once when none is drawn.
func (w *Window) tellWithCharts(r *run) {
	if w.drawn.Drawing() {
		w.untell(r)
		return
	}
	w.tell(r)
}

// untell notes whose numbers wait. Those of a run before it that still did are told in its row of the list.
func (w *Window) untell(r *run) {
	if w.untold != nil && w.untold != r {
		w.runs.refreshRun(w.untold)
	}
	w.untold = r
}

// chartsShown follows new frames of the charts.
func (w *Window) chartsShown() {
	if w.untold != nil && w.untold == w.current {
		w.tell(w.untold)
	}
	w.untell(nil)
}
