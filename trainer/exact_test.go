package trainer

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// exact is a small model in float64, for properties that hold to rounding.
type exact struct {
	t     *testing.T
	s     *model.Spec
	sc    *graph.Schema
	d     device.Device
	state device.Exact
}

// Sizes of the models here.
const (
	exactB, exactT, exactV = 2, 6, 11
)

// exactConfig is a model of two blocks with everything of its own: no tie, odd sizes.
func exactConfig(variant string, change ...func(*model.Config)) model.Config {
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.FFN, c.Vocab, c.Seq, c.Tied = variant, 2, 8, 2, 6, exactV, exactT, false
	for _, f := range change {
		f(&c)
	}
	return c
}

// newExact makes the model with parameters that depend on their names and shapes alone.
func newExact(t *testing.T, variant string, change ...func(*model.Config)) *exact {
	t.Helper()
	c := exactConfig(variant, change...)
	s, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	return exactOf(t, s)
}

func exactOf(t *testing.T, s *model.Spec) *exact {
	t.Helper()
	m := &exact{t: t, s: s, sc: s.Schema(exactB), d: reference.New()}
	state, err := m.d.NewState(m.sc)
	if err != nil {
		t.Fatal(err)
	}
	m.state = state.(device.Exact)
	for i := range m.sc.Params {
		p := &m.sc.Params[i]
		h := fnv.New64a()
		h.Write([]byte(p.Name))
		r := rand.New(rand.NewPCG(9, h.Sum64()))
		v := make([]float64, p.Len())
		for k := range v {
			x := 0.4 * r.NormFloat64()
			if strings.HasSuffix(p.Name, ".g") {
				x++
			}
			if p.Gate {
				x = 0
			}
			v[k] = float64(float32(x)) // exact in files too
		}
		m.set(p.Name, v)
	}
	return m
}

func (m *exact) number(name string) int {
	m.t.Helper()
	i := m.sc.Param(name)
	if i < 0 {
		m.t.Fatalf("there is no parameter %s", name)
	}
	return i
}

func (m *exact) param(name string) []float64 {
	m.t.Helper()
	i := m.number(name)
	v := make([]float64, m.sc.Params[i].Len())
	if err := m.state.Read64(device.Params, i, v); err != nil {
		m.t.Fatal(err)
	}
	return v
}

func (m *exact) set(name string, v []float64) {
	m.t.Helper()
	if err := m.state.Write64(device.Params, m.number(name), v); err != nil {
		m.t.Fatal(err)
	}
}

// take copies the parameters of another model that this one has too.
func (m *exact) take(from *exact) {
	m.t.Helper()
	for i := range m.sc.Params {
		p := &m.sc.Params[i]
		if j := from.sc.Param(p.Name); j >= 0 && slices.Equal(from.sc.Params[j].Shape, p.Shape) {
			m.set(p.Name, from.param(p.Name))
		}
	}
}

func (m *exact) compile(g *graph.Graph, err error) program {
	m.t.Helper()
	p, err := compile(m.d, m.state.(device.State), g, err)
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

func (m *exact) run(p *program) []float64 {
	m.t.Helper()
	metrics := make([]float64, p.graph.MetricLen)
	ticket, err := p.Submit(p.ints, p.floats)
	if err == nil {
		err = p.Program.(device.ExactProgram).Wait64(ticket, metrics)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return metrics
}

func (m *exact) output(p *program, name string) []float64 {
	m.t.Helper()
	v := make([]float64, p.graph.Output(name).Len())
	if err := p.Program.(device.ExactProgram).Output64(name, v); err != nil {
		m.t.Fatal(err)
	}
	return v
}

// tokens are the ids or targets of all properties.
func tokens(dst []int32, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range dst {
		dst[i] = r.Int32N(exactV)
	}
}

// logits are those of all tokens, [B T V].
func (m *exact) logits() []float64 {
	m.t.Helper()
	g, err := m.s.Logits(m.sc, exactB, exactT, false)
	p := m.compile(g, err)
	tokens(p.int(model.InIDs), 1)
	m.run(&p)
	return m.output(&p, model.OutLogits)
}

// sampled are the same logits through the caches: a prefill, then token by token.
func (m *exact) sampled() []float64 {
	m.t.Helper()
	const prefill = 3
	all := make([]float64, exactB*exactT*exactV)
	ids := make([]int32, exactB*exactT)
	tokens(ids, 1)
	step := func(T, pos int) {
		g, err := m.s.Prefill(m.sc, exactB, T)
		p := m.compile(g, err)
		for b := range exactB {
			copy(p.int(model.InIDs)[b*T:(b+1)*T], ids[b*exactT+pos:])
		}
		p.int(model.InPos)[0] = int32(pos)
		m.run(&p)
		out := m.output(&p, model.OutLogits)
		for b := range exactB {
			copy(all[(b*exactT+pos)*exactV:], out[b*T*exactV:(b+1)*T*exactV])
		}
	}
	step(prefill, 0)
	for pos := prefill; pos < exactT; pos++ {
		step(1, pos)
	}
	return all
}

// training is a compiled step with its loss, the auxiliary ones included.
func (m *exact) training() (p program, loss func() float64) {
	m.t.Helper()
	g, err := m.s.Accumulate(m.sc, exactB, exactT, 1, true)
	p = m.compile(g, err)
	tokens(p.int(model.InIDs), 1)
	tokens(p.int(model.InTargets), 3)
	return p, func() float64 {
		metrics := m.run(&p)
		sum := metrics[p.graph.Metric("loss").Offset]
		for i := range m.s.Blocks {
			if stats := p.graph.Metric("moe_stats." + string(rune('0'+i))); stats != nil {
				sum += metrics[stats.Offset+graph.StatBalance] + metrics[stats.Offset+graph.StatZ]
			}
		}
		return sum
	}
}

// gradients are those of all parameters by name, and the loss.
func (m *exact) gradients() (map[string][]float64, float64) {
	m.t.Helper()
	_, loss := m.training()
	for i := range m.sc.Params {
		if err := m.state.Write64(device.Grads, i, make([]float64, m.sc.Params[i].Len())); err != nil {
			m.t.Fatal(err)
		}
	}
	l := loss()
	grads := map[string][]float64{}
	for i := range m.sc.Params {
		v := make([]float64, m.sc.Params[i].Len())
		if err := m.state.Read64(device.Grads, i, v); err != nil {
			m.t.Fatal(err)
		}
		grads[m.sc.Params[i].Name] = v
	}
	return grads, l
}

// apart is the largest difference, as a share of the largest element.
func apart(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	d, most := 0.0, 1e-300
	for i := range a {
		if diff := math.Abs(a[i] - b[i]); !(diff <= d) {
			d = diff
		}
		most = max(most, math.Abs(a[i]))
	}
	return d / most
}

// alike asks for equal values to the rounding of float64.
func alike(t *testing.T, what string, a, b []float64) {
	t.Helper()
	if d := apart(a, b); !(d <= 1e-11) {
		t.Errorf("%s differ by %.2g", what, d)
	}
}

// unlike guards a property against holding for want of an effect.
func unlike(t *testing.T, what string, a, b []float64) {
	t.Helper()
	if d := apart(a, b); !(d >= 1e-4) {
		t.Errorf("%s differ by no more than %.2g", what, d)
	}
}
