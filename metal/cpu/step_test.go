package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
)

// lm is a small language model written by hand, so that the tests of the device need no other floor.
type lm struct {
	layers, d, heads, kv, f, v, b, t int
	kind                             graph.NormKind
	gelu                             bool // GELU with biases and learned positions, else SwiGLU and RoPE

	experts, topK int  // experts of width f in place of the FFN
	systems       bool // latent attention, a gate on the stream, a dual stream
}

func (m lm) schema() *graph.Schema {
	s := &graph.Schema{}
	kd := m.d / m.heads * m.kv
	s.AddParam("emb", -1, false, m.v, m.d)
	if m.gelu {
		s.AddParam("pos", -1, false, m.t, m.d)
	}
	linear := func(l int, name string, out, in int) {
		s.AddParam(name+".w", l, true, out, in)
		if m.gelu {
			s.AddParam(name+".b", l, false, out)
		}
	}
	for l := range m.layers {
		at := fmt.Sprintf("%d.", l)
		for _, n := range []string{"n1", "n2", "qn"} {
			w := m.d
			if n == "qn" {
				w = m.d / m.heads
			}
			s.AddParam(at+n+".g", l, true, w)
			s.AddParam(at+n+".b", l, false, w)
		}
		if m.systems {
			m.latentParams(s, l)
		} else {
			linear(l, at+"q", m.d, m.d)
			linear(l, at+"k", kd, m.d)
			linear(l, at+"v", kd, m.d)
			linear(l, at+"o", m.d, m.d)
		}
		if m.experts > 0 {
			m.expertParams(s, l)
			continue
		}
		linear(l, at+"up", m.f, m.d)
		if !m.gelu {
			linear(l, at+"gate", m.f, m.d)
		}
		linear(l, at+"down", m.d, m.f)
	}
	s.AddParam("norm.g", -1, true, m.d)
	s.AddParam("norm.b", -1, false, m.d)
	s.AddParam("head.w", -1, true, m.v, m.d)
	return s
}

func (m lm) norm(b *graph.Builder, site string, width int, x *graph.Tensor, name string) *graph.Tensor {
	a := graph.NormAttr{Kind: m.kind, Width: width, Eps: 1e-5, Scale: 1}
	var bias *graph.Tensor
	if m.kind == graph.LN {
		bias = b.Param(name + ".b")
	}
	return b.Norm(site, a, x, b.Param(name+".g"), bias)
}

func (m lm) linear(b *graph.Builder, x *graph.Tensor, name string) *graph.Tensor {
	var bias *graph.Tensor
	if m.gelu {
		bias = b.Param(name + ".b")
	}
	return b.MatMul(name, x, b.Param(name+".w"), bias)
}

func (m lm) block(b *graph.Builder, l int, x *graph.Tensor) *graph.Tensor {
	at := fmt.Sprintf("%d.", l)
	x = b.Add(at+"res1", 1.25, x, 1, m.attention(b, l, m.norm(b, at+"n1", m.d, x, at+"n1")))
	x = b.Add(at+"res2", 1, x, 1, m.ffn(b, l, m.norm(b, at+"n2", m.d, x, at+"n2")))
	b.Probe(fmt.Sprintf("rms.%d", l), graph.MeasureRMS, x)
	return x
}

func (m lm) attention(b *graph.Builder, l int, h *graph.Tensor) *graph.Tensor {
	if m.systems {
		return m.latent(b, l, h)
	}
	at := fmt.Sprintf("%d.", l)
	hd := m.d / m.heads
	q, k, v := m.linear(b, h, at+"q"), m.linear(b, h, at+"k"), m.linear(b, h, at+"v")
	q = m.norm(b, at+"qn", hd, q, at+"qn")
	if !m.gelu {
		rope := graph.RopeAttr{T: m.t, Heads: m.heads, HeadDim: hd, Theta: 1e4}
		q = b.Rope(at+"rq", rope, q, nil)
		rope.Heads = m.kv
		k = b.Rope(at+"rk", rope, k, nil)
	}
	a := graph.AttentionAttr{B: m.b, T: m.t, H: m.heads, K: m.kv, D: hd, DV: hd,
		Scale: 1 / math.Sqrt(float64(hd))}
	o, top := b.Attention(at+"attention", a, q, k, v, true)
	b.Probe(fmt.Sprintf("top.%d", l), graph.MeasureMax, top)
	return m.linear(b, o, at+"o")
}

