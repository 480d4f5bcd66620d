package conformance

import (
	"fmt"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
)

// faulty is the oracle with one thing wrong.
type faulty struct {
	device.Device
	alter func(*graph.Graph)                           // changes a graph before it is compiled
	read  func(a device.Arena, param int, v []float32) // changes what is read back
	// repeat promises the same bits, which runs each case twice.
	repeat bool
}

func (f faulty) Info() device.Info {
	i := f.Device.Info()
	i.SameBits = f.repeat
	return i
}

func (f faulty) Compile(g *graph.Graph, s device.State) (device.Program, error) {
	if f.alter != nil {
		f.alter(g) // the case builds graphs anew for each device
	}
	p, err := f.Device.Compile(g, s.(faultyState).State)
	return rounded{p}, err
}

func (f faulty) NewState(s *graph.Schema) (device.State, error) {
	st, err := f.Device.NewState(s)
	return faultyState{st, f.read}, err
}

// rounded hides that a program is exact.
type rounded struct{ device.Program }

type faultyState struct {
	device.State
	read func(a device.Arena, param int, v []float32)
}

func (s faultyState) Read(a device.Arena, param int, dst []float32) error {
	err := s.State.Read(a, param, dst)
	if s.read != nil {
		s.read(a, param, dst)
	}
	return err
}

// answers caches what the oracle makes of each case, smallest case first.
type answers struct {
	cases []Case
	ops   [][]graph.Kind
	want  []*Expected
}

func newAnswers(t *testing.T) *answers {
	a := &answers{cases: Cases()}
	slices.SortStableFunc(a.cases, func(x, y Case) int { return x.elements() - y.elements() })
	for _, c := range a.cases {
		var ops []graph.Kind
		for _, g := range built(t, []Case{c}) {
			for _, op := range g.Ops {
				ops = append(ops, op.Kind)
			}
		}
		a.ops = append(a.ops, ops)
	}
	a.want = make([]*Expected, len(a.cases))
	return a
}

func (c *Case) elements() int {
	n := 0
	for _, p := range c.Schema().Params {
		n += p.Len()
	}
	return n
}

// caught tells which case with an op of the kind notices the fault first, "" if none does.
func (a *answers) caught(t *testing.T, k graph.Kind, f faulty) string {
	t.Helper()
	for i, c := range a.cases {
		if !slices.Contains(a.ops[i], k) {
			continue
		}
		if a.want[i] == nil {
			e, err := Expect(reference.New(), c)
			if err != nil {
				t.Fatal(err)
			}
			a.want[i] = e
		}
		r := a.want[i].Check(f)
		if r.Err != nil {
			t.Fatalf("fault could not be tried: %v", r.Err)
		}
		if !r.OK() {
			return fmt.Sprintf("%s: %s", &c, r)
		}
	}
	return ""
}

// TestDroppedOpsAreCaught leaves out all ops of one kind at a time.
func TestDroppedOpsAreCaught(t *testing.T) {
	a := newAnswers(t)
	for _, k := range graph.Kinds() {
		drop := func(g *graph.Graph) {
			g.Ops = slices.DeleteFunc(g.Ops, func(op *graph.Op) bool { return op.Kind == k })
		}
		if a.caught(t, k, faulty{Device: reference.New(), alter: drop}) == "" {
			t.Errorf("no case notices that %s is missing", k)
		}
	}
}

// edit changes the attributes of the ops of one kind.
func edit[A any](k graph.Kind, change func(*A)) func(*graph.Graph) {
	return func(g *graph.Graph) {
		for _, op := range g.Ops {
			if op.Kind == k {
				a := op.Attr.(A)
				change(&a)
				op.Attr = a
			}
		}
	}
}

// without takes an optional operand away from the ops of one kind.
func without(k graph.Kind, in int) func(*graph.Graph) {
	return func(g *graph.Graph) {
		for _, op := range g.Ops {
			if op.Kind == k {
				op.In[in] = nil
			}
		}
	}
}

// swap exchanges two operands of equal shape.
func swap(k graph.Kind, i, j int) func(*graph.Graph) {
	return func(g *graph.Graph) {
		for _, op := range g.Ops {
			if op.Kind == k && op.In[i].Len() == op.In[j].Len() {
				op.In[i], op.In[j] = op.In[j], op.In[i]
			}
		}
	}
}

