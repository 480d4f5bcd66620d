package model

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// writer emits one forward pass of a spec for B sequences of T tokens.
type writer struct {
	*graph.Builder
	s      *Spec
	B, T   int
	pos    *graph.Tensor // position offset when decoding, else nil
	cached bool
	probes bool
	keep   bool // make block outputs readable, for golden data
	// lossShare is the part of a step's auxiliary losses that falls on this graph, 0 without gradients.
	lossShare float64
}

// norm applies the norm at prefix; x itself when the site is off. Kind, gain and eps are the spec's.
func (w *writer) norm(on bool, prefix, site string, width int, scale float64, x *graph.Tensor) *graph.Tensor {
	if !on {
		if scale != 1 {
			return w.Add(site+".scale", scale, x, 0, nil)
		}
		return x
	}
	var gain, bias *graph.Tensor
	if w.s.NormGain {
		gain = w.Param(prefix + ".g")
		if w.s.Norm == graph.LN {
			bias = w.Param(prefix + ".b")
		}
	}
	eps := w.s.Eps
	if prefix == "final" {
		eps = w.s.FinalEps
	}
	return w.Norm(site, graph.NormAttr{Kind: w.s.Norm, Width: width, Eps: eps, Scale: scale}, x, gain, bias)
}

// site applies the norm of one of block i's sites.
func (w *writer) site(i int, site Site, scale float64, x *graph.Tensor) *graph.Tensor {
	prefix := fmt.Sprintf("blocks.%d.norm.%s", i, site)
	return w.norm(w.s.Blocks[i].Sites.Has(site), prefix, site.String(), w.s.siteWidth(site), scale, x)
}

func (w *writer) linear(i int, name string, x *graph.Tensor) *graph.Tensor {
	p := fmt.Sprintf("blocks.%d.%s", i, name)
	var bias *graph.Tensor
	if w.s.Bias {
		bias = w.Param(p + ".b")
	}
	return w.MatMul(name, x, w.Param(p+".w"), bias)
}

// block is the one block of all variants. dual is the second stream of ResiDual, else nil.
func (w *writer) block(i int, x, dual *graph.Tensor) (_, _ *graph.Tensor) {
	w.Scope(i, fmt.Sprintf("blocks.%d", i))
	blk := w.s.Blocks[i]
	x = w.site(i, S1, 1, x)
	f := w.site(i, AttnOut, 1, w.center("attn", w.attention(i, w.site(i, AttnIn, blk.InScale, x))))
	x, dual = w.residual(i, "attn", x, f, dual)
	x = w.site(i, S2, 1, x)
	f = w.site(i, FFNOut, 1, w.center("ffn", w.ffn(i, w.site(i, FFNIn, blk.InScale, x))))
	x, dual = w.residual(i, "ffn", x, f, dual)
	x = w.site(i, S3, 1, x)
	if w.probes {
		w.Probe(fmt.Sprintf("act_rms.%d", i), graph.MeasureRMS, x)
	}
	return x, dual
}

// residual adds a branch f to the stream and, at its own rate, to the dual stream. The gate of GPAS acts on
// the residual before alpha, or on the sum. It is written after the branch, so that the gradient passes
// it first and the branch adds to what it left.
func (w *writer) residual(i int, name string, x, f, dual *graph.Tensor) (_, _ *graph.Tensor) {
	blk := w.s.Blocks[i]
	gate := func(on GateKind, t *graph.Tensor) *graph.Tensor {
		if blk.Gate != on {
			return t
		}
		return w.Gate(name+"_gate", t, w.Param(fmt.Sprintf("blocks.%d.gpas", i)))
	}
	x = w.Add(name+"_residual", blk.Alpha, gate(GateResidual, x), 1, f)
	if dual != nil {
		dual = w.Add(name+"_dual", 1, dual, w.s.Sigma, f)
	}
	return gate(GateStream, x), dual
}

// center keeps the stream of a re-centred model free of a mean.
func (w *writer) center(name string, x *graph.Tensor) *graph.Tensor {
	if !w.s.Recenter {
		return x
	}
	return w.Center(name+"_center", x)
}

