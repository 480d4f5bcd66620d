package conformance

import (
	"errors"
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Deviation is the first op of a case whose results are off on a device while all before it agree.
type Deviation struct {
	Graph *graph.Graph // as it was run, every result in a place of its own
	Op    *graph.Op
	Wrong []*graph.Tensor // outputs of Op that are off; none for an op that writes the state alone
	Text  string
}

// Trace runs a case step by step on a device and on the oracle, with every result kept, and finds the
// first op that gives something else. It is nil when no result is off by more than 1e-4 of the largest
// element of its tensor: what then fails a case is rounding, or memory shared where it must not be.
func Trace(d, oracle device.Device, c Case) (_ *Deviation, err error) {
	var ks [2]*collector
	for i, on := range []device.Device{d, oracle} {
		k := &collector{c: &c, schema: c.Schema()}
		ks[i] = k
		if k.graphs, err = c.Build(k.schema); err != nil {
			return nil, err
		}
		for _, g := range k.graphs {
			spread(g)
		}
		defer func() { err = errors.Join(err, k.close()) }()
		if err := k.open(on, false); err != nil {
			return nil, err
		}
	}
	for number, step := range c.steps() {
		g := ks[0].graphs[step.Graph]
		ints, floats, err := c.inputs(g, number, step)
		if err != nil {
			return nil, err
		}
		var metrics [2][]float64
		for i, k := range ks {
			t, err := k.progs[step.Graph].Submit(ints, floats)
			if err != nil {
				return nil, err
			}
			if metrics[i], err = k.wait(flight{number, step.Graph, t}); err != nil {
				return nil, err
			}
		}
		for _, op := range g.Ops {
			v, err := deviates(ks, metrics, step.Graph, op)
			if err != nil {
				return nil, err
			}
			if v != nil {
				v.Graph, v.Op = g, op
				return v, nil
			}
		}
	}
	return nil, nil
}

// spread gives every result of a graph memory of its own and keeps it under a name of its own.
func spread(g *graph.Graph) {
	g.Outputs, g.Plan.InPlace, g.Plan.ArenaLen = nil, map[int][][2]int{}, 0
	for _, t := range g.Tensors {
		if t.Role != graph.Activation && t.Role != graph.Output || g.Plan.First[t.ID] < 0 {
			continue
		}
		t.Role, t.Name, t.Offset = graph.Output, fmt.Sprintf("%s (%d)", t.Name, t.ID), g.Plan.ArenaLen
		g.Outputs = append(g.Outputs, t)
		g.Plan.Last[t.ID] = len(g.Ops)
		g.Plan.ArenaLen += (t.Len() + graph.Align - 1) / graph.Align * graph.Align
	}
}

// deviates compares what one op wrote.
func deviates(ks [2]*collector, metrics [2][]float64, n int, op *graph.Op) (*Deviation, error) {
	var v Deviation
	check := func(t *graph.Tensor, name string, read func(k *collector, i int) ([]float64, error)) error {
		var xs [2][]float64
		for i, k := range ks {
			x, err := read(k, i)
			if err != nil {
				return err
			}
			xs[i] = x
		}
		text := off(xs[0], xs[1])
		if text == "" {
			return nil
		}
		if v.Text == "" {
			v.Text = name + text
		}
		if t != nil {
			v.Wrong = append(v.Wrong, t)
		}
		return nil
	}
	for _, t := range op.Out {
		if t == nil {
			continue
		}
		var err error
		switch t.Role {
		case graph.Output:
			err = check(t, t.Name, func(k *collector, _ int) ([]float64, error) { return k.output(n, t) })
		case graph.Metric:
			err = check(t, t.Name, func(_ *collector, i int) ([]float64, error) {
				return metrics[i][t.Offset : t.Offset+t.Len()], nil
			})
		case graph.Grad:
			err = check(t, t.Name, func(k *collector, _ int) ([]float64, error) { return k.param(device.Grads, t.Index) })
		}
		if err != nil {
			return nil, err
		}
	}
	arenas := []device.Arena(nil)
	switch op.Kind {
	case graph.OpAdamW:
		arenas = []device.Arena{device.Params, device.Moment1, device.Moment2}
	case graph.OpClear:
		arenas = []device.Arena{device.Grads}
	}
	for _, a := range arenas {
		for i := range ks[0].schema.Params {
			name := ks[0].schema.Params[i].Name
			err := check(nil, name, func(k *collector, _ int) ([]float64, error) { return k.param(a, i) })
			if err != nil {
				return nil, err
			}
		}
	}
	if v.Text == "" {
		return nil, nil
	}
	return &v, nil
}

// off tells the element with the largest error when that is more than rounding.
func off(got, want []float64) string {
	largest, worst, at := 0.0, 0.0, 0
	for i, w := range want {
		if finiteNumber(w) {
			largest = math.Max(largest, math.Abs(w))
		}
		if err := difference(got[i], w); err > worst {
			worst, at = err, i
		}
	}
	if worst <= 1e-4*largest+1e-6 {
		return ""
	}
	return fmt.Sprintf("[%d] is %.9g, not %.9g", at, got[at], want[at])
}
