package ui

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
)

// TestPollerAsksOnce sends ticks by hand: no change asks for nothing, many changes ask for one update
// until that has run, and the end always asks.
func TestPollerAsksOnce(t *testing.T) {
	cfg := trainer.DefaultConfig()
	job, r := newFakeJob(cfg), newRun(0, cfg)
	queue := make(chan func(), 100)
	updates, finals := 0, 0
	p := &poller{job: job, into: r, every: time.Second,
		dispatch: func(f func()) { queue <- f }, slow: new(atomic.Bool),
		update: func(final bool) {
			updates++
			if final {
				finals++
			}
		}}
	tick, ended := make(chan time.Time), make(chan struct{})
	go func() { p.loop(tick); close(ended) }()
	ticks := func(n int) { // the tick after the last one proves that the last one was dealt with
		for range n + 1 {
			tick <- time.Time{}
		}
	}
	queued := func(want int, when string) {
		t.Helper()
		if len(queue) != want {
			t.Fatalf("%s: %d updates queued, want %d", when, len(queue), want)
		}
	}
	ticks(1)
	queued(1, "at the start")
	for range 50 {
		job.steps(1)
		ticks(1)
	}
	queued(1, "while an update waits")
	(<-queue)()
	ticks(1)
	queued(1, "after it ran")
	(<-queue)()
	ticks(5)
	queued(0, "without a change")
	if n := r.series[trainer.KeyLoss].Len(); n != 50 {
		t.Errorf("%d losses arrived, want 50", n)
	}
	job.steps(7)
	job.enter(trainer.Done, "")
	<-ended
	for len(queue) > 0 {
		(<-queue)()
	}
	if n := r.series[trainer.KeyLoss].Len(); n != 57 || finals != 1 {
		t.Errorf("at the end %d losses and %d last updates, want 57 and 1", n, finals)
	}
}

// TestPollerSlowsDownBehind asks once a second while the window is not in front.
func TestPollerSlowsDownBehind(t *testing.T) {
	cfg := trainer.DefaultConfig()
	job, r := newFakeJob(cfg), newRun(0, cfg)
	queue := make(chan func(), 100)
	updates := 0
	slow := new(atomic.Bool)
	slow.Store(true)
	p := &poller{job: job, into: r, every: 250 * time.Millisecond,
		dispatch: func(f func()) { queue <- f }, slow: slow,
		update: func(bool) { updates++ }}
	tick, ended := make(chan time.Time), make(chan struct{})
	go func() { p.loop(tick); close(ended) }()
	for range 40 { // ten seconds
		job.steps(1)
		tick <- time.Time{}
		if len(queue) > 0 {
			(<-queue)()
		}
	}
	job.enter(trainer.Done, "")
	<-ended
	if updates < 5 || updates > 10 {
		t.Errorf("%d updates in ten seconds behind other windows, want about one a second", updates)
	}
}
