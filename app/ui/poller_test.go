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
		dispatch: func(f func()) { queue <- f }, pace: func() time.Duration { return 0 },
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

// TestPollerKeepsThePace asks at the pace it is given, which may change, and at once when something happens
// after a quiet time.
func TestPollerKeepsThePace(t *testing.T) {
	cfg := trainer.DefaultConfig()
	job, r := newFakeJob(cfg), newRun(0, cfg)
	queue := make(chan func(), 100)
	var pace atomic.Int64
	p := &poller{job: job, into: r, every: 100 * time.Millisecond,
		dispatch: func(f func()) { queue <- f }, pace: func() time.Duration { return time.Duration(pace.Load()) },
		update: func(bool) {}}
	tick, ended := make(chan time.Time), make(chan struct{})
	go func() { p.loop(tick); close(ended) }()
	updates := func(ticks int, every time.Duration, step bool) (n int) {
		pace.Store(int64(every))
		for range ticks {
			if step {
				job.steps(1)
			}
			tick <- time.Time{}
			tick <- time.Time{} // the one before was dealt with
			for len(queue) > 0 {
				(<-queue)()
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		every time.Duration
		want  int
	}{{0, 50}, {200 * time.Millisecond, 50}, {400 * time.Millisecond, 25}, {time.Second, 10}} {
		if n := updates(50, c.every, true); n < c.want-1 || n > c.want+1 {
			t.Errorf("%d updates in ten seconds at one in %v, want %d", n, c.every, c.want)
		}
	}
	updates(1, 0, true)
	if n := updates(10, time.Second, false); n != 0 {
		t.Errorf("%d updates while nothing happens", n)
	}
	if n := updates(1, time.Second, true); n != 1 {
		t.Errorf("%d updates when something happens after a quiet time, want 1 at once", n)
	}
	job.enter(trainer.Done, "")
	<-ended
}

// TestTheEndComesWithTheLastPoints: a job says that it is done before its folder is complete; the window
// says so when it has all points, whatever a person presses meanwhile.
func TestTheEndComesWithTheLastPoints(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	j.steps(20)
	f.waitFor(Running)
	r := f.current
	j.set(func(s *trainer.Snapshot) { s.State = trainer.Done })
	(<-f.loop.queue)() // the poller has seen it
	f.Pause()
	f.Stop()
	if f.state != Running || r.state != Running {
		t.Errorf("before its last points the run is %v, the window %v", r.state, f.state)
	}
	j.history.Append(21, make([]float32, len(j.history.Keys())))
	close(j.done)
	f.waitFor(Done)
	if n := r.series[trainer.KeyLoss].Len(); n != 21 || r.state != Done {
		t.Errorf("%v with %d points, want 21", r.state, n)
	}
}
