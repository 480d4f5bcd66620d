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
}

// norm applies the norm at prefix; x itself when the site is off.
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
	return w.Norm(site, graph.NormAttr{Kind: w.s.Norm, Width: width, Eps: w.s.Eps, Scale: scale}, x, gain, bias)
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

// block is the one block of all variants (VARIANTS section 2).
func (w *writer) block(i int, x *graph.Tensor) *graph.Tensor {
	w.Scope(i, fmt.Sprintf("blocks.%d", i))
	blk := w.s.Blocks[i]
	x = w.site(i, S1, 1, x)
	f := w.attention(i, w.site(i, AttnIn, blk.InScale, x))
	x = w.Add("attn_residual", blk.Alpha, x, 1, w.site(i, AttnOut, 1, f))
	x = w.site(i, S2, 1, x)
	f = w.ffn(i, w.site(i, FFNIn, blk.InScale, x))
	x = w.Add("ffn_residual", blk.Alpha, x, 1, w.site(i, FFNOut, 1, f))
	x = w.site(i, S3, 1, x)
	if w.probes {
		w.Probe(fmt.Sprintf("act_rms.%d", i), graph.MeasureRMS, x)
	}
	return x
}

func (w *writer) attention(i int, h *graph.Tensor) *graph.Tensor {
	s := w.s
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
		var top *graph.Tensor
		o, top = w.Attention("attention", attr, q, k, v, w.probes)
		if w.probes {
			w.Probe(fmt.Sprintf("attn_top.%d", i), graph.MeasureMax, top)
		}
	}
	return w.linear(i, "o", w.site(i, Ctx, 1, w.site(i, C, 1, o)))
}

func (w *writer) ffn(i int, h *graph.Tensor) *graph.Tensor {
	var a *graph.Tensor
	if w.s.Act == SwiGLU {
		a = w.SwiGLU("swiglu", w.linear(i, "gate", h), w.linear(i, "up", h))
	} else {
		a = w.Activation("gelu", graph.GELU, w.linear(i, "up", h))
	}
	return w.linear(i, "down", w.site(i, FFNInner, 1, a))
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
	x = w.norm(s.EmbNorm, "emb", "emb_norm", s.D, 1, x)
	for i := range s.Blocks {
		x = w.block(i, x)
		if w.keep {
			// An output must not be handed on in place, so what is kept is a copy.
			w.Keep(fmt.Sprintf("block.%d.out", i), w.Add("keep", 1, x, 0, nil))
		}
	}
	w.Scope(-1, "")
	return w.norm(s.FinalNorm, "final", "final", s.D, 1, x)
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
