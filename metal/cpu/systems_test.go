package cpu

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Sizes of the latent attention of lm: heads keep half of their elements without positions, and values
// are shorter than keys.
func (m lm) latentSizes() (nope, rope, value, rank int) {
	hd := m.d / m.heads
	return hd / 2, hd / 2, hd - 3, m.d / 2
}

func (m lm) latentParams(s *graph.Schema, l int) {
	at := fmt.Sprintf("%d.", l)
	nope, rope, value, rank := m.latentSizes()
	s.AddGate(at+"gate", l)
	s.AddParam(at+"qb.w", l, true, m.heads*(nope+rope), m.d)
	s.AddParam(at+"kva.w", l, true, rank+rope, m.d)
	s.AddParam(at+"kvb.w", l, true, m.heads*(nope+value), rank)
	s.AddParam(at+"out.w", l, true, m.d, m.heads*value)
}

func (m lm) expertParams(s *graph.Schema, l int) {
	at := fmt.Sprintf("%d.", l)
	s.AddParam(at+"router.w", l, true, m.experts, m.d)
	for _, n := range []string{"gate.w", "up.w", "down.w"} {
		s.AddParam(at+"moe."+n, l, true, m.experts, m.f, m.d)
	}
}

// latent is attention of the kind of DeepSeek's.
func (m lm) latent(b *graph.Builder, l int, h *graph.Tensor) *graph.Tensor {
	at := fmt.Sprintf("%d.", l)
	nope, rope, value, rank := m.latentSizes()
	d := nope + rope
	turn := graph.RopeAttr{T: m.t, Heads: m.heads, HeadDim: d, Skip: nope, Theta: 1e4, Pairing: graph.Interleaved}
	q := b.Rope(at+"rq", turn, m.linear(b, h, at+"qb"), nil)
	c, kr := b.Split(at+"kv", graph.HeadsAttr{H: 1, A: rank, B: rope}, m.linear(b, h, at+"kva"))
	turn.Heads, turn.HeadDim, turn.Skip = 1, rope, 0
	kr = b.Rope(at+"rk", turn, kr, nil)
	kn, v := b.Split(at+"heads", graph.HeadsAttr{H: m.heads, A: nope, B: value}, m.linear(b, c, at+"kvb"))
	k := b.Join(at+"k", graph.HeadsAttr{H: m.heads, A: nope, B: rope, Shared: true}, kn, kr)
	a := graph.AttentionAttr{B: m.b, T: m.t, H: m.heads, K: m.heads, D: d, DV: value,
		Scale: 1 / math.Sqrt(float64(d))}
	o, _ := b.Attention(at+"attention", a, q, k, v, false)
	return m.linear(b, o, at+"out")
}

// mixture is an FFN of experts.
func (m lm) mixture(b *graph.Builder, l int, h *graph.Tensor) *graph.Tensor {
	at := fmt.Sprintf("%d.", l)
	rows := m.b * m.t
	r := b.Route(at+"route", graph.RouteAttr{R: rows, E: m.experts, K: m.topK, Renorm: m.systems,
		Balance: 0.01 / float64(rows), Z: 1e-3 / float64(rows)}, m.linear(b, h, at+"router"), fmt.Sprint(l))
	choices := graph.ChoicesAttr{R: rows, K: m.topK}
	x := b.Gather(at+"gather", choices, h, r)
	in := func(n string) *graph.Tensor {
		return b.ExpertMatMul(at+n, graph.NT, x, b.Param(at+"moe."+n+".w"), r)
	}
	gate := in("gate")
	y := b.ExpertMatMul(at+"down", graph.NN, b.SwiGLU(at+"swiglu", gate, in("up")), b.Param(at+"moe.down.w"), r)
	return b.Combine(at+"combine", choices, y, r)
}

// dual runs the blocks with a second stream that all branches are added to, a gate on the first.
func (m lm) dual(b *graph.Builder, x *graph.Tensor) *graph.Tensor {
	d := b.Add("dual", 0.5, x, 0, nil)
	for l := range m.layers {
		b.Scope(l, "")
		at := fmt.Sprintf("%d.", l)
		for i, f := range []func(*graph.Builder, int, *graph.Tensor) *graph.Tensor{m.attention, m.ffn} {
			n := fmt.Sprintf("%sn%d", at, i+1)
			y := b.Center(n+".center", f(b, l, x))
			x = m.norm(b, n, m.d, b.Gate(n+".gate", b.Add(n+".sum", 1, x, 1, y), b.Param(at+"gate")), n)
			d = b.Add(n+".dual", 1, d, 0.5, y)
		}
	}
	b.Scope(-1, "")
	a := graph.NormAttr{Kind: graph.CRMS, Width: m.d, Eps: 1e-5, Scale: 1}
	return b.Add("streams", 1, x, 1, b.Norm("last", a, d, nil, nil))
}
