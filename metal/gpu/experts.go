package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerGather(l *lowering, op *graph.Op) {
	a, width := op.Attr.(graph.ChoicesAttr), op.Out[0].Width()
	l.launch("gather", "gather_rows", shaders.GatherGrid(a.R*a.K, width),
		shaders.GatherArgs{Rows: uint32(a.R * a.K), Width: uint32(width), Chosen: uint32(a.K)},
		[]any{width%4 == 0, false, false}, in(op.In[0]), in(op.In[1]), out(op.Out[0]))
}

func lowerCombine(l *lowering, op *graph.Op) {
	a, width := op.Attr.(graph.ChoicesAttr), op.Out[0].Width()
	gates, carry := op.In[1], op.In[3]
	l.launch("gather", "combine_rows", shaders.GatherGrid(a.R, width),
		shaders.GatherArgs{Rows: uint32(a.R), Width: uint32(width), Chosen: uint32(a.K)},
		[]any{width%4 == 0, gates != nil, carry != nil},
		in(op.In[0]), in(gates), in(op.In[2]), in(carry), out(op.Out[0]))
}

func lowerCombineGrad(l *lowering, op *graph.Op) {
	a, width := op.Attr.(graph.ChoicesAttr), op.In[0].Width()
	l.launch("gather", "combine_grad", shaders.CombineGradGrid(a.R*a.K),
		shaders.GatherArgs{Rows: uint32(a.R * a.K), Width: uint32(width), Chosen: uint32(a.K)},
		[]any{width%4 == 0, false, false},
		in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[3]), out(op.Out[0]), out(op.Out[1]))
}

// The numbers of rows of the experts are known to the GPU alone, so the grid is for the most tiles there
// can be.
func lowerExpertMatMul(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.ExpertMatMulAttr)
	x, w, offsets := in(op.In[0]), in(op.In[1]), in(op.In[2])
	if a.Layout == graph.TN {
		l.expertWeights(a, x, w, offsets, sum(op.Out[0]))
		return
	}
	carry, c, inPlace := in(op.In[3]).over(out(op.Out[0]))
	tb := a.Layout == graph.NT
	args := shaders.ExpertArgs{Experts: uint32(a.E), N: uint32(a.N), K: uint32(a.K)}
	t := expertTile(l.family, a)
	va, vb, whole, wholeK := args.Flags(t, false, tb)
	l.launch("experts", t.ExpertKernel(false), args.Rows(t, a.Rows), args,
		[]any{false, tb, false, op.In[3] != nil, va, vb, whole, wholeK, inPlace},
		x, w, offsets, carry, c)
}

// expertWeights adds to the weights' gradient c [E N K] what the rows of each expert give.
func (l *lowering) expertWeights(a graph.ExpertMatMulAttr, x, y, offsets, c operand) {
	args := shaders.ExpertArgs{Experts: uint32(a.E), M: uint32(a.N), N: uint32(a.K)}
	t := expertTile(l.family, a)
	va, vb, whole, wholeK := args.Flags(t, true, false)
	l.launch("experts", t.ExpertKernel(true), args.Weights(t), args,
		[]any{true, false, false, true, va, vb, whole, wholeK, false}, x, y, offsets, c)
}

// expertTile is [tileOf] for all experts together. Where an expert has no more than 32 rows on average,
// or the result no more than 32 columns or, for a gradient, rows, half of a tile of 64 would be empty.
func expertTile(family int, a graph.ExpertMatMulAttr) shaders.Tile {
	m, n, all := a.Rows/a.E, a.N, a.Rows
	if a.Layout == graph.TN {
		m, n, all = a.N, a.K, a.E*ceil(a.N, 64)*64
	}
	if min(m, n) <= 32 {
		return shaders.Direct
	}
	return tileOf(family, all, n, 1)
}
