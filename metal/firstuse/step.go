package firstuse

import (
	"errors"
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Step is a training step of a small model. Its maker knows models; this package knows graphs.
type Step struct {
	Name       string // of the model, for messages
	Schema     *graph.Schema
	Accumulate *graph.Graph
	Update     *graph.Graph
	Params     [][]float32 // starting values, by parameter
	Ints       []int32     // inputs of Accumulate
	Floats     []float32   // inputs of Update
}

// Limits of the step against the CPU device: rounding errors of two float32 devices, passed on through
// every layer. Gradients are held to the largest element of their tensor; AdamW divides gradients by
// their own size, so that parameters are held to the rate, which is about 1e-3.
const (
	stepLoss     = 1e-5 // relative
	stepMetric   = 2e-4 // relative: norms, probes
	stepGradient = 2e-4 // of the largest element
	stepFloor    = 2e-6 // for gradients that are zero in exact arithmetic
	stepParam    = 2e-5
)

// result is what a device made of a step.
type result struct {
	passes  [][]float32    // metrics of each run of Accumulate
	update  []float32      // metrics of Update
	tensors [4][][]float32 // gradients before the update, then parameters and moments after it
}

// Check runs the step on both devices and compares all of it. A *[Mismatch] tells what is wrong.
func (s *Step) Check(d, cpu device.Device) error {
	want, err := s.run(cpu)
	if err != nil {
		return fmt.Errorf("the step of %s on the CPU: %w", s.Name, err)
	}
	got, err := s.run(d)
	if err != nil {
		return fmt.Errorf("the step of %s: %w", s.Name, err)
	}
	if err = s.repeats(d, got); err == nil {
		err = s.compare(got, want)
	}
	if err != nil {
		return &Mismatch{d.Info().Name, "a training step of " + s.Name, err.Error()}
	}
	return nil
}

// run makes two micro-batches, so that gradients are added to, the update, and one more forward and
// backward pass with the new parameters.
func (s *Step) run(d device.Device) (r result, err error) {
	state, err := d.NewState(s.Schema)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	for i, v := range s.Params {
		if err := state.Write(device.Params, i, v); err != nil {
			return r, err
		}
	}
	accumulate, err := d.Compile(s.Accumulate, state)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, accumulate.Close()) }()
	update, err := d.Compile(s.Update, state)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, update.Close()) }()

	run := func(p device.Program, ints []int32, floats []float32, n int) ([]float32, error) {
		t, err := p.Submit(ints, floats)
		if err != nil {
			return nil, err
		}
		m := make([]float32, n)
		return m, p.Wait(t, m)
	}
	pass := func() error {
		m, err := run(accumulate, s.Ints, nil, s.Accumulate.MetricLen)
		r.passes = append(r.passes, m)
		return err
	}
	if err := errors.Join(pass(), pass()); err != nil {
		return r, err
	}
	if r.tensors[device.Grads], err = s.read(state, device.Grads); err != nil {
		return r, err
	}
	if r.update, err = run(update, nil, s.Floats, s.Update.MetricLen); err != nil {
		return r, err
	}
	for _, a := range []device.Arena{device.Params, device.Moment1, device.Moment2} {
		if r.tensors[a], err = s.read(state, a); err != nil {
			return r, err
		}
	}
	return r, pass()
}

func (s *Step) read(state device.State, a device.Arena) ([][]float32, error) {
	list := make([][]float32, len(s.Schema.Params))
	for i := range list {
		list[i] = make([]float32, s.Schema.Params[i].Len())
		if err := state.Read(a, i, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// repeats holds a device to its promise of equal bits: the first two passes do the same.
func (s *Step) repeats(d device.Device, r result) error {
	if !d.Info().SameBits {
		return nil
	}
	for _, t := range s.Accumulate.Metrics {
		for i := t.Offset; i < t.Offset+t.Len(); i++ {
			if a, b := r.passes[0][i], r.passes[1][i]; math.Float32bits(a) != math.Float32bits(b) {
				return fmt.Errorf("where %s is %.9g in one pass and %.9g in the next", t.Name, a, b)
			}
		}
	}
	return nil
}

// compare names the first thing that differs, in the order in which a step makes them.
func (s *Step) compare(got, want result) error {
	metrics := func(g *graph.Graph, what string, got, want []float32) error {
		for _, t := range g.Metrics {
			limit := stepMetric
			if t.Name == "loss" {
				limit = stepLoss
			}
			a, b := t.Offset, t.Offset+t.Len()
			if err := near(t.Name+what, got[a:b], want[a:b], limit, 1e-6, false); err != nil {
				return err
			}
		}
		return nil
	}
	arena := func(a device.Arena, what string, rel, abs float64) error {
		for i := range s.Schema.Params {
			name := what + s.Schema.Params[i].Name
			if err := near(name, got.tensors[a][i], want.tensors[a][i], rel, abs, true); err != nil {
				return err
			}
		}
		return nil
	}
	for _, compare := range []func() error{
		func() error { return metrics(s.Accumulate, "", got.passes[0], want.passes[0]) },
		func() error { return metrics(s.Accumulate, " of the second pass", got.passes[1], want.passes[1]) },
		func() error { return arena(device.Grads, "the gradient of ", stepGradient, stepFloor) },
		func() error { return metrics(s.Update, "", got.update, want.update) },
		func() error { return arena(device.Moment1, "the first moment of ", stepGradient, stepFloor) },
		func() error { return arena(device.Moment2, "the second moment of ", 2*stepGradient, 1e-12) },
		func() error { return arena(device.Params, "the new ", 0, stepParam) },
		func() error { return metrics(s.Accumulate, " after the update", got.passes[2], want.passes[2]) },
	} {
		if err := compare(); err != nil {
			return err
		}
	}
	return nil
}

// near compares elements: relative to themselves, or to the largest of the tensor.
func near(what string, got, want []float32, rel, abs float64, ofLargest bool) error {
	largest := 0.0
	for _, w := range want {
		largest = max(largest, math.Abs(float64(w)))
	}
	for i, w := range want {
		size := math.Abs(float64(w))
		if ofLargest {
			size = largest
		}
		limit := abs + rel*size
		if diff := math.Abs(float64(got[i]) - float64(w)); !(diff <= limit) {
			return fmt.Errorf("where element %d of %s is %.6g and not %.6g: the error is %.2g and at most %.2g is rounding",
				i, what, got[i], w, diff, limit)
		}
	}
	return nil
}
