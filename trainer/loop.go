package trainer

import (
	"cmp"
	"context"
	"time"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// publishEvery bounds how often a snapshot is made; windows look at most ten times a second.
const publishEvery = 50 * time.Millisecond

// pace is how fast a session trains.
type pace struct {
	since     time.Time     // the oldest step in flight was begun, or the one before it ended
	ran       time.Duration // all steps of this session
	steps     int64
	published time.Time
}

// loop runs the steps that are left. It returns nil when all ran, errStopped on request, a
// *DivergedError, or a failure that cannot be recovered from.
func (s *session) loop(ctx context.Context) error {
	s.clock.start()
	for {
		err := s.steps(ctx)
		if err == nil {
			return nil
		}
		if err = s.recover(ctx, err); err != nil {
			return err
		}
	}
}

// steps runs steps until all are done or one of them fails. On a device that gains by it, a step is
// begun while the one before it runs, unless something stands between the two; see apart. What a
// person sees does not depend on it. When a step turns out to have diverged, the one behind it may have
// changed the parameters: they are dropped, the newest checkpoint holds those before.
func (s *session) steps(ctx context.Context) error {
	depth := depthOn(s.dev)
	var r StepResult
	var next int64 // the step to begin
	B, T := s.eng.B, s.eng.T
	batch := func(m int, ids, targets []int32) {
		if m == 0 {
			s.data.Batch(int(next-1), s.cfg.Batch, s.ids, s.targets)
		}
		copy(ids, s.ids[m*B*T:])
		copy(targets, s.targets[m*B*T:])
	}
	for s.step < int64(s.cfg.Steps) {
		if s.eng.InFlight() == 0 {
			if stop, err := s.obey(ctx); stop || err != nil {
				return err
			}
			if err := s.keep(); err != nil {
				return err
			}
			next, s.pace.since = s.step+1, time.Now()
		}
		for n := s.eng.InFlight(); n == 0 || n < depth && !s.apart(ctx, next-1); n++ {
			if err := s.eng.Begin(next, s.rate(next), batch); err != nil {
				return err
			}
			next++
		}
		if err := s.eng.Finish(&r); err != nil {
			return err
		}
		now := time.Now()
		took := now.Sub(s.pace.since)
		s.pace.since = now
		if err := s.finished(ctx, s.step+1, &r, took); err != nil {
			return err
		}
	}
	return nil
}

// rate is the learning rate of a step.
func (s *session) rate(t int64) float64 {
	peak := s.cfg.peakAt(s.peaks, t)
	return s.sched.with(peak, s.cfg.FinalLR).At(t * int64(s.cfg.Batch*s.eng.T))
}

// apart tells whether something must happen after step t and before the next is begun: it looks at the
// parameters as step t leaves them, or a person has asked for something.
func (s *session) apart(ctx context.Context, t int64) bool {
	c := &s.cfg
	return t == int64(c.Steps) || due(t, c.EvalEvery, c.Steps) || due(t, c.CheckpointEvery, c.Steps) ||
		c.SampleEvery > 0 && due(t, c.SampleEvery, c.Steps) ||
		s.j.orders.any() || s.j.peak.Load() != nil || ctx.Err() != nil || s.back.due()
}

// finished takes the result of step t: watches for divergence, and measures, records, samples and writes
// what is due, except for what was done before a failure made the run go back.
func (s *session) finished(ctx context.Context, t int64, r *StepResult, took time.Duration) error {
	reason := s.watch.look(t, r, s.eng.Schema, s.cfg.StopOnRise)
	if reason == "" {
		s.step = t
	}
	if t > s.recorded {
		var err error
		if reason, err = s.measure(t, r, took, reason); err != nil {
			return err
		}
	}
	if reason != "" {
		return &DivergedError{Step: t, Reason: reason}
	}
	if s.cfg.SampleEvery > 0 && due(t, s.cfg.SampleEvery, s.cfg.Steps) && t > s.sampled {
		if err := s.sample(ctx); err != nil {
			return err
		}
		s.sampled = t
	}
	if t == int64(s.cfg.Steps) || due(t, s.cfg.CheckpointEvery, s.cfg.Steps) {
		return s.checkpoint()
	}
	return nil
}

// measure validates when that is due, records the row of step t and publishes. It gives back the reason for
// which the run has diverged, if there is one: a validation loss that is not finite is one of its own.
func (s *session) measure(t int64, r *StepResult, took time.Duration, reason string) (string, error) {
	val := runs.Missing
	if reason == "" && due(t, s.cfg.EvalEvery, s.cfg.Steps) {
		loss, measured, err := s.validate()
		if err != nil {
			return "", err
		}
		if measured {
			val = float32(loss)
			reason = badValidation(t, loss)
		}
	}
	tokens := float64(s.cfg.Batch * s.eng.T)
	lr, elapsed := s.rate(t), s.clock.elapsed()
	if err := s.record(t, elapsed, r, lr, val, tokens/took.Seconds()); err != nil {
		return "", err
	}
	s.recorded = t
	p := &s.pace
	p.ran += took
	p.steps++
	if time.Since(p.published) >= publishEvery || t == int64(s.cfg.Steps) || reason != "" || !runs.IsMissing(val) {
		p.published = time.Now()
		s.publish(t, r, lr, tokens*float64(p.steps)/p.ran.Seconds(), elapsed,
			eta(p.ran, p.steps, int64(s.cfg.Steps)-t))
	}
	return reason, nil
}

// due tells whether something that happens every n steps happens at step t; the last step counts.
func due(t int64, n, last int) bool { return n > 0 && (t%int64(n) == 0 || t == int64(last)) }

// obey carries out what was asked since the last step. While paused it waits for the next command.
func (s *session) obey(ctx context.Context) (stop bool, err error) {
	if s.step < s.recorded && ctx.Err() == nil {
		return false, nil // steps are being run again; it is soon where a person saw it
	}
	for {
		if err := s.steer(); err != nil {
			return true, err
		}
		c, asked := s.j.orders.take(betweenSteps)
		switch {
		case ctx.Err() != nil:
			return true, cmp.Or(s.leave(), errStopped)
		case !asked && !s.paused:
			return false, nil
		case !asked:
			select {
			case <-ctx.Done():
			case <-s.j.orders.wake:
			}
			continue
		}
		switch c {
		case cmdCheckpoint:
			err = s.checkpoint()
		case cmdStop:
			return true, cmp.Or(s.leave(), errStopped)
		case cmdPause:
			if err = s.pause(); err == nil {
				s.paused = true
			}
		case cmdContinue:
			if s.paused {
				s.paused = false
				s.clock.start()
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

func (s *session) pause() error {
	if err := s.checkpoint(); err != nil {
		return err
	}
	s.clock.stop()
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

// record appends the step's row to history and run folder; val is runs.Missing when it was not measured.
func (s *session) record(t int64, wall time.Duration, r *StepResult, lr float64, val float32, rate float64) error {
	row, L := s.row[:0], len(r.ActRMS)
	row = append(row, float32(r.Mean), val, float32(lr), float32(r.GradNorm), float32(r.Clip), float32(rate))
	row = append(row, r.LayerNorms[:L]...)
	row = append(row, r.ActRMS...)
	row = append(row, r.AttnTop...)
	row = r.Routing.row(append(row, r.LayerNorms[L]))
	s.j.history.Append(t, row)
	s.j.changes.Add(1)
	return s.run.Append(t, wall.Seconds(), row)
}

func (s *session) publish(t int64, r *StepResult, lr, rate float64, elapsed, left time.Duration) {
	s.j.publish(func(p *Snapshot) {
		p.Step, p.Loss, p.GradNorm, p.LR, p.ValLoss = t, r.Mean, r.GradNorm, lr, s.valLoss
		p.TokensPerSec, p.Elapsed, p.ETA = rate, elapsed, left
	})
}

// validate measures the loss on held-out text, on the same batches each time; there may be no such text.
func (s *session) validate() (loss float64, measured bool, err error) {
	// The batches stay the same sequences when a failure made micro-batches smaller.
	whole := s.cfg.Batch / s.cfg.Micro
	n := s.data.ValBatches(whole)
	if s.cfg.EvalBatches > 0 {
		n = min(n, s.cfg.EvalBatches)
	}
	if n == 0 {
		return 0, false, nil
	}
	B := s.eng.B
	n = min(n*whole/B, s.data.ValBatches(B))
	loss, _, err = s.eng.Evaluate(B, n, func(i int, ids, targets []int32) { s.data.ValBatch(i, B, ids, targets) })
	if err == nil && finite(loss) {
		s.valLoss, s.mark = loss, loss
	}
	return loss, err == nil, err
}