func (w *writer) attention(i int, h *graph.Tensor) *graph.Tensor {
	s := w.s
	if s.MLA != nil {
		return w.latent(i, h)
	}
	q := w.site(i, Q, 1, w.linear(i, "q", h))
	k := w.site(i, K, 1, w.linear(i, "k", h))
	v := w.site(i, V, 1, w.linear(i, "v", h))
	if s.Rope {
		attr := graph.RopeAttr{T: w.T, Heads: s.H, HeadDim: s.HeadDim, Theta: s.Theta, Pairing: s.Pairing}
		q = w.Rope("q.rope", attr, q, w.pos)
		attr.Heads = s.KV
		k = w.Rope("k.rope", attr, k, w.pos)
	}
	attr := graph.AttentionAttr{
		B: w.B, T: w.T, H: s.H, K: s.KV, D: s.HeadDim, DV: s.HeadDim,
		Scale: 1 / math.Sqrt(float64(s.HeadDim)), S: s.T,
	}
	var o *graph.Tensor
	if w.cached {
		o = w.AttentionCached("attention", attr, q, k, v, w.Cache(2*i), w.Cache(2*i+1), w.pos)
	} else {
		o = w.attend(i, attr, q, k, v)
	}
	return w.linear(i, "o", w.site(i, Ctx, 1, w.site(i, C, 1, o)))
}

// attend is attention over the whole sequence.
func (w *writer) attend(i int, attr graph.AttentionAttr, q, k, v *graph.Tensor) *graph.Tensor {
	o, top := w.Attention("attention", attr, q, k, v, w.probes)
	if w.probes {
		w.Probe(fmt.Sprintf("attn_top.%d", i), graph.MeasureMax, top)
	}
	return o
}

func (w *writer) ffn(i int, h *graph.Tensor) *graph.Tensor {
	if w.s.MoE != nil {
		return w.experts(i, h)
	}
	a := w.act(func(name string) *graph.Tensor { return w.linear(i, name, h) })
	return w.linear(i, "down", w.site(i, FFNInner, 1, a))
}

// act is the FFN between its products: silu(gate)*up, or a function of up.
func (w *writer) act(in func(name string) *graph.Tensor) *graph.Tensor {
	switch w.s.Act {
	case SwiGLU:
		return w.SwiGLU("swiglu", in("gate"), in("up"))
	case ReLU:
		return w.Activation("relu", graph.ReLU, in("up"))
	}
	return w.Activation("gelu", graph.GELU, in("up"))
}

// stream runs embedding, blocks and final norm and returns the input of the head.
func (w *writer) stream(ids *graph.Tensor) *graph.Tensor {
	s := w.s
	w.Scope(-1, "")
	var positions *graph.Tensor
	if s.LearnedPositions {
		positions = w.Param("pos")
	}
	x := w.Embed("emb", graph.EmbedAttr{T: w.T, Scale: s.EmbScale}, ids, w.Param("emb"), positions, w.pos)
	x = w.norm(s.EmbNorm, "emb", "emb_norm", s.D, 1, w.center("emb", x))
	var dual *graph.Tensor
	if s.Dual {
		dual = w.Add("dual", s.Sigma, x, 0, nil)
	}
	for i := range s.Blocks {
		x, dual = w.block(i, x, dual)
		if w.keep {
			// An output must not be handed on in place, so what is kept is a copy.
			w.Keep(fmt.Sprintf("block.%d.out", i), w.Add("keep", 1, x, 0, nil))
			if s.Dual {
				w.Keep(fmt.Sprintf("block.%d.out2", i), w.Add("keep2", 1, dual, 0, nil))
			}
		}
	}
	w.Scope(-1, "")
	if !s.Dual {
		return w.norm(s.FinalNorm, "final", "final", s.D, 1, x)
	}
	return w.Add("streams", s.AlphaOut, x, 1, w.norm(s.FinalNorm, "final", "final", s.D, 1, dual))
}

// head returns the matrix and bias that turn the stream into logits.
func (w *writer) head() (weight, bias *graph.Tensor) {
	weight = w.Param("emb")
	if !w.s.Tied {
		weight = w.Param("head.w")
	}
	if w.s.HeadBias {
		bias = w.Param("head.b")
	}
	return weight, bias
}
