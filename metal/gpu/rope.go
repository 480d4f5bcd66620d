package gpu

import (
	"slices"

	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerRope(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.RopeAttr)
	rows, turned, copied := op.In[0].Rows(), a.HeadDim-a.Skip, 0
	if !slices.Contains(l.g.Plan.InPlace[op.Index], [2]int{0, 0}) {
		copied = a.Skip
	}
	turns := l.table(shaders.RopeTurns(a.Theta, turned))
	args := shaders.RopeArgs{
		Rows: uint32(rows), T: uint32(a.T), Heads: uint32(a.Heads), HeadDim: uint32(a.HeadDim), Skip: uint32(a.Skip),
	}
	x, y, inPlace := in(op.In[0]).over(out(op.Out[0]))
	l.launch("rope", "rope", shaders.RopeGrid(rows, a.Heads, turned, copied), args,
		[]any{a.Pairing == graph.Interleaved, a.Inverse, op.In[1] != nil, false, false, false, false,
			copied > 0, inPlace},
		x, in(op.In[1]), turns, y)
}
