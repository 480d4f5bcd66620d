package trainer

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// Options say where a job keeps its run.
type Options struct {
	Root string       // folder of runs; empty: runs.DefaultRoot
	Log  *slog.Logger // nil: only the run folder's log.jsonl
	// Ask makes a job whose GPU cannot be used, or go on, wait in state Asking until UseCPU or Stop.
	// Otherwise the CPU takes its place, and a note says so; only a GPU asked for by name that cannot be
	// used from the start is an error then.
	Ask bool
}

// Job is one training run in progress. Its methods may be called from any goroutine and never wait
// for a step.
type Job struct {
	cfg     Config
	history *History
	snap    atomic.Pointer[Snapshot]
	changes atomic.Uint64
	prompt  atomic.Pointer[string]
	peak    atomic.Pointer[float64] // asked for, until the loop takes it

	orders orders
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid after done

	mu sync.Mutex // serializes publish
}

// DivergedError tells that a run stopped because its numbers stopped being usable.
type DivergedError struct {
	Step   int64
	Reason string // a sentence
}

func (e *DivergedError) Error() string { return e.Reason }

// Start begins a new run in its own goroutine. A config that cannot be built comes back at once;
// whatever goes wrong later ends the job in state Failed with a sentence.
func Start(cfg Config, opt Options) (*Job, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if _, err := cfg.ExpectedSpec(); err != nil {
		return nil, err
	}
	if own := cfg.Model.Custom; own != nil {
		if err := own.Check(); err != nil {
			return nil, err
		}
	}
	j := newJob(cfg)
	j.launch(func(ctx context.Context) (*session, error) { return newSession(ctx, j, opt) })
	return j, nil
}

// Resume continues the run folder at path from its newest valid checkpoint, or from the start when
// it was killed before its first. A run that has lost its checkpoints, and one whose config.yaml is not the
// one it was trained with, is refused. steps above 0 replaces the planned number of steps.
func Resume(path string, steps int, opt Options) (*Job, error) {
	return reopen(path, steps, 0, opt)
}

// reopen is Resume; a factor above 0 makes it RollBack.
func reopen(path string, steps int, factor float64, opt Options) (*Job, error) {
	run, err := runs.OpenForWriting(path)
	if err != nil {
		return nil, err
	}
	cfg, err := runConfig(run)
	if err == nil {
		if steps > 0 {
			cfg.Steps = steps
		}
		err = resumable(run, &cfg, factor > 0)
	}
	if err != nil {
		run.Close()
		return nil, err
	}
	j := newJob(cfg)
	j.publish(func(s *Snapshot) { s.RunPath = run.Path() })
	j.launch(func(ctx context.Context) (*session, error) { return resumeSession(ctx, j, run, factor, opt) })
	return j, nil
}

func newJob(cfg Config) *Job {
	j := &Job{
		cfg: cfg, history: NewHistory(MetricKeys(cfg.Model.Layers, cfg.Model.Experts)),
		orders: newOrders(), done: make(chan struct{}),
	}
	nan := math.NaN()
	j.snap.Store(&Snapshot{
		State: Preparing, Reason: "Starting", Progress: -1, Steps: int64(cfg.Steps),
		Peak: cfg.LR, LRAt: cfg.LRAt, Loss: nan, ValLoss: nan, Floor: nan, GradNorm: nan,
	})
	j.prompt.Store(&cfg.Prompt)
	return j
}

// launch runs prepare and the loop, and turns every end into a final snapshot.
func (j *Job) launch(prepare func(context.Context) (*session, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	go func() {
		defer close(j.done)
		defer cancel()
		s, err := prepare(ctx)
		if err == nil {
			err = s.loop(ctx)
			if cerr := s.close(err); err == nil {
				err = cerr
			}
		}
		j.finish(err)
	}()
}

// errStopped ends preparation or the loop on request.
var errStopped = errors.New("stopped on request")

func (j *Job) finish(err error) {
	var diverged *DivergedError
	j.publish(func(s *Snapshot) {
		s.ETA, s.Progress = 0, 0
		switch {
		case err == nil:
			s.State, s.Reason = Done, ""
		case errors.Is(err, errStopped), errors.Is(err, context.Canceled):
			s.State, s.Reason, err = Stopped, "", nil
		case errors.As(err, &diverged):
			s.State, s.Reason = Diverged, diverged.Reason
		default:
			s.State, s.Reason = Failed, err.Error()
		}
	})
	j.err = err
}

// publish replaces the snapshot by a changed copy.
func (j *Job) publish(change func(*Snapshot)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	next := *j.snap.Load()
	change(&next)
	j.snap.Store(&next)
	j.changes.Add(1)
}

// Snapshot is where the job stands now.
func (j *Job) Snapshot() Snapshot { return *j.snap.Load() }

// Changes moves whenever the snapshot or the history did.
func (j *Job) Changes() uint64 { return j.changes.Load() }

// History is what has been measured so far.
func (j *Job) History() *History { return j.history }

// Config is the run's configuration.
func (j *Job) Config() Config { return j.cfg }

// Done is closed when the job has ended and its run folder is complete.
func (j *Job) Done() <-chan struct{} { return j.done }

// Wait blocks until the job has ended. The error is nil when it is done or was stopped, a
// *DivergedError when it diverged.
func (j *Job) Wait() error {
	<-j.done
	return j.err
}

// SetPrompt changes what samples start from.
func (j *Job) SetPrompt(p string) { j.prompt.Store(&p) }

// Pause finishes the current step, writes a checkpoint and waits for Continue or Stop.
func (j *Job) Pause() { j.ask(cmdPause, Pausing, Running) }

// Continue goes on after Pause.
func (j *Job) Continue() { j.ask(cmdContinue, Running, Paused, Pausing) }

// UseCPU lets a job in state Asking go on on the CPU.
func (j *Job) UseCPU() { j.orders.send(cmdUseCPU) }

// Stop finishes the current step, writes a checkpoint and ends the job.
func (j *Job) Stop() {
	j.ask(cmdStop, Stopping, Running, Paused, Pausing, Preparing, Asking)
	if j.Snapshot().Step == 0 {
		j.cancel() // preparation looks at the context only
	}
}

// CheckpointNow writes a checkpoint after the current step.
func (j *Job) CheckpointNow() { j.orders.send(cmdCheckpoint) }

func (j *Job) ask(c command, next State, from ...State) {
	j.publish(func(s *Snapshot) {
		for _, f := range from {
			if s.State == f {
				s.State = next
				return
			}
		}
	})
	j.orders.send(c)
}

// eta estimates the time left from the mean speed of this session.
func eta(elapsed time.Duration, ran, left int64) time.Duration {
	if ran == 0 {
		return 0
	}
	return time.Duration(float64(elapsed) / float64(ran) * float64(left))
}
