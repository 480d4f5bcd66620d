package studies

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// Progress says how far a study has come.
type Progress struct {
	Runs, RunsDone int
	Step, Steps    int64 // over all runs
	Now            string
	ETA            time.Duration // 0 when unknown
}

// task is one run of a study.
type task struct {
	row, run int // where the result goes
	cfg      trainer.Config
}

// study is a study under way.
type study struct {
	Setting
	root   string
	result *Result
	report func(Progress)
	began  time.Time

	mu    sync.Mutex // guards what follows
	steps []int64    // done, by task
	done  int
	err   error // first failure
}

// poll is how often a job is looked at.
const poll = 50 * time.Millisecond

// Figure2 trains every pair with every seed and measures what the paper's Figure 2 shows. report (which
// may be nil) is called now and then, from one goroutine at a time. Cancelling ctx ends the study with
// the context's error.
func Figure2(ctx context.Context, s Setting, report func(Progress)) (*Result, error) {
	if s.Steps < max(s.Late, LastSteps) || s.Late < 1 || s.Seeds < 1 || s.Layers < 2 {
		return nil, fmt.Errorf("a study of %d steps, %d blocks and %d seeds cannot look at step %d "+
			"and average the last %d", s.Steps, s.Layers, s.Seeds, s.Late, LastSteps)
	}
	st := &study{Setting: s, root: s.Root, result: &Result{Setting: s}, report: report, began: time.Now()}
	if st.root == "" {
		dir, err := os.MkdirTemp("", "evenkeel-study-")
		if err != nil {
			return nil, fmt.Errorf("the runs of the study need a temporary folder: %w", err)
		}
		defer os.RemoveAll(dir)
		st.root = dir
	}
	tasks, err := st.plan()
	if err != nil {
		return nil, err
	}
	if err := st.work(ctx, tasks); err != nil {
		return nil, err
	}
	return st.result, nil
}

// plan lists the runs, all pairs of a seed before the next seed.
func (s *study) plan() ([]task, error) {
	var tasks []task
	for _, p := range pairs {
		v, err := model.Find(p.variant)
		if err != nil {
			return nil, err
		}
		s.result.Rows = append(s.result.Rows, Row{
			Variant: p.variant, Title: v.Title, Init: p.init, Runs: make([]Run, s.Seeds),
		})
	}
	for seed := 1; seed <= s.Seeds; seed++ {
		for row, p := range pairs {
			tasks = append(tasks, task{row, seed - 1, s.config(p.variant, p.init, seed)})
		}
	}
	s.steps = make([]int64, len(tasks))
	return tasks, nil
}

// work trains the tasks, side by side on one core each where the CPU trains: matrices of this size do
// not fill two cores. Results do not depend on it.
func (s *study) work(ctx context.Context, tasks []task) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := 1
	if s.Threads == 0 && (s.Device == "cpu" || s.Device == "auto" && runtime.GOOS != "darwin") {
		workers = min(runtime.NumCPU(), len(tasks))
		for i := range tasks {
			tasks[i].cfg.Threads = 1
		}
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				if err := s.train(ctx, i, &tasks[i]); err != nil {
					s.mu.Lock()
					if s.err == nil {
						s.err = err
					}
					s.mu.Unlock()
					cancel()
				}
			}
		})
	}
feed:
	for i := range tasks {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if s.err != nil {
		return s.err
	}
	return ctx.Err()
}

// train runs one task to its end and keeps its numbers.
func (s *study) train(ctx context.Context, number int, t *task) error {
	job, err := trainer.Start(t.cfg, trainer.Options{Root: s.root})
	if err != nil {
		return err
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-job.Done():
			ended = true
		case <-ctx.Done():
			job.Stop()
			<-job.Done()
			return ctx.Err()
		case <-tick.C:
		}
		s.progress(number, job.Snapshot().Step, ended, t.cfg.Name)
	}
	if err := job.Wait(); err != nil {
		return fmt.Errorf("the run %q of the study failed: %w", t.cfg.Name, err)
	}
	h := job.History()
	run := Run{Seed: int(t.cfg.Seed), First: s.norms(h, 1), Late: s.norms(h, s.Late)}
	_, losses := h.Column(trainer.KeyLoss, 0)
	for _, x := range losses[len(losses)-LastSteps:] {
		run.Loss += x / LastSteps
	}
	s.result.Rows[t.row].Runs[t.run] = run
	return nil
}

// norms reads the gradient norm of each block at a step.
func (s *study) norms(h *trainer.History, step int) []float64 {
	v := make([]float64, s.Layers)
	for i := range v {
		v[i] = math.NaN()
		steps, values := h.Column(trainer.KeyLayerNorm(i), step-1)
		if len(steps) > 0 && steps[0] == int64(step) {
			v[i] = values[0]
		}
	}
	return v
}

func (s *study) progress(number int, step int64, ended bool, now string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps[number] = step
	if ended {
		s.done++
	}
	if s.report == nil {
		return
	}
	p := Progress{Runs: len(s.steps), RunsDone: s.done, Steps: int64(len(s.steps) * s.Setting.Steps), Now: now}
	for _, n := range s.steps {
		p.Step += n
	}
	if p.Step > 0 {
		p.ETA = time.Duration(float64(time.Since(s.began)) / float64(p.Step) * float64(p.Steps-p.Step))
	}
	s.report(p)
}
