package cpu

import (
	"math"

	"github.com/evenkeel/evenkeel/metal/cpu/blas"
	"github.com/evenkeel/evenkeel/metal/cpu/kernels"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Sizes of the tile of scores that is alive at one time: queries by keys. A tile stops at the
// diagonal, so the queries bound the work spent on pairs that are masked. Microseconds of forward and
// gradient, 4 heads of 64, T 256 and T 1024, one core with OpenBLAS:
//
//	 32x256  575  1175   8985  18243
//	 64x64   648  1253   9913  20530
//	 64x256  573  1190   7793  16648
//	 64x512  571  1190   7717  16719
//	128x256  735  1601   7675  16754
const (
	tileQ = 64
	tileK = 256
)

// heads is one causal attention. The queries of a sequence are its last ones: query i stands at
// position past+i and sees the keys up to there.
type heads struct {
	graph.AttentionAttr
	lib        *blas.Library
	k          *kernels.Set
	scratch    *[][]float32
	q, o       []float32 // [B*T H*D], [B*T H*DV]
	keys, vals []float32 // [B*stride K*D], [B*stride ldv]
	ldv        int       // K*DV, or K*D where the values are the start of the keys
	stride     int       // rows of keys between two sequences
	lse        []float32 // [B*H*T], optional
	tops       []float32 // [B*H*tiles], optional
	past       func() int
}

func (h *heads) tiles() int { return ceil(h.T, tileQ) }

// forward computes one tile of queries of one head. Late tiles, which see most keys, come first.
func (h *heads) forward(worker, part int) {
	tiles := h.tiles()
	tile, bh := tiles-1-part%tiles, part/tiles
	b, head := bh/h.H, bh%h.H
	group := head / (h.H / h.K)
	q0 := tile * tileQ
	rows, past := min(tileQ, h.T-q0), h.past()
	ldq, ldo, ldk, ldv := h.H*h.D, h.H*h.DV, h.K*h.D, h.ldv
	q, o := h.q[(b*h.T+q0)*ldq+head*h.D:], h.o[(b*h.T+q0)*ldo+head*h.DV:]
	keys, vals := h.keys[b*h.stride*ldk+group*h.D:], h.vals[b*h.stride*ldv+group*h.DV:]

	mem := (*h.scratch)[worker]
	m, l, s := mem[:tileQ], mem[tileQ:2*tileQ], mem[2*tileQ:]
	var top []float32
	if h.tops != nil {
		top = h.tops[bh*tiles+tile:][:1]
		top[0] = float32(math.Inf(-1))
	}
	end := past + q0 + rows // keys before this one are seen by some query
	for k0 := 0; k0 < end; k0 += tileK {
		cols := min(tileK, end-k0)
		h.lib.Gemm(false, true, rows, cols, h.D, 1, q, ldq, keys[k0*ldk:], ldk, 0, s, cols)
		h.k.SoftmaxTile(s, m, l, top, o, rows, cols, cols, h.DV, ldo, past+q0-k0, float32(h.Scale), k0 == 0)
		beta := float32(1)
		if k0 == 0 {
			beta = 0
		}
		h.lib.Gemm(false, false, rows, h.DV, cols, 1, s, cols, vals[k0*ldv:], ldv, beta, o, ldo)
	}
	var lse []float32
	if h.lse != nil {
		lse = h.lse[bh*h.T+q0:][:rows]
	}
	h.k.SoftmaxEnd(o, lse, m, l, rows, h.DV, ldo)
}

func (c *compiler) heads(a graph.AttentionAttr, q, k, v, o *graph.Tensor) *heads {
	c.worker(2*tileQ + tileQ*tileK)
	return &heads{
		AttentionAttr: a, lib: c.d.lib, k: c.d.k, scratch: &c.scratch, q: c.f(q), o: c.f(o),
		keys: c.f(k), vals: c.f(v), ldv: a.K * a.DV, stride: a.T, past: func() int { return 0 },
	}
}

// attention is causal attention over whole sequences.
func attention(c *compiler, op *graph.Op) {
	h := c.heads(op.Attr.(graph.AttentionAttr), op.In[0], op.In[1], op.In[2], op.Out[0])
	h.lse = c.f(op.Out[1])
	top := c.f(op.Out[2])
	if top != nil {
		h.tops = c.shared(h.B * h.H * h.tiles())
	}
	c.phase(h.B*h.H*h.tiles(), floats(h.q, h.keys, h.vals), floats(h.o, h.lse, h.tops), h.forward)
	if top != nil {
		n := h.tiles()
		c.phase(1, floats(h.tops), floats(top), func(_, _ int) {
			for i := range top {
				h.k.Maximum(top[i:], h.tops[i*n:], n)
			}
		})
	}
}

// cacheWrite copies new keys and values behind the old ones.
func cacheWrite(c *compiler, op *graph.Op) {
	at, pos := op.Attr.(graph.AttentionAttr), c.offset(op.In[2])
	for i := range 2 {
		if op.In[i] == nil {
			continue // latent values have no cache
		}
		x, cache, n := c.f(op.In[i]), c.f(op.Out[i]), op.In[i].Width()
		c.phase(at.B, floats(x), floats(cache), func(_, b int) {
			copy(cache[(b*at.S+pos())*n:], x[b*at.T*n:(b+1)*at.T*n])
		})
	}
}

// attentionCached attends from new tokens to the cache.
func attentionCached(c *compiler, op *graph.Op) {
	h := c.heads(op.Attr.(graph.AttentionAttr), op.In[0], op.In[1], op.In[2], op.Out[0])
	h.stride, h.past = h.S, c.offset(op.In[3])
	if h.Latent {
		h.vals, h.ldv = h.keys, h.K*h.D
	}
	c.phase(h.B*h.H*h.tiles(), floats(h.q, h.keys, h.vals), floats(h.o), h.forward)
}
