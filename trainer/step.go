package trainer

import (
	"errors"
	"math"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
)

// Batch fills ids and targets (B*T each, target -1 is ignored) of micro-batch m of the step.
type Batch func(m int, ids, targets []int32)

// StepResult is what one step measured.
type StepResult struct {
	Loss       float64 // sum of cross-entropies / (B*T) over all micro-batches, the published convention
	Mean       float64 // mean over targets
	GradNorm   float64
	Clip       float64
	LayerNorms []float32 // per block, then outside the blocks; valid until the next Finish
	ActRMS     []float32 // per block, of the last micro-batch
	AttnTop    []float32
	Routing    Routing   // of experts, over all micro-batches
	NonFinite  []float32 // per parameter
	Bad        bool      // any of it is NaN or infinite; parameters were then left alone
}

// Depth is how many steps can be begun before the oldest is finished. Two keep a GPU busy: while it
// runs one, the other is encoded and its inputs copied.
const Depth = 2

// flight is a step that was begun.
type flight struct {
	read    int // micro-batches whose metrics were read
	update  device.Ticket
	loss    float64
	targets int
	act     []float32 // probes of the last micro-batch
	attn    []float32
	routing Routing
}

// flights are the steps at work, oldest first, and the runs of accumulate that were not waited for.
// All of it is taken once, so that a step allocates nothing.
type flights struct {
	ring            [Depth]flight
	begun, finished int

	runs        [device.Slots]device.Ticket
	owner       [device.Slots]*flight
	sent, heard int
}

// Step runs step t (from 1) at rate lr. It allocates nothing.
func (e *Engine) Step(t int64, lr float64, batch Batch, r *StepResult) error {
	if err := e.Begin(t, lr, batch); err != nil {
		return err
	}
	return e.Finish(r)
}

// Begin submits step t (from 1) at rate lr without waiting for it. Up to Depth steps can be in flight;
// the device runs them in order. A step whose loss or gradient is not finite leaves the parameters
// alone, also for the one begun behind it. After an error, Drain.
func (e *Engine) Begin(t int64, lr float64, batch Batch) error {
	q := &e.flying
	if q.begun-q.finished == Depth {
		return errors.New("two steps are in flight; finish one first")
	}
	f := &q.ring[q.begun%Depth]
	f.read, f.loss, f.targets = 0, 0, 0
	f.routing.clear()
	p := &e.accumulate
	for m := range e.Micro {
		batch(m, p.int(model.InIDs), p.int(model.InTargets))
		for _, y := range p.int(model.InTargets) {
			if y >= 0 {
				f.targets++
			}
		}
		if q.sent-q.heard == device.Slots {
			if err := e.hear(); err != nil {
				return err
			}
		}
		ticket, err := p.Submit(p.ints, p.floats)
		if err != nil {
			return err
		}
		q.runs[q.sent%device.Slots], q.owner[q.sent%device.Slots] = ticket, f
		q.sent++
	}
	u := &e.update
	u.float(model.InLR, lr)
	u.float(model.InBias1, 1-math.Pow(e.Opt.Beta1, float64(t)))
	u.float(model.InBias2, 1-math.Pow(e.Opt.Beta2, float64(t)))
	u.float(model.InMaxNorm, e.Opt.MaxNorm)
	if e.Schema.Gates() {
		u.float(model.InMaxGate, e.Opt.MaxGate)
	}
	var err error
	if f.update, err = u.Submit(u.ints, u.floats); err != nil {
		return err
	}
	q.begun++
	return nil
}

// hear waits for the oldest run of accumulate and adds its metrics to its step.
func (e *Engine) hear() error {
	q, p := &e.flying, &e.accumulate
	ticket, f := q.runs[q.heard%device.Slots], q.owner[q.heard%device.Slots]
	q.heard++
	if err := p.Wait(ticket, p.metrics); err != nil {
		return err
	}
	f.loss += float64(p.metric("loss")[0])
	f.read++
	if e.Spec.MoE != nil {
		f.routing.add(p, e.Micro)
	}
	if f.read < e.Micro {
		return nil
	}
	for _, m := range p.graph.Metrics {
		if m.Layer < 0 {
			continue
		}
		switch v := p.metrics[m.Offset]; m.Name[0:4] {
		case "act_":
			f.act[m.Layer] = v
		case "attn":
			f.attn[m.Layer] = v
		}
	}
	return nil
}

// InFlight is the number of steps begun and not finished.
func (e *Engine) InFlight() int { return e.flying.begun - e.flying.finished }

// Finish waits for the oldest step begun. After an error, Drain.
func (e *Engine) Finish(r *StepResult) error {
	q := &e.flying
	if q.begun == q.finished {
		return errors.New("no step is in flight")
	}
	f := &q.ring[q.finished%Depth]
	for f.read < e.Micro {
		if err := e.hear(); err != nil {
			return err
		}
	}
	q.finished++
	u := &e.update
	if err := u.Wait(f.update, u.metrics); err != nil {
		return err
	}
	r.Loss, r.Mean = f.loss, 0
	if f.targets > 0 {
		r.Mean = r.Loss * float64(e.Micro*e.B*e.T) / float64(f.targets)
	}
	if len(r.ActRMS) != len(f.act) {
		r.ActRMS, r.AttnTop = make([]float32, len(f.act)), make([]float32, len(f.attn))
		if m := e.Spec.MoE; m != nil {
			r.Routing = newRouting(len(f.act), m.Experts)
		}
	}
	copy(r.ActRMS, f.act)
	copy(r.AttnTop, f.attn)
	if e.Spec.MoE != nil {
		f.routing.finish()
		f.routing.copyTo(&r.Routing)
	}
	r.GradNorm, r.Clip = float64(u.metric("grad_norm")[0]), float64(u.metric("clip")[0])
	r.LayerNorms, r.NonFinite = u.metric("grad_norm.layer"), u.metric("nonfinite")
	r.Bad = !finite(r.Loss) || !finite(r.GradNorm)
	return nil
}

// Drain waits for everything in flight and forgets it, failed or not.
func (e *Engine) Drain() {
	q := &e.flying
	for ; q.heard < q.sent; q.heard++ {
		e.accumulate.Wait(q.runs[q.heard%device.Slots], nil)
	}
	for ; q.finished < q.begun; q.finished++ {
		e.update.Wait(q.ring[q.finished%Depth].update, nil)
	}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
