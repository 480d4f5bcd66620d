// Package pool runs a piece of work that has been cut into parts on a fixed set of goroutines. It
// exists because a training step forks and joins hundreds of times: a fork here is a few atomic
// operations, allocates nothing and wakes nobody who is still awake. How work is cut is the caller's
// affair and must not depend on the number of workers; then results do not depend on it either.
package pool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Task is work cut into parts that may run in any order and at the same time. Part is called once
// for every part. The worker number is below [Pool.Workers]; no two calls at the same time share it,
// so it picks scratch memory.
type Task interface {
	Part(worker, part int)
}

// spin is how long a worker without work looks for some before it sleeps. A worker that is awake starts
// within 0.2 us, a sleeper takes 100 us and, on a busy machine, milliseconds to wake (measured on a
// virtual machine of 2 cores). The gaps inside a step are mostly shorter than this.
const spin = 200 * time.Microsecond

// Pool is a set of workers. The goroutine that calls Run is worker 0. Run is for one goroutine at a
// time.
type Pool struct {
	workers int
	spin    time.Duration

	// ticket holds the run number in the upper half and the parts nobody has claimed in the lower.
	// task and parts are written only while no part is unfinished and read only after a claim.
	ticket atomic.Uint64
	task   Task
	parts  int

	done     atomic.Int64 // finished parts of this run
	waiting  atomic.Bool  // the caller sleeps until the last part is finished
	finished chan struct{}

	sleepers []sleeper
	closed   atomic.Bool
	exit     sync.WaitGroup
}

// sleeper is one worker's place to sleep, on a cache line of its own.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [48]byte
}

// New starts a pool of the given number of workers, at least one, the caller of Run included.
func New(workers int) *Pool {
	return start(max(workers, 1), spin)
}

func start(workers int, spin time.Duration) *Pool {
	p := &Pool{
		workers:  workers,
		spin:     spin,
		finished: make(chan struct{}, 1),
		sleepers: make([]sleeper, workers-1),
	}
	if workers > runtime.GOMAXPROCS(0) {
		p.spin = 0 // spinning would keep the processor from those who have work
	}
	for i := range p.sleepers {
		p.sleepers[i].wake = make(chan struct{}, 1)
		p.exit.Add(1)
		go p.work(i + 1)
	}
	return p
}

// Workers is the number of workers.
func (p *Pool) Workers() int { return p.workers }

// Run calls t.Part for every part in [0, parts) and returns when all calls have returned.
func (p *Pool) Run(parts int, t Task) {
	if p.workers == 1 || parts <= 1 {
		for i := range parts {
			t.Part(0, i)
		}
		return
	}
	p.task, p.parts = t, parts
	p.done.Store(0)
	run := p.ticket.Load()>>32 + 1
	p.ticket.Store(run<<32 | uint64(parts))
	for i, n := 0, min(parts-1, len(p.sleepers)); i < len(p.sleepers) && n > 0; i++ {
		s := &p.sleepers[i]
		if s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
			s.wake <- struct{}{}
		}
		n--
	}
	for p.claim(0) {
	}
	p.join(int64(parts))
}

// claim takes one part and runs it; it reports whether there was one.
func (p *Pool) claim(worker int) bool {
	for {
		t := p.ticket.Load()
		left := int(t & (1<<32 - 1))
		if left == 0 {
			return false
		}
		if p.ticket.CompareAndSwap(t, t-1) {
			parts := int64(p.parts)
			p.task.Part(worker, p.parts-left)
			if p.done.Add(1) == parts && p.waiting.CompareAndSwap(true, false) {
				p.finished <- struct{}{}
			}
			return true
		}
	}
}

// join waits until all parts of the run are finished.
func (p *Pool) join(parts int64) {
	finished := func() bool { return p.done.Load() == parts }
	if p.poll(finished) {
		return
	}
	p.waiting.Store(true)
	if finished() && p.waiting.CompareAndSwap(true, false) {
		return
	}
	<-p.finished
}

// work is the life of worker number w.
func (p *Pool) work(w int) {
	defer p.exit.Done()
	s := &p.sleepers[w-1]
	ready := func() bool { return p.ticket.Load()&(1<<32-1) != 0 || p.closed.Load() }
	for !p.closed.Load() {
		for p.claim(w) {
		}
		if p.poll(ready) {
			continue
		}
		s.asleep.Store(true)
		if ready() && s.asleep.CompareAndSwap(true, false) {
			continue
		}
		<-s.wake
	}
}

// poll spins until ready holds, for a while; it lets other goroutines run in between.
func (p *Pool) poll(ready func() bool) bool {
	if p.spin == 0 {
		return ready()
	}
	for start := time.Now(); ; {
		for range 64 {
			if ready() {
				return true
			}
		}
		if time.Since(start) > p.spin {
			return false
		}
		runtime.Gosched()
	}
}

// Close ends the workers and waits for them. No Run may be under way.
func (p *Pool) Close() {
	p.closed.Store(true)
	for i := range p.sleepers {
		s := &p.sleepers[i]
		if s.asleep.CompareAndSwap(true, false) {
			s.wake <- struct{}{}
		}
	}
	p.exit.Wait()
}
