package race

import (
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
)

// Job is a training run as a race sees it; *trainer.Job is one.
type Job interface {
	Snapshot() trainer.Snapshot
	History() *trainer.History
	Changes() uint64
	Stop()
	Done() <-chan struct{} // closed once the run folder is complete
}

// Starter begins the run of a config. It is called from the race's goroutine, once the run before has
// ended; an error is a sentence for people and ends the race.
type Starter func(trainer.Config) (Job, error)

// State is where a race stands.
type State string

// The states of a race; all but the first are final.
const (
	Running   State = "running"
	Done      State = "done"      // every run ended by itself, diverged ones included
	Cancelled State = "cancelled" // on request; what was measured stays
	Failed    State = "failed"    // a run could not be trained, and those after it were not begun
)

// Race is a queue of runs at work. Its methods may be called from any goroutine and never wait for a
// step.
type Race struct {
	plan  Plan
	start Starter
	done  chan struct{}

	mu        sync.Mutex // guards what follows
	entries   []entry
	now       int // the run at work, or the next one
	state     State
	reason    string
	cancelled bool
	changes   uint64 // besides those of the job at work
}

// entry is one run of the queue.
type entry struct {
	cfg trainer.Config
	job Job // nil until begun
}

// Start checks the plan, and begins its first run in a goroutine of its own.
func Start(p Plan, start Starter) (*Race, error) {
	list, err := p.Configs()
	if err != nil {
		return nil, err
	}
	r := &Race{plan: p, start: start, done: make(chan struct{}), state: Running}
	for _, c := range list {
		r.entries = append(r.entries, entry{cfg: c})
	}
	go r.work()
	return r, nil
}

// work runs the queue.
func (r *Race) work() {
	defer close(r.done)
	for i := range r.entries {
		r.mu.Lock()
		r.now = i
		stop := r.cancelled
		r.changes++
		r.mu.Unlock()
		if stop {
			r.end(Cancelled, "")
			return
		}
		job, err := r.start(r.entries[i].cfg)
		if err != nil {
			r.end(Failed, err.Error())
			return
		}
		r.mu.Lock()
		r.entries[i].job = job
		stop = r.cancelled
		r.changes++
		r.mu.Unlock()
		if stop {
			job.Stop()
		}
		<-job.Done()
		switch s := job.Snapshot(); s.State {
		case trainer.Failed:
			r.end(Failed, s.Reason)
			return
		case trainer.Stopped: // by Cancel, or by whoever watches the run
			r.end(Cancelled, "")
			return
		}
	}
	r.mu.Lock()
	r.now = len(r.entries)
	r.mu.Unlock()
	r.end(Done, "")
}

func (r *Race) end(s State, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.reason = s, reason
	r.changes++
}

// Cancel stops the run at work, with a checkpoint, and begins no other.
func (r *Race) Cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancelled || r.state != Running {
		return
	}
	r.cancelled = true
	r.changes++
	if r.now < len(r.entries) {
		if job := r.entries[r.now].job; job != nil {
			job.Stop()
		}
	}
}

// Done is closed when the race has ended and all its run folders are complete.
func (r *Race) Done() <-chan struct{} { return r.done }

// Plan is what the race was started with.
func (r *Race) Plan() Plan { return r.plan }

// Changes moves whenever the snapshot or a history did.
func (r *Race) Changes() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.changes
	for _, e := range r.entries {
		if e.job != nil {
			n += e.job.Changes()
		}
	}
	return n
}

// Run is one run of a race.
type Run struct {
	Config           trainer.Config
	Begun            bool
	trainer.Snapshot                  // where it stands, zero until begun
	History          *trainer.History // nil until begun
}

// Snapshot is a picture of a race.
type Snapshot struct {
	State  State
	Reason string // a sentence, for Failed
	Plan   Plan
	Runs   []Run // in the order they are trained
	Now    int   // the run at work; len(Runs) when all have ended

	// Step and Steps count over all runs. Steps that a diverged run did not get to are left out.
	Step, Steps int64
	Elapsed     time.Duration // of training, pauses left out
	ETA         time.Duration // 0 when unknown
	Cancelling  bool          // Cancel was called, and the run at work has not ended yet
}

// Snapshot is where the race stands now.
func (r *Race) Snapshot() Snapshot {
	r.mu.Lock()
	s := Snapshot{State: r.state, Reason: r.reason, Plan: r.plan, Now: r.now,
		Cancelling: r.cancelled && r.state == Running}
	entries := append([]entry(nil), r.entries...)
	r.mu.Unlock()
	for _, e := range entries {
		run := Run{Config: e.cfg}
		if e.job != nil {
			run.Begun, run.Snapshot, run.History = true, e.job.Snapshot(), e.job.History()
		}
		s.Runs = append(s.Runs, run)
	}
	s.count()
	return s
}

// count adds up steps and times. The time left is that of the run at work and, for those after it, the
// mean time of a step so far.
func (s *Snapshot) count() {
	var left int64
	var eta time.Duration
	for i := range s.Runs {
		run := &s.Runs[i]
		steps := int64(run.Config.Steps)
		if run.Begun && run.Snapshot.State.Final() {
			steps = run.Step
		}
		s.Step += run.Step
		s.Steps += steps
		s.Elapsed += run.Elapsed
		switch {
		case i == s.Now && run.ETA > 0:
			eta = run.ETA
		case i >= s.Now:
			left += steps - run.Step
		}
	}
	if s.State == Running && s.Step > 0 && s.Elapsed > 0 {
		s.ETA = eta + time.Duration(float64(s.Elapsed)/float64(s.Step)*float64(left))
	}
}

// Variant is the id of a run's variant.
func (r *Run) Variant() string { return r.Config.Model.Variant }

// Title is the variant's name for people.
func (r *Run) Title() string {
	if v, err := r.Config.Model.Row(); err == nil {
		return v.Title
	}
	return r.Variant()
}

// Column gives the measured points of a metric so far.
func (r *Run) Column(key string) (steps []int64, values []float64) {
	if r.History == nil {
		return nil, nil
	}
	return r.History.Column(key, 0)
}
