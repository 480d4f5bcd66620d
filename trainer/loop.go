package trainer

import (
	"context"
	"math"
	"time"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// publishEvery bounds how often a snapshot is made; windows look at most ten times a second.
const publishEvery = 50 * time.Millisecond

// loop runs the steps that are left. It returns nil when all ran, errStopped on request, a
// *DivergedError, or a failure.
func (s *session) loop(ctx context.Context) error {
	began := time.Now()
	ran, first := time.Duration(0), s.step
	var r StepResult
	var published time.Time
	B, T := s.eng.B, s.eng.T
	batch := func(m int, ids, targets []int32) {
		if m == 0 {
			s.data.Batch(int(s.step), s.cfg.Batch, s.ids, s.targets)
		}
		copy(ids, s.ids[m*B*T:])
		copy(targets, s.targets[m*B*T:])
	}
	for s.step < int64(s.cfg.Steps) {
		if stop, err := s.obey(ctx, &began); stop || err != nil {
			return err
		}
		t0 := time.Now()
		t := s.step + 1
		lr := s.sched.At(t * int64(s.eng.Micro*B*T))
		if err := s.eng.Step(t, lr, batch, &r); err != nil {
			return err
		}
		took := time.Since(t0)
		ran += took
		reason := s.watch.look(t, &r, s.eng.Schema, s.cfg.StopOnRise)
		if reason == "" {
			s.step = t
		}
		val := math.NaN()
		if reason == "" && due(t, s.cfg.EvalEvery, s.cfg.Steps) {
			var err error
			if val, err = s.validate(); err != nil {
				return err
			}
		}
		rate := float64(s.eng.Micro*B*T) / took.Seconds()
		if err := s.record(t, s.before+time.Since(began), &r, lr, val, rate); err != nil {
			return err
		}
		if reason == "" && s.cfg.SampleEvery > 0 && due(t, s.cfg.SampleEvery, s.cfg.Steps) {
			if err := s.sample(ctx); err != nil {
				return err
			}
		}
		if time.Since(published) >= publishEvery || t == int64(s.cfg.Steps) || reason != "" {
			published = time.Now()
			s.publish(t, &r, lr, val, float64(s.eng.Micro*B*T)*float64(t-first)/ran.Seconds(),
				s.before+time.Since(began), eta(ran, t-first, int64(s.cfg.Steps)-t))
		}
		if reason != "" {
			return &DivergedError{Step: t, Reason: reason}
		}
		if t == int64(s.cfg.Steps) || due(t, s.cfg.CheckpointEvery, s.cfg.Steps) {
			s.before += time.Since(began)
			began = time.Now()
			if err := s.checkpoint(); err != nil {
				return err
			}
		}
	}
	return nil
}

// due tells whether something that happens every n steps happens at step t; the last step counts.
func due(t int64, n, last int) bool { return n > 0 && (t%int64(n) == 0 || t == int64(last)) }

// obey carries out what was asked since the last step. While paused it waits for the next command.
func (s *session) obey(ctx context.Context, began *time.Time) (stop bool, err error) {
	for {
		var c command
		if s.paused {
			select {
			case <-ctx.Done():
				return true, errStopped
			case c = <-s.j.commands:
			}
		} else {
			select {
			case <-ctx.Done():
				return true, errStopped
			case c = <-s.j.commands:
			default:
				return false, nil
			}
		}
		switch c {
		case cmdCheckpoint:
			err = s.checkpoint()
		case cmdStop:
			if err := s.checkpoint(); err != nil {
				return true, err
			}
			return true, errStopped
		case cmdPause:
			if err = s.pause(began); err == nil {
				s.paused = true
			}
		case cmdContinue:
			if s.paused {
				s.paused = false
				*began = time.Now()
				err = s.run.SetStatus(runs.Running, "")
				s.run.AddEvent("continue", s.step, "Training goes on.", nil)
			}
			s.j.publish(func(p *Snapshot) {
				if p.State == Paused || p.State == Pausing {
					p.State = Running
				}
			})
		}
		if err != nil {
			return true, err
		}
	}
}

func (s *session) pause(began *time.Time) error {
	s.before += time.Since(*began)
	*began = time.Now()
	if err := s.checkpoint(); err != nil {
		return err
	}
	if err := s.run.SetStatus(runs.Paused, ""); err != nil {
		return err
	}
	s.run.AddEvent("pause", s.step, "Paused on request.", nil)
	s.j.publish(func(p *Snapshot) {
		if p.State == Pausing || p.State == Running {
			p.State, p.ETA = Paused, 0
		}
	})
	return nil
}

// record appends the step's row to history and run folder.
func (s *session) record(t int64, wall time.Duration, r *StepResult, lr, val, rate float64) error {
	row, L := s.row[:0], len(r.ActRMS)
	row = append(row, float32(r.Mean), orMissing(val), float32(lr), float32(r.GradNorm), float32(r.Clip), float32(rate))
	row = append(row, r.LayerNorms[:L]...)
	row = append(row, r.ActRMS...)
	row = append(row, r.AttnTop...)
	row = append(row, r.LayerNorms[L])
	s.j.history.Append(t, row)
	s.j.changes.Add(1)
	return s.run.Append(t, wall.Seconds(), row)
}

func orMissing(v float64) float32 {
	if math.IsNaN(v) {
		return runs.Missing
	}
	return float32(v)
}

func (s *session) publish(t int64, r *StepResult, lr, val, rate float64, elapsed, left time.Duration) {
	s.j.publish(func(p *Snapshot) {
		p.Step, p.Loss, p.GradNorm, p.LR = t, r.Mean, r.GradNorm, lr
		p.TokensPerSec, p.Elapsed, p.ETA = rate, elapsed, left
		if !math.IsNaN(val) {
			p.ValLoss = val
		}
	})
}

// validate measures the loss on held-out text, on the same batches each time.
func (s *session) validate() (float64, error) {
	B := s.eng.B
	n := s.data.ValBatches(B)
	if s.cfg.EvalBatches > 0 {
		n = min(n, s.cfg.EvalBatches)
	}
	if n == 0 {
		return math.NaN(), nil
	}
	loss, _, err := s.eng.Evaluate(B, n, func(i int, ids, targets []int32) { s.data.ValBatch(i, B, ids, targets) })
	if err == nil {
		s.valLoss, s.mark = loss, loss
	}
	return loss, err
}