// swapOut exchanges two outputs of equal shape, for all that read them.
func swapOut(k graph.Kind, i, j int) func(*graph.Graph) {
	return func(g *graph.Graph) {
		for _, op := range g.Ops {
			if op.Kind == k {
				op.Out[i], op.Out[j] = op.Out[j], op.Out[i]
			}
		}
	}
}

// TestMistakesAreCaught makes the mistakes that kernels are known for.
func TestMistakesAreCaught(t *testing.T) {
	a := newAnswers(t)
	type (
		norm  = graph.NormAttr
		rope  = graph.RopeAttr
		attn  = graph.AttentionAttr
		embed = graph.EmbedAttr
		lm    = graph.LMLossAttr
		adam  = graph.AdamWAttr
		sum   = graph.AddAttr
		probe = graph.ProbeAttr
		heads = graph.HeadsAttr
		hmul  = graph.HeadMatMulAttr
		route = graph.RouteAttr
	)
	for _, m := range []struct {
		name  string
		kind  graph.Kind
		alter func(*graph.Graph)
	}{
		{"eps", graph.OpNorm, edit(graph.OpNorm, func(a *norm) { a.Eps = 1e-6 })},
		{"scale", graph.OpNorm, edit(graph.OpNorm, func(a *norm) { a.Scale = 1 })},
		{"gain", graph.OpNorm, without(graph.OpNorm, 1)},
		{"bias", graph.OpNorm, without(graph.OpNorm, 2)},
		{"scale", graph.OpNormGrad, edit(graph.OpNormGrad, func(a *norm) { a.Scale = 1 })},
		{"gain", graph.OpNormGrad, without(graph.OpNormGrad, 2)},
		{"carry", graph.OpNormGrad, without(graph.OpNormGrad, 5)},
		{"bias", graph.OpMatMul, without(graph.OpMatMul, 2)},
		{"carry", graph.OpMatMul, without(graph.OpMatMul, 3)},
		{"theta", graph.OpRope, edit(graph.OpRope, func(a *rope) { a.Theta *= 1.001 })},
		{"pairing", graph.OpRope, edit(graph.OpRope, func(a *rope) { a.Pairing = 1 - a.Pairing })},
		{"direction", graph.OpRope, edit(graph.OpRope, func(a *rope) { a.Inverse = false })},
		{"offset", graph.OpRope, without(graph.OpRope, 1)},
		{"restart", graph.OpRope, edit(graph.OpRope, func(a *rope) { a.T = 1 << 20 })},
		{"scale", graph.OpAttention, edit(graph.OpAttention, func(a *attn) { a.Scale *= 1.0001 })},
		{"batch", graph.OpAttention, edit(graph.OpAttention, func(a *attn) { a.T, a.B = a.T*a.B, 1 })},
		{"scale", graph.OpAttentionGrad, edit(graph.OpAttentionGrad, func(a *attn) { a.Scale *= 1.001 })},
		{"scale", graph.OpAttentionCached,
			edit(graph.OpAttentionCached, func(a *attn) { a.Scale *= 1.0001 })},
		{"position", graph.OpAttentionCached, without(graph.OpAttentionCached, 3)},
		{"position", graph.OpCacheWrite, without(graph.OpCacheWrite, 2)},
		{"operands", graph.OpSwiGLU, swap(graph.OpSwiGLU, 0, 1)},
		{"operands", graph.OpSwiGLUGrad, swap(graph.OpSwiGLUGrad, 0, 1)},
		{"operands", graph.OpActivationGrad, swap(graph.OpActivationGrad, 0, 1)},
		{"alpha", graph.OpAdd, edit(graph.OpAdd, func(a *sum) { a.Alpha = 1 })},
		{"beta", graph.OpAdd, edit(graph.OpAdd, func(a *sum) { a.Beta = 1 })},
		{"scale", graph.OpEmbed, edit(graph.OpEmbed, func(a *embed) { a.Scale = 1 })},
		{"restart", graph.OpEmbed, edit(graph.OpEmbed, func(a *embed) { a.T++ })},
		{"positions", graph.OpEmbed, without(graph.OpEmbed, 2)},
		{"offset", graph.OpEmbed, without(graph.OpEmbed, 3)},
		{"scale", graph.OpEmbedGrad, edit(graph.OpEmbedGrad, func(a *embed) { a.Scale = 1 })},
		{"restart", graph.OpEmbedGrad, edit(graph.OpEmbedGrad, func(a *embed) { a.T++ })},
		{"scale", graph.OpLMLoss, edit(graph.OpLMLoss, func(a *lm) { a.Scale = 1 })},
		{"bias", graph.OpLMLoss, without(graph.OpLMLoss, 3)},
		{"decay", graph.OpAdamW, edit(graph.OpAdamW, func(a *adam) { a.WeightDecay = 0 })},
		{"eps", graph.OpAdamW, edit(graph.OpAdamW, func(a *adam) { a.Eps = 0 })},
		{"1-beta in float32", graph.OpAdamW,
			edit(graph.OpAdamW, func(a *adam) { a.Beta2 = float64(float32(a.Beta2)) })},
		{"kind", graph.OpActivation, edit(graph.OpActivation, func(a *graph.ActivationAttr) { a.Fn = 1 - a.Fn })},
		{"kind", graph.OpActivationGrad,
			edit(graph.OpActivationGrad, func(a *graph.ActivationAttr) { a.Fn = 1 - a.Fn })},
		{"skip", graph.OpRope, edit(graph.OpRope, func(a *rope) { a.HeadDim, a.Skip = a.HeadDim-a.Skip, 0 })},
		{"kind", graph.OpNorm, edit(graph.OpNorm, func(a *norm) { a.Kind %= graph.CRMS })},
		{"carry", graph.OpCenter, without(graph.OpCenter, 1)},
		{"first part", graph.OpJoin, without(graph.OpJoin, 0)},
		{"second part", graph.OpJoin, without(graph.OpJoin, 1)},
		{"order of heads and parts", graph.OpSplit, edit(graph.OpSplit, func(a *heads) {
			if !a.Shared {
				a.H, a.A, a.B = 1, a.H*a.A, a.H*a.B
			}
		})},
		{"first row", graph.OpHeadMatMul, edit(graph.OpHeadMatMul, func(a *hmul) { a.From = 0 })},
		{"renormalisation", graph.OpRoute, edit(graph.OpRoute, func(a *route) { a.Renorm = false })},
		{"renormalisation", graph.OpRouteGrad, edit(graph.OpRouteGrad, func(a *route) { a.Renorm = false })},
		{"balance", graph.OpRoute, edit(graph.OpRoute, func(a *route) { a.Balance *= 1.001 })},
		{"balance", graph.OpRouteGrad, edit(graph.OpRouteGrad, func(a *route) { a.Balance *= 1.001 })},
		{"z loss", graph.OpRoute, edit(graph.OpRoute, func(a *route) { a.Z *= 1.001 })},
		{"z loss", graph.OpRouteGrad, edit(graph.OpRouteGrad, func(a *route) { a.Z *= 1.01 })},
		{"gates", graph.OpCombine, without(graph.OpCombine, 1)},
		{"carry", graph.OpCombine, without(graph.OpCombine, 3)},
		{"places", graph.OpCombineGrad, swapOut(graph.OpRoute, 4, 5)},
		{"places", graph.OpGather, swapOut(graph.OpRoute, 4, 5)},
		{"carry", graph.OpExpertMatMul, without(graph.OpExpertMatMul, 3)},
		{"clip of gates", graph.OpAdamW, without(graph.OpAdamW, 5)},
		{"measure", graph.OpProbe, edit(graph.OpProbe, func(a *probe) { a.Measure = 1 - a.Measure })},
	} {
		if a.caught(t, m.kind, faulty{Device: reference.New(), alter: m.alter}) == "" {
			t.Errorf("%s: no case notices a wrong %s", m.kind, m.name)
		}
	}
}

