package model

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// MLA is multi-head latent attention (DeepSeek-V2 2405.04434): keys and values are made from a latent
// row that all heads share, and positions enter through a part of their own.
type MLA struct {
	QLora  int // width of the latent queries; 0: queries straight from the stream
	KVLora int // width of the latent keys and values
	Nope   int // head size of queries and keys without positions
	Rope   int // head size of their part with positions, whose key all heads share
	V      int // head size of values
}

// latentEps is the eps of the norms of the latents, whatever that of the variant.
const latentEps = 1e-6

// headSites are the norms that MLA leaves out: the latent norms take their part.
var headSites = SitesOf(Q, K, V, C)

func (m *MLA) validate() error {
	for _, c := range []struct {
		name  string
		v     int
		least int
	}{
		{"mla_q_lora", m.QLora, 0}, {"mla_kv_lora", m.KVLora, 1}, {"mla_nope", m.Nope, 1},
		{"mla_rope", m.Rope, 2}, {"mla_v", m.V, 1},
	} {
		if c.v < c.least {
			return fmt.Errorf("%s is %d; it must be at least %d", c.name, c.v, c.least)
		}
	}
	if m.Rope%2 != 0 {
		return fmt.Errorf("mla_rope is %d; rotary positions need an even number", m.Rope)
	}
	return nil
}

// latentNorm is the norm of a latent row, always an RMSNorm with a gain.
func (w *writer) latentNorm(i int, name string, x *graph.Tensor) *graph.Tensor {
	attr := graph.NormAttr{Kind: graph.RMS, Width: x.Width(), Eps: latentEps, Scale: 1}
	return w.Norm(name, attr, x, w.Param(fmt.Sprintf("blocks.%d.%s.g", i, name)), nil)
}

// project is a linear layer of MLA, which has no bias.
func (w *writer) project(i int, name string, x *graph.Tensor) *graph.Tensor {
	return w.MatMul(name, x, w.Param(fmt.Sprintf("blocks.%d.%s.w", i, name)), nil)
}

// rotate turns the part of each head after skip elements by its position.
func (w *writer) rotate(name string, x *graph.Tensor, heads, headDim, skip int) *graph.Tensor {
	if !w.s.Rope {
		return x
	}
	return w.Rope(name, graph.RopeAttr{
		T: w.T, Heads: heads, HeadDim: headDim, Skip: skip, Theta: w.s.Theta, Pairing: w.s.Pairing,
	}, x, w.pos)
}

// latent is the attention branch under MLA.
func (w *writer) latent(i int, h *graph.Tensor) *graph.Tensor {
	s, m := w.s, w.s.MLA
	d := m.Nope + m.Rope
	q := h
	if m.QLora > 0 {
		q = w.latentNorm(i, "qlat", w.project(i, "qa", h))
	}
	q = w.rotate("q.rope", w.project(i, "qb", q), s.H, d, m.Nope)
	c, kr := w.Split("kv", graph.HeadsAttr{H: 1, A: m.KVLora, B: m.Rope}, w.project(i, "kva", h))
	c = w.latentNorm(i, "kvlat", c)
	kr = w.rotate("k.rope", kr, 1, m.Rope, 0)
	attr := graph.AttentionAttr{
		B: w.B, T: w.T, H: s.H, K: s.H, D: d, DV: m.V, Scale: 1 / math.Sqrt(float64(d)), S: s.T,
	}
	var o *graph.Tensor
	if w.cached {
		o = w.absorbed(i, attr, q, c, kr)
	} else {
		kn, v := w.Split("heads", graph.HeadsAttr{H: s.H, A: m.Nope, B: m.V}, w.project(i, "kvb", c))
		k := w.Join("k", graph.HeadsAttr{H: s.H, A: m.Nope, B: m.Rope, Shared: true}, kn, kr)
		o = w.attend(i, attr, q, k, v)
	}
	return w.linear(i, "o", w.site(i, Ctx, 1, o))
}

// absorbed attends to the cached latents themselves: the key projection is folded into the queries and
// the value projection into the outputs, so that a token leaves only KVLora+Rope numbers.
func (w *writer) absorbed(i int, attr graph.AttentionAttr, q, c, kr *graph.Tensor) *graph.Tensor {
	s, m := w.s, w.s.MLA
	kvb := w.Param(fmt.Sprintf("blocks.%d.kvb.w", i))
	qn, qr := w.Split("q", graph.HeadsAttr{H: s.H, A: m.Nope, B: m.Rope}, q)
	stride := m.Nope + m.V
	qc := w.HeadMatMul("q.absorb", graph.HeadMatMulAttr{
		Layout: graph.NN, H: s.H, N: m.KVLora, K: m.Nope, Stride: stride,
	}, qn, kvb)
	q = w.Join("q.latent", graph.HeadsAttr{H: s.H, A: m.KVLora, B: m.Rope}, qc, qr)
	k := w.Join("k.latent", graph.HeadsAttr{H: 1, A: m.KVLora, B: m.Rope}, c, kr)
	attr.K, attr.D, attr.DV, attr.Latent = 1, m.KVLora+m.Rope, m.KVLora, true
	o := w.AttentionCached("attention", attr, q, k, nil, w.Cache(i), nil, w.pos)
	return w.HeadMatMul("o.absorb", graph.HeadMatMulAttr{
		Layout: graph.NT, H: s.H, N: m.V, K: m.KVLora, Stride: stride, From: m.Nope,
	}, o, kvb)
}

// latentParams declares the projections of block i under MLA.
func (s *Spec) latentParams(sc *graph.Schema, i int) {
	m, p := s.MLA, fmt.Sprintf("blocks.%d.", i)
	in := s.D
	if m.QLora > 0 {
		sc.AddParam(p+"qa.w", i, true, m.QLora, s.D)
		sc.AddParam(p+"qlat.g", i, s.DecayNormsAndBias, m.QLora)
		in = m.QLora
	}
	sc.AddParam(p+"qb.w", i, true, s.H*(m.Nope+m.Rope), in)
	sc.AddParam(p+"kva.w", i, true, m.KVLora+m.Rope, s.D)
	sc.AddParam(p+"kvlat.g", i, s.DecayNormsAndBias, m.KVLora)
	sc.AddParam(p+"kvb.w", i, true, s.H*(m.Nope+m.V), m.KVLora)
}
