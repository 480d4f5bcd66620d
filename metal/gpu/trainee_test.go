package gpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// trainee is a small model on a device: the graphs of a training step, ready to run.
type trainee struct {
	t                  testing.TB
	schema             *graph.Schema
	accumulate, update *graph.Graph
	state              device.State
	forth, back        device.Program // of the two graphs
}

// spec is a model with all that the variants have: query and key norms, grouped heads, rotation, probes.
func spec(t testing.TB, layers int) *model.Spec {
	t.Helper()
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Vocab, c.Seq = "hybrid_star", layers, 16, 4, 2, 24, 70, 9
	s, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// train builds the graphs, lets change spoil them, and compiles them on d with fresh parameters.
func train(t testing.TB, d device.Device, layers int, change func(*graph.Graph)) *trainee {
	t.Helper()
	s := spec(t, layers)
	m := &trainee{t: t, schema: s.Schema(1)}
	var err error
	if m.accumulate, err = s.Accumulate(m.schema, 2, s.T, 1, true); err != nil {
		t.Fatal(err)
	}
	attr := graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
	if m.update, err = model.Update(m.schema, attr); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(m.accumulate)
	}
	if m.state, err = d.NewState(m.schema); err != nil {
		t.Fatal(err)
	}
	if m.forth, err = d.Compile(m.accumulate, m.state); err != nil {
		t.Fatal(err)
	}
	if m.back, err = d.Compile(m.update, m.state); err != nil {
		t.Fatal(err)
	}
	for i := range m.schema.Params {
		p := &m.schema.Params[i]
		v := make([]float32, p.Len())
		if err := s.InitParam(p, 3, v); err != nil {
			t.Fatal(err)
		}
		m.write(device.Params, i, v)
	}
	return m
}

func (m *trainee) close() {
	m.forth.Close()
	m.back.Close()
	m.state.Close()
}

func (m *trainee) write(a device.Arena, param int, v []float32) {
	if err := m.state.Write(a, param, v); err != nil {
		m.t.Fatal(err)
	}
}

// inputs are those of the nth step: of the two graphs.
func (m *trainee) inputs(n int) (ints []int32, floats []float32) {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	ints = make([]int32, m.accumulate.Ints)
	for i := range ints {
		ints[i] = r.Int32N(70)
	}
	floats = make([]float32, m.update.Floats)
	for name, v := range map[string]float64{
		model.InLR: 1e-2, model.InMaxNorm: 1,
		model.InBias1: 1 - math.Pow(0.9, float64(n+1)), model.InBias2: 1 - math.Pow(0.95, float64(n+1)),
	} {
		floats[m.update.Input(name).Offset] = float32(v)
	}
	return ints, floats
}

// step runs the nth step and returns the metrics of both graphs.
func (m *trainee) step(n int) ([]float32, error) {
	ints, floats := m.inputs(n)
	metrics := make([]float32, m.accumulate.MetricLen+m.update.MetricLen)
	t, err := m.forth.Submit(ints, nil)
	if err != nil {
		return nil, err
	}
	if err := m.forth.Wait(t, metrics[:m.accumulate.MetricLen]); err != nil {
		return nil, err
	}
	if t, err = m.back.Submit(nil, floats); err != nil {
		return nil, err
	}
	return metrics, m.back.Wait(t, metrics[m.accumulate.MetricLen:])
}

// steps runs the steps from to to-1 and returns all metrics.
func (m *trainee) steps(from, to int) (all []float32) {
	m.t.Helper()
	for n := from; n < to; n++ {
		v, err := m.step(n)
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, v...)
	}
	return all
}

// arenas reads the four arenas, by arena and parameter.
func (m *trainee) arenas() (all [][]float32) {
	for a := device.Params; a <= device.Moment2; a++ {
		for i := range m.schema.Params {
			v := make([]float32, m.schema.Params[i].Len())
			if err := m.state.Read(a, i, v); err != nil {
				m.t.Fatal(err)
			}
			all = append(all, v)
		}
	}
	return all
}

// restore writes what arenas read.
func (m *trainee) restore(all [][]float32) {
	for i, v := range all {
		m.write(device.Arena(i/len(m.schema.Params)), i%len(m.schema.Params), v)
	}
}

// result is all that two steps leave.
func (m *trainee) result() []float32 {
	m.t.Helper()
	all := m.steps(0, 2)
	for _, v := range m.arenas() {
		all = append(all, v...)
	}
	return all
}

// sameBits fails the test at the first number that differs.
func sameBits(t testing.TB, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if math.Float32bits(got[i]) != math.Float32bits(w) {
			t.Errorf("%s: number %d is %g, want the bits of %g", what, i, got[i], w)
			return
		}
	}
}

// broken tells whether there is a NaN.
func broken(x []float32) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// emulated opens the emulator, to be closed at the end of the test.
func emulated(t testing.TB, o emulator.Options, options ...gpu.Option) (*gpu.Device, *counting) {
	t.Helper()
	driver, err := emulator.Open(o)
	emutest.Need(t, err)
	c := &counting{Driver: driver}
	d := gpu.New(c, fmt.Sprint("emulator ", o.Mode), options...)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, c
}