// TestReadingFaultsAreCaught: errors too small for the absolute limits, and bits that do not repeat.
func TestReadingFaultsAreCaught(t *testing.T) {
	c := normCase{kind: graph.RMS, gain: true, rows: 4, heads: 1, width: 32, scale: 1, values: "normal"}.make()
	runs := 0
	for name, read := range map[string]func(device.Arena, int, []float32){
		"a dead gradient": func(a device.Arena, param int, v []float32) {
			if a == device.Grads && param == 0 {
				clear(v)
			}
		},
		"one element": func(a device.Arena, _ int, v []float32) {
			if a == device.Grads {
				v[len(v)-1] *= 1.001
			}
		},
		"a changed parameter": func(a device.Arena, _ int, v []float32) {
			if a == device.Params {
				v[0] *= 1.0000002
			}
		},
		"bits": func(a device.Arena, _ int, v []float32) {
			if a == device.Grads {
				runs++
				v[0] *= 1 + float32(runs)*1.2e-7
			}
		},
	} {
		if r := Run(faulty{Device: reference.New(), read: read, repeat: true}, reference.New(), c); r.OK() {
			t.Errorf("%s passes: %s", name, r)
		}
	}
}

// TestNormRatio: a tensor wholly below the absolute limit is still held by its norm.
func TestNormRatio(t *testing.T) {
	limit := Limit{Abs: 1e-6, Max: 1}
	want := []vector{{"dx", limit, []float64{2e-5, -3e-5, 2e-5}}}
	for _, factor := range []float64{0, 0.4, 2.5} {
		got := []vector{{"dx", limit, []float64{factor * 2e-5, factor * -3e-5, factor * 2e-5}}}
		r := compare(got, want, nil)
		if r.OK() || r.Ratio <= MaxRatio {
			t.Errorf("factor %g passes: %s", factor, r)
		}
	}
	if r := compare(want, want, nil); !r.OK() || r.Ratio != 1 {
		t.Errorf("equal tensors: %s", r)
	}
}

