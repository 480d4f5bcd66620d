package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/firstuse"
	"github.com/evenkeel/evenkeel/model/graph"
)

// trouble is what a session has been through with its device.
type trouble struct {
	until  int64 // steps that must be recorded before a failure counts as a new one
	failed int   // failures so far
}

// mostFailures is how many failures a session takes before it gives up on its device, though each was
// recovered from.
const mostFailures = 5

// settle opens the device and takes all memory on it. When the GPU cannot be used, the CPU takes its
// place, or a person is asked, or, if the GPU was asked for by name, that is the end.
func (s *session) settle(ctx context.Context) error {
	err := s.occupy(ctx, s.cfg.Device)
	if err == nil {
		return nil
	}
	var refused *firstuse.Refusal
	gpu := errors.As(err, &refused) || s.dev != nil && fallible(s.dev)
	s.release()
	switch {
	case ctx.Err() != nil || !gpu:
		return err
	case s.ask:
		if err := s.waitForCPU(ctx, err.Error(), Preparing); err != nil {
			return err
		}
		s.notes = append(s.notes, fmt.Sprintf("The CPU was chosen in the place of the GPU: %v", err))
	case isAuto(s.cfg.Device):
		s.notes = append(s.notes, instead(err))
	default:
		return fmt.Errorf("%w; or train on the CPU, with the device %s", err, metal.CPU)
	}
	return s.occupy(ctx, metal.CPU)
}

// occupy opens the named device and makes an engine on it, in micro-batches as configured.
func (s *session) occupy(ctx context.Context, name string) error {
	var err error
	if s.dev, err = openDevice(ctx, s.opening(name)); err != nil {
		return err
	}
	s.print = fingerprintOf(s.dev)
	return s.engine(ctx, s.cfg.Micro)
}

func (s *session) opening(name string) *DeviceOptions {
	return &DeviceOptions{
		Name: name, Threads: s.cfg.Threads,
		Progress: func(stage string, done, total int) { s.preparing(stage, int64(done), int64(total)) },
	}
}

// engine takes memory for a step of micro micro-batches.
func (s *session) engine(ctx context.Context, micro int) error {
	c := &s.cfg
	n, err := count(s.spec, c.Batch/micro, s.spec.T)
	if err != nil {
		return err
	}
	if err := fits(s.dev, n); err != nil {
		return fmt.Errorf("%w, or more micro-batches (micro)", err)
	}
	s.eng, err = newEngine(ctx, s.dev, s.spec, c.Batch/micro, s.spec.T, micro, Optimizer{
		AdamWAttr: graph.AdamWAttr{Beta1: c.Beta1, Beta2: c.Beta2, Eps: c.AdamEps, WeightDecay: c.WeightDecay},
		MaxNorm:   c.MaxNorm,
		MaxGate:   c.MaxGate,
	}, s.opening(c.Device))
	return err
}

// recover goes on after a failure of the device: the first time back to the last copy, with smaller
// buffers, and if the same step fails again, on the CPU. Steps that were recorded run again unseen. Any
// other error is given back.
func (s *session) recover(ctx context.Context, cause error) error {
	var f device.Failure
	if !errors.As(cause, &f) || s.back.data[0] == nil {
		return cause
	}
	s.eng.Drain()
	t := &s.trouble
	t.failed++
	if s.recorded < t.until || t.failed > mostFailures {
		return s.abandon(ctx, cause)
	}
	t.until = s.recorded + 1
	how, err := s.relieve(ctx, f)
	if err == nil {
		err = s.goBack()
	}
	if err != nil {
		if ctx.Err() != nil {
			return errStopped
		}
		return s.abandon(ctx, fmt.Errorf("%w; and then: %w", cause, err))
	}
	s.say("recovered", fmt.Sprintf("The GPU failed after step %d. The run went back to step %d and tries again%s. "+
		"The reason: %v", s.recorded, s.step, how, cause))
	return nil
}