func (m lm) ffn(b *graph.Builder, l int, h *graph.Tensor) *graph.Tensor {
	if m.experts > 0 {
		return m.mixture(b, l, h)
	}
	at := fmt.Sprintf("%d.", l)
	up := m.linear(b, h, at+"up")
	if m.gelu {
		up = b.Activation(at+"gelu", graph.GELU, up)
	} else {
		up = b.SwiGLU(at+"swiglu", m.linear(b, h, at+"gate"), up)
	}
	return m.linear(b, up, at+"down")
}

// forward writes the whole model and its loss.
func (m lm) forward(b *graph.Builder, train bool) {
	ids := b.Input("ids", 0, int32(m.v), m.b*m.t)
	targets := b.Input("targets", -1, int32(m.v), m.b*m.t)
	var pos *graph.Tensor
	if m.gelu {
		pos = b.Param("pos")
	}
	x := b.Embed("embed", graph.EmbedAttr{T: m.t, Scale: 1.5}, ids, b.Param("emb"), pos, nil)
	if m.systems {
		x = m.dual(b, x)
	} else {
		for l := range m.layers {
			b.Scope(l, "")
			x = m.block(b, l, x)
		}
	}
	b.Scope(-1, "")
	x = m.norm(b, "norm", m.d, x, "norm")
	b.LMLoss("loss", 1/float64(m.b*m.t), train, x, b.Param("head.w"), nil, targets)
	if train {
		b.Backward()
	}
}

// job is a model on a device: both training programs and the state.
type job struct {
	m                  lm
	dev                device.Device
	st                 device.State
	accumulate, update device.Program
	accMetrics         []float32
	upMetrics          []float32
	acc, up            *graph.Graph
}

func newJob(tb testing.TB, dev device.Device, m lm) *job {
	tb.Helper()
	s := m.schema()
	j := &job{m: m, dev: dev}
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	var err error
	j.acc, err = graph.Build("accumulate", s, func(b *graph.Builder) { m.forward(b, true) })
	must(err)
	j.up, err = graph.Build("update", s, func(b *graph.Builder) {
		var maxGate *graph.Tensor
		maxNorm := b.Scalar("max_norm")
		if s.Gates() {
			maxGate = maxNorm
		}
		clip, bad, clipGate := b.GradNorms(maxNorm, maxGate)
		// A large eps, since key biases have zero gradients, whose rounding noise AdamW would blow up.
		b.AdamW(graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-3, WeightDecay: 0.1}, b.Scalar("lr"),
			b.Scalar("bias1"), b.Scalar("bias2"), clip, bad, clipGate)
		b.Clear()
	})
	must(err)
	j.st, err = dev.NewState(s)
	must(err)
	j.accumulate, err = dev.Compile(j.acc, j.st)
	must(err)
	j.update, err = dev.Compile(j.up, j.st)
	must(err)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range s.Params {
		p := make([]float32, s.Params[i].Len())
		for k := range p {
			p[k] = float32(r.NormFloat64() * 0.1)
			if s.Params[i].Name[len(s.Params[i].Name)-1] == 'g' {
				p[k]++
			}
		}
		must(j.st.Write(device.Params, i, p))
	}
	j.accMetrics, j.upMetrics = make([]float32, j.acc.MetricLen), make([]float32, j.up.MetricLen)
	return j
}

// batch is a batch of made-up tokens; every fifth target is ignored.
func (m lm) batch(seed uint64) []int32 {
	r := rand.New(rand.NewPCG(seed, 1))
	n := m.b * m.t
	ints := make([]int32, 2*n)
	for i := range n {
		ints[i], ints[n+i] = r.Int32N(int32(m.v)), r.Int32N(int32(m.v))
		if i%5 == 4 {
			ints[n+i] = -1
		}
	}
	return ints
}

