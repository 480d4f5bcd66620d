package reference_test

import (
	"math"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// TestSystemsByHand: small results of the ops of GPAS, CRMSNorm, MLA and experts, worked out on paper.
func TestSystemsByHand(t *testing.T) {
	x := func(dims []int, data ...float64) values { return values{{"x", data, dims}} }
	g := math.Log(3) // sigmoid 3/4
	for _, c := range []struct {
		name   string
		params values
		write  func(b *graph.Builder) *graph.Tensor
		want   []float64
	}{
		{"gate", values{{"x", []float64{4, -8}, []int{1, 2}}, {"g", []float64{g}, []int{1}}},
			func(b *graph.Builder) *graph.Tensor { return b.Gate("g", b.Param("x"), b.Param("g")) },
			[]float64{4 - 3*g, -8 + 6*g}},
		{"center", x([]int{2, 2}, 1, 3, -5, 5), func(b *graph.Builder) *graph.Tensor {
			return b.Center("c", b.Param("x"))
		}, []float64{-1, 1, -5, 5}},
		{"crms", x([]int{1, 2}, 1, 2), func(b *graph.Builder) *graph.Tensor {
			at := graph.NormAttr{Kind: graph.CRMS, Width: 2, Scale: 1, Eps: 1.0 / 3} // (1+4+9)/3 + 1/3 = 5
			return b.Norm("n", at, b.Param("x"), nil, nil)
		}, []float64{1 / math.Sqrt(5), 2 / math.Sqrt(5)}},
		{"relu", x([]int{1, 3}, -1, 0, 2), func(b *graph.Builder) *graph.Tensor {
			return b.Activation("a", graph.ReLU, b.Param("x"))
		}, []float64{0, 0, 2}},
		{"rope skip", x([]int{2, 3}, 9, 9, 9, 7, 1, 0), func(b *graph.Builder) *graph.Tensor {
			at := graph.RopeAttr{T: 2, Heads: 1, HeadDim: 3, Skip: 1, Theta: 1e4}
			return b.Rope("r", at, b.Param("x"), nil)
		}, []float64{9, 9, 9, 7, math.Cos(1), math.Sin(1)}},
		{"join", x([]int{1, 4}, 1, 2, 3, 4), func(b *graph.Builder) *graph.Tensor {
			return b.Join("j", graph.HeadsAttr{H: 2, A: 2, B: 2}, b.Param("x"), b.Param("x"))
		}, []float64{1, 2, 1, 2, 3, 4, 3, 4}},
		{"join shared", x([]int{1, 2}, 1, 2), func(b *graph.Builder) *graph.Tensor {
			return b.Join("j", graph.HeadsAttr{H: 2, A: 1, B: 2, Shared: true}, b.Param("x"), b.Param("x"))
		}, []float64{1, 1, 2, 2, 1, 2}},
		{"split shared", x([]int{1, 6}, 1, 2, 3, 4, 5, 6), func(b *graph.Builder) *graph.Tensor {
			_, y := b.Split("s", graph.HeadsAttr{H: 2, A: 1, B: 2, Shared: true}, b.Param("x"))
			return y
		}, []float64{7, 9}},
		{"heads NN", values{
			{"x", []float64{1, 2}, []int{1, 2}}, {"w", []float64{9, 9, 3, 4, 9, 9, 5, 6}, []int{4, 2}},
		}, func(b *graph.Builder) *graph.Tensor {
			a := graph.HeadMatMulAttr{Layout: graph.NN, H: 2, N: 2, K: 1, Stride: 2, From: 1}
			return b.HeadMatMul("p", a, b.Param("x"), b.Param("w"))
		}, []float64{3, 4, 10, 12}},
		{"heads NT", values{
			{"x", []float64{1, 2, 3, 4}, []int{1, 4}}, {"w", []float64{3, 4, 9, 9, 5, 6, 9, 9}, []int{4, 2}},
		}, func(b *graph.Builder) *graph.Tensor {
			a := graph.HeadMatMulAttr{Layout: graph.NT, H: 2, N: 1, K: 2, Stride: 2}
			return b.HeadMatMul("p", a, b.Param("x"), b.Param("w"))
		}, []float64{11, 39}},
	} {
		r := newRig(t, c.params, func(b *graph.Builder) { b.Keep("y", c.write(b)) })
		r.run(nil)
		near(t, c.name, r.output("y"), c.want)
	}
}

// TestRouteByHand: three tokens, two of three experts each; token 1 has a tie below its first choice and
// token 2 nothing but ties. Expert 0 gets the choices 1, 3 and 4, expert 1 gets 2 and 5, expert 2 gets 0.
func TestRouteByHand(t *testing.T) {
	l := math.Log
	r := newRig(t, values{
		{"logits", []float64{l(3), l(1), l(4), l(1), l(6), l(1), 0, 0, 0}, []int{3, 3}},
		{"x", []float64{1, 10, 100}, []int{3, 1}},
		{"w", []float64{1, 2, 3}, []int{3, 1, 1}},
	}, func(b *graph.Builder) {
		a := graph.RouteAttr{R: 3, E: 3, K: 2, Balance: 2, Z: 0.5}
		r := b.Route("r", a, b.Param("logits"), "0")
		b.Keep("gates", r.Gates)
		c := graph.ChoicesAttr{R: 3, K: 2}
		rows := b.Gather("g", c, b.Param("x"), r)
		y := b.ExpertMatMul("m", graph.NT, rows, b.Param("w"), r)
		b.Keep("out", b.Combine("c", c, y, r))
		b.Keep("rows", rows)
	})
	metrics := r.run(nil)
	near(t, "gates", r.output("gates"), []float64{1. / 2, 3. / 8, 6. / 8, 1. / 8, 1. / 3, 1. / 3})
	near(t, "rows", r.output("rows"), []float64{1, 10, 100, 10, 100, 1})
	near(t, "out", r.output("out"), []float64{3./2 + 3./8, 10 * (2*6./8 + 1./8), 100 * (1 + 2) / 3.})
	means := []float64{(3./8 + 1./8 + 1./3) / 3, (1./8 + 6./8 + 1./3) / 3, (4./8 + 1./8 + 1./3) / 3}
	entropy := 0.0
	for _, p := range []float64{3. / 8, 1. / 8, 4. / 8, 1. / 8, 6. / 8, 1. / 8, 1. / 3, 1. / 3, 1. / 3} {
		entropy -= p * l(p) / 3
	}
	near(t, "metrics", metrics, []float64{
		3, 2, 1, // load
		2 * (3*means[0] + 2*means[1] + 1*means[2]), 0.5 * (2*l(8)*l(8) + l(3)*l(3)), entropy, 3. / 6,
	})
}

// TestGateStopsGradient: what reaches the input of a gate is the gradient of its output, to the bit,
// whatever the gate is; a graph without the gate that starts from the gate's output tells it.
func TestGateStopsGradient(t *testing.T) {
	write := func(gate bool) func(*graph.Builder) {
		return func(b *graph.Builder) {
			y := b.Embed("e", graph.EmbedAttr{T: 3, Scale: 1}, b.Input("ids", 0, 3, 3), b.Param("x"), nil, nil)
			if gate {
				y = b.Gate("gate", y, b.Param("g"))
				b.Keep("y", y)
			}
			b.LMLoss("loss", 1, true, y, b.Param("w"), nil, b.Input("targets", -1, 3, 3))
			b.Backward()
		}
	}
	ints := []int32{0, 1, 2, 2, 0, 1}
	for _, g := range []float64{0, 0.7, -3, 40} {
		ps := values{
			{"x", []float64{1, -2, 0.5, 3, -1, 2}, []int{3, 2}},
			{"w", []float64{0.3, -0.2, 0.5, 0.1, -0.4, 0.6}, []int{3, 2}},
			{"g", []float64{g}, []int{1}},
		}
		gated := newRig(t, ps, write(true))
		loss := gated.run(ints)
		ps[0].data = gated.output("y")
		plain := newRig(t, ps, write(false))
		if got := plain.run(ints); got[0] != loss[0] {
			t.Fatalf("g %g: the losses are %g and %g", g, loss[0], got[0])
		}
		dx, dy := gated.read(device.Grads, 0), plain.read(device.Grads, 0)
		if !slices.Equal(dx, dy) {
			t.Errorf("g %g: the input's gradient is %v, the output's %v", g, dx, dy)
		}
		s := 1 / (1 + math.Exp(-g))
		dot := 0.0
		for i, v := range []float64{1, -2, 0.5, 3, -1, 2} {
			dot += v * dy[i]
		}
		near(t, "dg", gated.read(device.Grads, 2), []float64{-(s + g*s*(1-s)) * dot})
	}
}

// TestCRMSIsRMS: CRMSNorm is the RMSNorm of the centred row, less its last element.
func TestCRMSIsRMS(t *testing.T) {
	short := []float64{1, -2, 4, 0.5, 0.25, 7}
	var long []float64
	for i := 0; i < len(short); i += 3 {
		long = append(append(long, short[i:i+3]...), -(short[i] + short[i+1] + short[i+2]))
	}
	norm := func(kind graph.NormKind, n int, data []float64) []float64 {
		r := newRig(t, values{{"x", data, []int{2, n}}}, func(b *graph.Builder) {
			b.Keep("y", b.Norm("n", graph.NormAttr{Kind: kind, Width: n, Eps: 1e-3, Scale: 0.5}, b.Param("x"), nil, nil))
		})
		r.run(nil)
		return r.output("y")
	}
	want := norm(graph.RMS, 4, long)
	near(t, "y", norm(graph.CRMS, 3, short), append(want[0:3:3], want[4:7]...))
}

// TestGateClip: gradients 3 and 4 outside, a gate's 12; clipped to 6.5 of 13 leaves the gate 6, which its
// own clip brings to 1.5.
func TestGateClip(t *testing.T) {
	s := &graph.Schema{}
	s.AddParam("w", 0, false, 2)
	s.AddGate("g", 0)
	g, err := graph.Build("test", s, func(b *graph.Builder) {
		one := b.Scalar("one")
		clip, nonfinite, clipGate := b.GradNorms(b.Scalar("max_norm"), b.Scalar("max_gate"))
		b.AdamW(graph.AdamWAttr{Beta1: 0.5, Beta2: 0.5, Eps: 1e-8}, one, one, one, clip, nonfinite, clipGate)
	})
	if err != nil {
		t.Fatal(err)
	}
	r := onDevice(t, g)
	if err := r.state.Write(device.Grads, 0, []float32{3, -4}); err != nil {
		t.Fatal(err)
	}
	if err := r.state.Write(device.Grads, 1, []float32{12}); err != nil {
		t.Fatal(err)
	}
	clip := 6.5 / (13 + 1e-6)
	clipGate := clip * 1.5 / (clip*12 + 1e-6)
	near(t, "metrics", r.run(nil, 1, 6.5, 1.5), []float64{clipGate, clip, 0, 0, 13, 13, 0, 5, 12})
	near(t, "m of w", r.read(device.Moment1, 0), []float64{1.5 * clip, -2 * clip})
	near(t, "m of the gate", r.read(device.Moment1, 1), []float64{6 * clipGate})
}

// TestLatentCache: values that are the start of the keys give what a value cache of them gives.
func TestLatentCache(t *testing.T) {
	const T, H, D, DV = 4, 2, 3, 2
	wave := func(n int, f float64) (v []float64) {
		for i := range n {
			v = append(v, math.Sin(f*float64(i)))
		}
		return v
	}
	q, k := wave(T*H*D, 1), wave(T*D, 2)
	var v []float64
	for i := 0; i < len(k); i += D {
		v = append(v, k[i:i+DV]...)
	}
	attend := func(latent bool) []float64 {
		s := &graph.Schema{}
		s.AddParam("q", -1, false, T, H*D)
		s.AddParam("k", -1, false, T, D)
		s.AddParam("v", -1, false, T, DV)
		s.AddCache("k", 1, T, D)
		s.AddCache("v", 1, T, DV)
		g, err := graph.Build("test", s, func(b *graph.Builder) {
			a := graph.AttentionAttr{B: 1, T: T, H: H, K: 1, D: D, DV: DV, Scale: 0.7, S: T, Latent: latent}
			value, cache := b.Param("v"), b.Cache(1)
			if latent {
				value, cache = nil, nil
			}
			pos := b.Input("pos", 0, 1, 1)
			b.Keep("o", b.AttentionCached("a", a, b.Param("q"), b.Param("k"), value, b.Cache(0), cache, pos))
		})
		if err != nil {
			t.Fatal(err)
		}
		r := onDevice(t, g)
		for i, data := range [][]float64{q, k, v} {
			if err := r.state.(device.Exact).Write64(device.Params, i, data); err != nil {
				t.Fatal(err)
			}
		}
		r.run([]int32{0})
		return r.output("o")
	}
	near(t, "o", attend(true), attend(false))
}