// relieve asks less of a device that has failed, and says in words what it did. A device that failed for
// no reason it names may be lost, and is opened anew.
func (s *session) relieve(ctx context.Context, f device.Failure) (string, error) {
	if !f.Timeout() && !f.OutOfMemory() {
		s.release()
		if err := s.occupy(ctx, s.cfg.Device); err != nil {
			return "", err
		}
		return " on the GPU opened anew", nil
	}
	smaller := s.dev.(device.Shrinker).Smaller()
	how := ""
	if smaller {
		how = " with smaller command buffers"
	}
	if smaller && f.Timeout() {
		return how, nil
	}
	micro := s.moreMicroBatches()
	if micro == 0 {
		return how, nil
	}
	s.closeEngine()
	if err := s.engine(ctx, micro); err != nil {
		return "", err
	}
	if smaller {
		how += " and"
	} else {
		how = " with"
	}
	return fmt.Sprintf("%s the step in %d parts", how, micro), nil
}

// moreMicroBatches is the next number of micro-batches that a step can be cut into, 0 when it is in
// single sequences already.
func (s *session) moreMicroBatches() int {
	for m := 2 * s.eng.Micro; m <= s.cfg.Batch; m += s.eng.Micro {
		if s.cfg.Batch%m == 0 {
			return m
		}
	}
	return 0
}

// abandon gives up on the device. What is known to be good is written first, so that nothing is lost
// whatever comes; then the run goes on from there on the CPU, if nobody is to be asked or says so.
func (s *session) abandon(ctx context.Context, cause error) error {
	why := fmt.Sprintf("The GPU cannot go on after step %d", s.recorded)
	reason := fmt.Sprintf("The reason: %v", cause)
	if err := s.saveCopy(); err != nil {
		return errors.Join(cause, err)
	}
	s.release()
	if s.ask {
		s.say("device", why+". The run waits for a choice. "+reason)
		if err := s.waitForCPU(ctx, why+". "+reason, Running); err != nil {
			return err
		}
	}
	if err := s.occupy(ctx, metal.CPU); err != nil {
		return errors.Join(cause, err)
	}
	if err := s.goBack(); err != nil {
		return err
	}
	s.back = rollback{}
	info := s.dev.Info()
	if s.ask {
		s.say("device", fmt.Sprintf("Training continues on the CPU from step %d.", s.step))
	} else {
		s.say("device", fmt.Sprintf("%s. Training continues on the CPU from step %d. %s", why, s.step, reason))
	}
	s.j.publish(func(p *Snapshot) {
		p.Device, p.MemoryBytes = info.Name+", "+info.Detail, s.eng.memory()
		p.OnGPU = info.Kind == "gpu"
	})
	return nil
}

// saveCopy writes a checkpoint of the copy in memory.
func (s *session) saveCopy() error {
	step, w, mark := s.step, s.watch, s.mark
	s.step, s.watch, s.mark = s.back.step, s.back.watch, math.NaN()
	err := s.checkpointOf(&s.back)
	s.step, s.watch, s.mark = step, w, mark
	return err
}

// waitForCPU asks a person and waits. It returns nil when the CPU is to take over, in which case the
// job's state is next.
func (s *session) waitForCPU(ctx context.Context, why string, next State) error {
	s.j.publish(func(p *Snapshot) { p.State, p.Reason, p.Progress, p.ETA = Asking, why, 0, 0 })
	if next == Running {
		s.clock.stop()
		defer s.clock.start()
	}
	for {
		switch c, asked := s.j.orders.take(whileAsking); {
		case ctx.Err() != nil || asked && c == cmdStop:
			return errStopped
		case asked:
			s.j.publish(func(p *Snapshot) { p.State, p.Reason = next, "" })
			return nil
		}
		select {
		case <-ctx.Done():
		case <-s.j.orders.wake:
		}
	}
}

// say keeps a sentence about the device as an event of the run, in its log, and as a note for people.
func (s *session) say(kind, text string) {
	s.run.AddEvent(kind, s.step, text, nil)
	s.log.Warn(text)
	s.j.publish(func(p *Snapshot) { p.Notes = append(p.Notes[:len(p.Notes):len(p.Notes)], text) })
}
