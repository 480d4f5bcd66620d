package conformance

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// chainCases join ops as models do, so that results take the place of inputs along chains, carries
// run through whole blocks, and graphs take turns on one state.
func chainCases() []Case {
	return []Case{
		elementwise(false), elementwise(true),
		block(1, 5, 4, 2, 1, 2, 6, graph.RMS, false),
		block(2, 3, 8, 4, 2, 4, 5, graph.LN, true), // heads of 2 would be signs, without gradient
	}
}

func chainGradCases() []Case {
	cs := []Case{elementwise(true)}
	for _, c := range chainCases() {
		if len(c.Graphs) == 2 {
			cs = append(cs, c)
		}
	}
	return cs
}

// elementwise is a row of ops each of which may work in place.
func elementwise(train bool) Case {
	size := []int{6, 8}
	return Case{
		Op:   graph.OpAdd,
		Name: fmt.Sprintf("in place train %t", train),
		Params: []Param{
			{Name: "x", Shape: size, Value: normal(1)},
			{Name: "u", Shape: size, Value: normal(1)},
			head(8),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			x, u := feed(b, "x"), feed(b, "u")
			rope := graph.RopeAttr{T: 3, Heads: 2, HeadDim: 4, Theta: 100}
			x = b.Rope("rope", rope, x, nil)
			x = b.Add("double", 2, x, 0, nil)
			x = b.SwiGLU("swiglu", x, u) // in the place of x
			x = b.SwiGLU("again", u, x)  // in the place of x, now the second operand
			x = b.Activation("gelu", graph.GELU, x)
			x = b.Add("residual", 0.5, u, 1.5, x)
			rope.Pairing = graph.Interleaved
			x = b.Rope("back", rope, x, nil)
			if train {
				score(b, x, 0.1)
			} else {
				b.Keep("y", x)
			}
		}},
		Limits: unit,
	}
}

// block is a transformer of two blocks with its update: two micro-batches, a step, and again. It has
// a norm before and after each branch and on q and k, so that carries meet every op.
func block(B, T, D, H, K, hd, F int, kind graph.NormKind, bias bool) Case {
	const V = 7
	c := Case{
		Op:   graph.OpAttention,
		Name: fmt.Sprintf("model B%d T%d D%d H%d K%d F%d %s bias %t", B, T, D, H, K, F, kind, bias),
		Limits: Limits{
			// AdamW divides gradients by their own size, which passes on their relative error.
			Grad: Limit{Abs: 1e-6, Max: 1e-4}, Metric: Limit{Abs: 1e-5, Rel: 1e-4},
			Param: Limit{Abs: 1e-5}, Moment: Limit{Abs: 1e-6, Max: 1e-4},
		},
	}
	param := func(layer int, name string, fill Fill, shape ...int) {
		c.Params = append(c.Params, Param{
			Name: name, Shape: shape, Value: fill, Layer: layer, Decay: len(shape) == 2,
		})
	}
	param(-1, "emb", normal(1), V, D)
	for l := range 2 {
		p := fmt.Sprintf("%d.", l)
		for _, w := range []struct {
			name    string
			out, in int
		}{{"q", H * hd, D}, {"k", K * hd, D}, {"v", K * hd, D}, {"o", D, H * hd},
			{"gate", F, D}, {"up", F, D}, {"down", D, F}} {
			param(l, p+w.name, normal(0.5), w.out, w.in)
			if bias {
				param(l, p+w.name+".b", normal(0.1), w.out)
			}
		}
		for _, n := range []string{"in", "out"} {
			param(l, p+n+".g", around(1, 0.2), D)
		}
		param(l, p+"qk.g", around(1, 0.2), hd)
	}
	accumulate := func(b *graph.Builder) {
		x := b.Embed("emb", graph.EmbedAttr{T: T, Scale: 1}, b.Input("ids", 0, V, B*T), b.Param("emb"), nil, nil)
		for l := range 2 {
			b.Scope(l, fmt.Sprint(l))
			x = writeBlock(b, fmt.Sprintf("%d.", l), bias, kind, x, graph.AttentionAttr{
				B: B, T: T, H: H, K: K, D: hd, DV: hd, Scale: 1 / math.Sqrt(float64(hd)),
			})
			b.Probe(fmt.Sprint("rms.", l), graph.MeasureRMS, x)
		}
		b.Scope(-1, "")
		b.LMLoss("loss", 1/float64(B*T), true, x, b.Param("emb"), nil, b.Input("targets", -1, V, B*T))
		b.Backward()
	}
	c.Graphs = []func(*graph.Builder){accumulate, writeUpdate(adamW, true)}
	for t := range 2 {
		update := updateAt(t+1, 1e-3, 1, adamW)
		update.Graph = 1
		c.Steps = append(c.Steps, Step{}, Step{}, update)
	}
	c.Steps = append(c.Steps, Step{}) // leaves gradients to compare
	return c
}

func writeBlock(b *graph.Builder, p string, bias bool, kind graph.NormKind, x *graph.Tensor,
	a graph.AttentionAttr) *graph.Tensor {
	linear := func(name string, x *graph.Tensor) *graph.Tensor {
		var t *graph.Tensor
		if bias {
			t = b.Param(p + name + ".b")
		}
		return b.MatMul(name, x, b.Param(p+name), t)
	}
	norm := func(site, name string, width int, x *graph.Tensor) *graph.Tensor {
		at := graph.NormAttr{Kind: kind, Width: width, Eps: 1e-5, Scale: 1}
		return b.Norm(site, at, x, b.Param(p+name+".g"), nil)
	}
	rope := graph.RopeAttr{T: a.T, Heads: a.H, HeadDim: a.D, Theta: 100}
	h := norm("attn_in", "in", x.Width(), x)
	q := b.Rope("q.rope", rope, norm("q.norm", "qk", a.D, linear("q", h)), nil)
	rope.Heads = a.K
	k := b.Rope("k.rope", rope, norm("k.norm", "qk", a.D, linear("k", h)), nil)
	o, _ := b.Attention("attention", a, q, k, linear("v", h), false)
	x = b.Add("attn_residual", 1.2, x, 1, linear("o", o))
	f := linear("down", b.SwiGLU("swiglu", linear("gate", x), linear("up", x)))
	return b.Add("ffn_residual", 1, x, 1, norm("out", "out", x.Width(), f))
}