// TestGradCheckCatches: a wrong gradient rule does not pass.
func TestGradCheckCatches(t *testing.T) {
	c := normCase{kind: graph.LN, gain: true, rows: 3, heads: 1, width: 4, scale: 1, values: "normal"}.make()
	if r := GradCheck(reference.New(), c, 0); !r.OK() {
		t.Fatal(r)
	}
	gs, err := c.Build(c.Schema())
	if err != nil {
		t.Fatal(err)
	}
	g := gs[0]
	for _, op := range g.Ops {
		if op.Kind == graph.OpNormGrad {
			a := op.Attr.(graph.NormAttr)
			a.Scale = 1.00001
			op.Attr = a
		}
	}
	ints, floats, err := c.inputs(g, 0, Step{})
	if err != nil {
		t.Fatal(err)
	}
	values := make([][]float64, len(c.Params))
	for i := range values {
		values[i] = make([]float64, g.Schema.Params[i].Len())
		for j := range values[i] {
			values[i][j] = float64(j%7) - 2.5
		}
	}
	if r := GradCheckGraph(reference.New(), g, values, ints, floats, 0); r.OK() {
		t.Errorf("a gradient wrong by 1e-5 passes: %s", r)
	}
}

// TestGradCasesCoverRules: every kind with a gradient rule, and every gradient op, is differenced.
func TestGradCasesCoverRules(t *testing.T) {
	seen := map[graph.Kind]bool{}
	for _, g := range built(t, GradCases()) {
		for _, op := range g.Ops {
			seen[op.Kind] = true
		}
	}
	for _, k := range []graph.Kind{
		graph.OpEmbed, graph.OpEmbedGrad, graph.OpMatMul, graph.OpColSum, graph.OpNorm, graph.OpNormGrad,
		graph.OpRope, graph.OpAttention, graph.OpAttentionGrad, graph.OpSwiGLU, graph.OpSwiGLUGrad,
		graph.OpActivation, graph.OpActivationGrad, graph.OpAdd, graph.OpLMLoss, graph.OpGate,
		graph.OpGateGrad, graph.OpCenter, graph.OpJoin, graph.OpSplit, graph.OpRoute, graph.OpRouteGrad,
		graph.OpGather, graph.OpExpertMatMul, graph.OpCombine, graph.OpCombineGrad,
	} {
		if !seen[k] {
			t.Errorf("no gradient case reaches %s", k)
		}
	}
}
