package cpu

import (
	"github.com/evenkeel/evenkeel/metal/cpu/blas"
	"github.com/evenkeel/evenkeel/metal/cpu/kernels"
	"github.com/evenkeel/evenkeel/model/graph"
)

// headsGrad is the gradient of a causal attention.
type headsGrad struct {
	graph.AttentionAttr
	lib                 *blas.Library
	k                   *kernels.Set
	scratch             *[][]float32
	q, keys, vals, o    []float32
	lse, do, dq, dk, dv []float32
}

// attentionGrad gives each part one key/value head of one sequence with all its query heads: whatever
// it adds to, it owns, so there are no partial sums and one order. P is made again tile by tile.
func attentionGrad(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.AttentionAttr)
	g := &headsGrad{
		AttentionAttr: at, lib: c.d.lib, k: c.d.k, scratch: &c.scratch,
		q: c.f(op.In[0]), keys: c.f(op.In[1]), vals: c.f(op.In[2]), o: c.f(op.In[3]), lse: c.f(op.In[4]),
		do: c.f(op.In[5]), dq: c.f(op.Out[0]), dk: c.f(op.Out[1]), dv: c.f(op.Out[2]),
	}
	c.worker(at.T + 2*tileQ*tileK)
	c.phase(at.B*at.K, floats(g.q, g.keys, g.vals, g.o, g.lse, g.do), floats(g.dq, g.dk, g.dv), g.run)
}

func (g *headsGrad) run(worker, part int) {
	b, group := part/g.K, part%g.K
	delta := (*g.scratch)[worker][:g.T]
	ldo, each := g.H*g.DV, g.H/g.K
	for i := range each {
		head := group*each + i
		at := b*g.T*ldo + head*g.DV
		g.k.RowDot(delta, g.do[at:], g.o[at:], g.T, g.DV, ldo)
		for k0 := 0; k0 < g.T; k0 += tileK {
			// Queries before the first key of the strip see none of it.
			for q0 := k0; q0 < g.T; q0 += tileQ {
				g.tile(worker, b, head, group, q0, k0, delta, i == 0 && q0 == k0)
			}
		}
	}
}

// tile adds what one tile of P contributes:
//
//	dv += P^T do;  dS = P*(do v^T - delta)*scale;  dk += dS^T q;  dq += dS k
//
// first tells that this is the first tile to reach these keys, whose gradients it starts. Since a
// tile stops at the diagonal it may be shorter than the strip; the first one then clears the rest.
func (g *headsGrad) tile(worker, b, head, group, q0, k0 int, delta []float32, first bool) {
	rows := min(tileQ, g.T-q0)
	strip := min(tileK, g.T-k0)
	cols := min(strip, q0+rows-k0)
	ldq, ldo, ldk, ldv := g.H*g.D, g.H*g.DV, g.K*g.D, g.K*g.DV
	qat, oat := (b*g.T+q0)*ldq+head*g.D, (b*g.T+q0)*ldo+head*g.DV
	kat, vat := (b*g.T+k0)*ldk+group*g.D, (b*g.T+k0)*ldv+group*g.DV
	mem := (*g.scratch)[worker][g.T:]
	p, ds := mem[:rows*cols], mem[tileQ*tileK:][:rows*cols]
	keep := float32(1) // beta of dk and dv
	if first {
		keep = 0
		clearRows(g.dk[kat:], cols, strip, g.D, ldk)
		clearRows(g.dv[vat:], cols, strip, g.DV, ldv)
	}
	keepQ := float32(1)
	if k0 == 0 {
		keepQ = 0
	}
	gemm := g.lib.Gemm
	gemm(false, true, rows, cols, g.D, 1, g.q[qat:], ldq, g.keys[kat:], ldk, 0, p, cols)
	gemm(false, true, rows, cols, g.DV, 1, g.do[oat:], ldo, g.vals[vat:], ldv, 0, ds, cols)
	g.k.SoftmaxTileGrad(p, ds, g.lse[(b*g.H+head)*g.T+q0:], delta[q0:], rows, cols, cols, q0-k0,
		float32(g.Scale))
	gemm(true, false, cols, g.DV, rows, 1, p, cols, g.do[oat:], ldo, keep, g.dv[vat:], ldv)
	gemm(true, false, cols, g.D, rows, 1, ds, cols, g.q[qat:], ldq, keep, g.dk[kat:], ldk)
	gemm(false, false, rows, g.D, cols, 1, ds, cols, g.keys[kat:], ldk, keepQ, g.dq[qat:], ldq)
}

// clearRows sets n columns of the rows from to to of x to zero.
func clearRows(x []float32, from, to, n, ld int) {
	for i := from; i < to; i++ {
		clear(x[i*ld:][:n])
	}
}
