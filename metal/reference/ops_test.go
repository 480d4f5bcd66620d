package reference_test

import (
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
)

// rig is a graph on the oracle with its state.
type rig struct {
	t     *testing.T
	g     *graph.Graph
	state device.State
	prog  device.Program
}

// values are parameters by name, in the order they are declared.
type values []struct {
	name string
	data []float64
	dims []int
}

func newRig(t *testing.T, params values, write func(*graph.Builder)) *rig {
	t.Helper()
	s := &graph.Schema{}
	for _, p := range params {
		s.AddParam(p.name, -1, true, p.dims...)
	}
	g, err := graph.Build("test", s, write)
	if err != nil {
		t.Fatal(err)
	}
	r := onDevice(t, g)
	for i, p := range params {
		if err := r.state.(device.Exact).Write64(device.Params, i, p.data); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// onDevice compiles a graph over a state of its own.
func onDevice(t *testing.T, g *graph.Graph) *rig {
	t.Helper()
	d, r := reference.New(), &rig{t: t, g: g}
	var err error
	if r.state, err = d.NewState(g.Schema); err != nil {
		t.Fatal(err)
	}
	if r.prog, err = d.Compile(g, r.state); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) run(ints []int32, floats ...float32) []float64 {
	r.t.Helper()
	t, err := r.prog.Submit(ints, floats)
	if err != nil {
		r.t.Fatal(err)
	}
	metrics := make([]float64, r.g.MetricLen)
	if err := r.prog.(device.ExactProgram).Wait64(t, metrics); err != nil {
		r.t.Fatal(err)
	}
	return metrics
}

func (r *rig) output(name string) []float64 {
	r.t.Helper()
	v := make([]float64, r.g.Output(name).Len())
	if err := r.prog.(device.ExactProgram).Output64(name, v); err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) read(a device.Arena, param int) []float64 {
	r.t.Helper()
	v := make([]float64, r.g.Schema.Params[param].Len())
	if err := r.state.(device.Exact).Read64(a, param, v); err != nil {
		r.t.Fatal(err)
	}
	return v
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if math.Abs(got[i]-w) > 1e-12*(1+math.Abs(w)) {
			t.Errorf("%s[%d] = %.15g, want %.15g", what, i, got[i], w)
		}
	}
}

// TestFormulas compares ops with results worked out by hand.
func TestFormulas(t *testing.T) {
	x := func(dims []int, data ...float64) values { return values{{"x", data, dims}} }
	sin1, cos1 := math.Sin(1), math.Cos(1)
	for _, c := range []struct {
		name   string
		params values
		write  func(b *graph.Builder) *graph.Tensor
		want   []float64
	}{
		{"rms", x([]int{1, 2}, 3, 4), func(b *graph.Builder) *graph.Tensor {
			return b.Norm("n", graph.NormAttr{Kind: graph.RMS, Width: 2, Eps: 3.5, Scale: 2}, b.Param("x"), nil, nil)
		}, []float64{1.5, 2}}, // mean of squares 12.5, root of 16
		{"ln", x([]int{1, 4}, 1, 3, 11, 13), func(b *graph.Builder) *graph.Tensor {
			at := graph.NormAttr{Kind: graph.LN, Width: 2, Eps: 3, Scale: 1}
			return b.Norm("n", at, b.Param("x"), nil, nil)
		}, []float64{-0.5, 0.5, -0.5, 0.5}}, // two rows, variance 1, root of 4
		{"gelu", x([]int{1, 3}, 0, 1, -1), func(b *graph.Builder) *graph.Tensor {
			return b.Activation("a", graph.GELU, b.Param("x"))
		}, []float64{0, 0.841344746068543, -0.158655253931457}}, // normal distribution at 1
		{"swiglu", x([]int{1, 2}, 1, -1), func(b *graph.Builder) *graph.Tensor {
			return b.SwiGLU("a", b.Param("x"), b.Param("x"))
		}, []float64{0.731058578630005, 0.268941421369995}}, // logistic function at 1 and -1
		{"rope halves", x([]int{2, 4}, 9, 9, 9, 9, 1, 0, 0, 1), func(b *graph.Builder) *graph.Tensor {
			return b.Rope("r", graph.RopeAttr{T: 2, Heads: 1, HeadDim: 4, Theta: 1}, b.Param("x"), nil)
		}, []float64{9, 9, 9, 9, cos1, -sin1, sin1, cos1}},
		{"rope interleaved", x([]int{2, 2}, 9, 9, 1, 0), func(b *graph.Builder) *graph.Tensor {
			at := graph.RopeAttr{T: 2, Heads: 1, HeadDim: 2, Theta: 1e4, Pairing: graph.Interleaved}
			return b.Rope("r", at, b.Param("x"), nil)
		}, []float64{9, 9, cos1, sin1}},
		{"attention", x([]int{2, 1}, 1, math.Log(3)), func(b *graph.Builder) *graph.Tensor {
			// Token 1 weighs keys 1 and log 3 by its query log 3 and the scale: 3^s and 3^(s log 3).
			a := graph.AttentionAttr{B: 1, T: 2, H: 1, K: 1, D: 1, DV: 1, Scale: 1 / (math.Log(3) - 1)}
			o, _ := b.Attention("a", a, b.Param("x"), b.Param("x"), b.Param("x"), false)
			return o
		}, []float64{1, (1 + 3*math.Log(3)) / 4}}, // weights 1/4 and 3/4
		{"add", x([]int{1, 2}, 1, 2), func(b *graph.Builder) *graph.Tensor {
			return b.Add("a", 2, b.Param("x"), -3, b.Param("x"))
		}, []float64{-1, -2}},
		{"NT", x([]int{2, 2}, 1, 2, 3, 4), func(b *graph.Builder) *graph.Tensor {
			return b.MatMul("m", b.Param("x"), b.Param("x"), nil)
		}, []float64{5, 11, 11, 25}},
		{"NN", x([]int{2, 2}, 1, 2, 3, 4), func(b *graph.Builder) *graph.Tensor {
			a := graph.MatMulAttr{Layout: graph.NN, M: 2, N: 2, K: 2}
			return b.MatMulOf("m", a, b.Param("x"), b.Param("x"), nil, b.Param("x"))
		}, []float64{8, 12, 18, 26}},
		{"TN", x([]int{2, 2}, 1, 2, 3, 4), func(b *graph.Builder) *graph.Tensor {
			a := graph.MatMulAttr{Layout: graph.TN, M: 2, N: 2, K: 2}
			return b.MatMulOf("m", a, b.Param("x"), b.Param("x"), nil, nil)
		}, []float64{10, 14, 14, 20}},
	} {
		r := newRig(t, c.params, func(b *graph.Builder) { b.Keep("y", c.write(b)) })
		r.run(nil)
		near(t, c.name, r.output("y"), c.want)
	}
}

// TestLoss: equal logits cost log V each, ignored rows nothing; dz is the softmax less the target.
func TestLoss(t *testing.T) {
	r := newRig(t, values{
		{"x", []float64{1, 2, 3}, []int{3, 1}},
		{"w", []float64{0, 0}, []int{2, 1}},
		{"bias", []float64{0, math.Log(3)}, []int{2}},
	}, func(b *graph.Builder) {
		x := b.Embed("e", graph.EmbedAttr{T: 3, Scale: 1}, b.Input("ids", 0, 3, 3), b.Param("x"), nil, nil)
		b.LMLoss("loss", 0.5, true, x, b.Param("w"), b.Param("bias"), b.Input("targets", -1, 2, 3))
		b.Backward()
	})
	// Softmax is 1/4, 3/4 in every row; row 2 is ignored.
	near(t, "loss", r.run([]int32{0, 1, 2, 0, 1, -1}), []float64{0.5 * (math.Log(4) + math.Log(4./3))})
	near(t, "d.bias", r.read(device.Grads, 2), []float64{0.5 * (0.25 - 0.75), 0.5 * (0.75 - 0.25)})
	near(t, "d.w", r.read(device.Grads, 1), []float64{0.5 * (-0.75*1 + 0.25*2), 0.5 * (0.75*1 - 0.25*2)})
	near(t, "d.x", r.read(device.Grads, 0), []float64{0, 0, 0})
}

// TestAdamW: one step from zero moments, gradient (3, 4) clipped to norm 1.
func TestAdamW(t *testing.T) {
	at := graph.AdamWAttr{Beta1: 0.75, Beta2: 0.5, WeightDecay: 0.5}
	r := newRig(t, values{{"w", []float64{1, -1}, []int{1, 2}}}, func(b *graph.Builder) {
		lr, bias1, bias2 := b.Scalar("lr"), b.Scalar("bias1"), b.Scalar("bias2")
		clip, nonfinite, _ := b.GradNorms(b.Scalar("max_norm"), nil)
		b.AdamW(at, lr, bias1, bias2, clip, nonfinite, nil)
		b.Clear()
	})
	if err := r.state.Write(device.Grads, 0, []float32{3, -4}); err != nil {
		t.Fatal(err)
	}
	clip := 1 / (5 + 1e-6)
	near(t, "metrics", r.run(nil, 0.25, 0.25, 0.5, 1),
		[]float64{clip, 0, 5, 5, 5}) // clip, nonfinite, total, outside the blocks, parameter
	// Corrected moments of a first step are the gradient and its square: a step of lr*sign.
	near(t, "w", r.read(device.Params, 0), []float64{0.875 - 0.25, -0.875 + 0.25})
	near(t, "m", r.read(device.Moment1, 0), []float64{0.75 * clip, -clip})
	near(t, "v", r.read(device.Moment2, 0), []float64{4.5 * clip * clip, 8 * clip * clip})
	near(t, "g", r.read(device.Grads, 0), []float64{0, 0})
}

// TestSharedHeads: grouped-query attention equals full attention whose key/value heads are repeated.
func TestSharedHeads(t *testing.T) {
	const T, H, D = 5, 4, 2
	q, kv := make([]float64, T*H*D), make([]float64, T*2*D)
	for i := range q {
		q[i] = math.Sin(float64(i))
	}
	for i := range kv {
		kv[i] = math.Cos(float64(2 * i))
	}
	var repeated []float64
	for at := 0; at < len(kv); at += D {
		repeated = append(append(repeated, kv[at:at+D]...), kv[at:at+D]...)
	}
	attend := func(K int, kv []float64) []float64 {
		r := newRig(t, values{{"q", q, []int{T, H * D}}, {"kv", kv, []int{T, K * D}}}, func(b *graph.Builder) {
			a := graph.AttentionAttr{B: 1, T: T, H: H, K: K, D: D, DV: D, Scale: 0.7}
			o, _ := b.Attention("a", a, b.Param("q"), b.Param("kv"), b.Param("kv"), false)
			b.Keep("o", o)
		})
		r.run(nil)
		return r.output("o")
	}
	near(t, "o", attend(2, kv), attend(4, repeated))
}