func (j *job) run(tb testing.TB, p device.Program, ints []int32, floats, metrics []float32) {
	t, err := p.Submit(ints, floats)
	if err == nil {
		err = p.Wait(t, metrics)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// step accumulates two micro-batches and updates.
func (j *job) step(tb testing.TB, n int) {
	t := float64(n + 1)
	for micro := range 2 {
		j.run(tb, j.accumulate, j.m.batch(uint64(2*n+micro)), nil, j.accMetrics)
	}
	j.run(tb, j.update, nil, []float32{1, 1e-2, float32(1 - math.Pow(0.9, t)),
		float32(1 - math.Pow(0.95, t))}, j.upMetrics)
}

func (j *job) arena(tb testing.TB, a device.Arena) [][]float32 {
	var all [][]float32
	for i := range j.acc.Schema.Params {
		p := make([]float32, j.acc.Schema.Params[i].Len())
		if err := j.st.Read(a, i, p); err != nil {
			tb.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

var small = []lm{
	{layers: 2, d: 24, heads: 3, kv: 1, f: 40, v: 37, b: 2, t: 19},
	{layers: 2, d: 32, heads: 4, kv: 2, f: 56, v: 130, b: 3, t: 70, kind: graph.LN, gelu: true},
	{layers: 1, d: 16, heads: 2, kv: 2, f: 24, v: 50, b: 1, t: 300},
	{layers: 2, d: 24, heads: 3, kv: 3, f: 20, v: 37, b: 2, t: 19, experts: 6, topK: 2, systems: true},
}

func newCPU(tb testing.TB, o Options) *Device {
	d, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { d.Close() })
	return d
}

// TestStepAgainstReference trains the same model on both devices: gradients of the first step, then
// losses and norms of five steps, must agree.
func TestStepAgainstReference(t *testing.T) {
	for _, m := range small {
		if share > 1 && m.t > 100 {
			continue // the reference is slow under the race detector
		}
		for _, pure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+v/%v", m, pure), func(t *testing.T) {
				got := newJob(t, newCPU(t, Options{Threads: 2, Pure: pure}), m)
				want := newJob(t, reference.New(), m)
				for _, j := range []*job{got, want} {
					j.run(t, j.accumulate, m.batch(99), nil, j.accMetrics)
				}
				compareGrads(t, got, want)
				for n := range 5 {
					got.step(t, n)
					want.step(t, n)
					compareMetrics(t, got.accMetrics, want.accMetrics, 1e-4)
					compareMetrics(t, got.upMetrics, want.upMetrics, 2e-3)
				}
			})
		}
	}
}

func compareGrads(t *testing.T, got, want *job) {
	t.Helper()
	a, b := got.arena(t, device.Grads), want.arena(t, device.Grads)
	var total float64
	for _, p := range b {
		for _, v := range p {
			total += float64(v) * float64(v)
		}
	}
	for i := range a {
		var diff, size float64
		for k := range a[i] {
			d := float64(a[i][k]) - float64(b[i][k])
			diff += d * d
			size += float64(b[i][k]) * float64(b[i][k])
		}
		limit := 1e-5 * (math.Sqrt(size) + 1e-3*math.Sqrt(total))
		if !(math.Sqrt(diff) <= limit) {
			t.Errorf("gradient of %s is off by %.3g, limit %.3g", got.acc.Schema.Params[i].Name,
				math.Sqrt(diff), limit)
		}
	}
}

func compareMetrics(t *testing.T, got, want []float32, rel float64) {
	t.Helper()
	for i := range got {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= rel*(math.Abs(float64(want[i]))+1e-2)) {
			t.Fatalf("metric %d is %v, the reference has %v", i, got[i], want[i])
		}
	}
}

// TestSameBitsAtAnyThreadCount trains a few steps at 1, 2 and 3 threads.
func TestSameBitsAtAnyThreadCount(t *testing.T) {
	models := append([]lm{
		{layers: 1, d: 128, heads: 2, kv: 1, f: 192, v: 2000, b: 2, t: 257},
		{layers: 1, d: 128, heads: 4, kv: 4, f: 80, v: 200, b: 2, t: 257, experts: 9, topK: 4, systems: true},
	}, small...)
	for _, m := range models {
		for _, pure := range []bool{false, true} {
			if pure && m.d > 64 {
				continue
			}
			var want [][]float32
			for threads := 1; threads <= 3; threads++ {
				j := newJob(t, newCPU(t, Options{Threads: threads, Pure: pure}), m)
				for n := range 2 {
					j.step(t, n)
				}
				got := append(j.arena(t, device.Params), j.accMetrics, j.upMetrics)
				if want == nil {
					want = got
				}
				for i := range want {
					for k := range want[i] {
						if math.Float32bits(got[i][k]) != math.Float32bits(want[i][k]) {
							t.Fatalf("%+v pure %v: tensor %d differs at %d threads", m, pure, i, threads)
						}
					}
				}
			}
		}
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	for _, m := range small {
		j := newJob(t, newCPU(t, Options{Threads: 2}), m)
		ints, floats := m.batch(1), []float32{1, 1e-3, 0.1, 0.1}
		n := testing.AllocsPerRun(10, func() {
			j.run(t, j.accumulate, ints, nil, j.accMetrics)
			j.run(t, j.update, nil, floats, j.upMetrics)
		})
		if n != 0 {
			t.Errorf("%+v: a step allocates %v times", m, n)
		}
	}
}
