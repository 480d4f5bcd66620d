package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// heads records join_heads or split_heads, which writes elems elements.
func (l *lowering) heads(kernel string, a graph.HeadsAttr, first, second *graph.Tensor, rows, elems int,
	operands ...operand) {
	vector := a.A%4 == 0 && a.B%4 == 0
	l.launch("heads", kernel, shaders.HeadsGrid(elems, vector),
		shaders.HeadsArgs{Rows: uint32(rows), H: uint32(a.H), A: uint32(a.A), B: uint32(a.B)},
		[]any{first != nil, second != nil, a.Shared, vector}, operands...)
}

func lowerJoin(l *lowering, op *graph.Op) {
	x, y, z := op.In[0], op.In[1], op.Out[0]
	l.heads("join_heads", op.Attr.(graph.HeadsAttr), x, y, z.Rows(), z.Len(), in(x), in(y), out(z))
}

func lowerSplit(l *lowering, op *graph.Op) {
	z, x, y := op.In[0], op.Out[0], op.Out[1]
	elems := 0
	for _, t := range []*graph.Tensor{x, y} {
		if t != nil {
			elems += t.Len()
		}
	}
	l.heads("split_heads", op.Attr.(graph.HeadsAttr), x, y, z.Rows(), elems, in(z), out(x), out(y))
}

// lowerHeadMatMul is one batched product: a head's matrices lie K, Stride rows and N elements apart.
func lowerHeadMatMul(l *lowering, op *graph.Op) {
	a, x, w, y := op.Attr.(graph.HeadMatMulAttr), op.In[0], op.In[1], op.Out[0]
	rows, length, used := x.Rows(), w.Width(), a.K
	if a.Layout == graph.NT {
		used = a.N
	}
	weights := in(w).part(a.From*length, ((a.H-1)*a.Stride+used)*length)
	l.products(a.Layout, rows, a.N, a.K, 1, headChunk{seqs: 1, heads: a.H}, a.H, 1,
		batch{operand: in(x), ld: a.H * a.K, inner: a.K},
		batch{operand: weights, ld: length, inner: a.Stride * length},
		batch{operand: out(y), ld: a.H * a.N, inner: a.N})
}
