package ui

import (
	"sync/atomic"
	"time"
)

// poller watches one job from its own goroutine. At each tick it moves new rows into the run's series
// and, when the job's change counter moved, asks for one update; while an update waits for the UI
// goroutine no second one is queued, and other than for a change of state none follows another faster than
// the pace. It ends by itself with the job.
type poller struct {
	job      Job
	into     *run
	every    time.Duration
	dispatch func(func())
	update   func(final bool)     // on the UI goroutine
	pace     func() time.Duration // least time between two updates; any goroutine
}

// run polls until the job has ended.
func (p *poller) run() {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	p.loop(tick.C)
}

func (p *poller) loop(tick <-chan time.Time) {
	row, last, state := 0, uint64(0), p.job.Snapshot().State
	since := p.pace() // the last update, counted in ticks
	var waiting atomic.Bool
	look := func() {
		now := p.job.Changes()
		if now == last || waiting.Load() {
			return
		}
		was := state
		if state = p.job.Snapshot().State; state == was && since < p.pace() {
			return
		}
		last, since = now, 0
		row = p.into.pull(p.job.History(), row)
		waiting.Store(true)
		p.dispatch(func() {
			waiting.Store(false)
			p.update(false)
		})
	}
	look()
	for {
		select {
		case <-p.job.Done():
			p.into.pull(p.job.History(), row)
			p.dispatch(func() { p.update(true) })
			return
		case <-tick:
			since += p.every
			look()
		}
	}
}
