package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerRope(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.RopeAttr)
	rows := op.In[0].Rows()
	turns := l.table(shaders.RopeTurns(a.Theta, a.HeadDim))
	l.launch("rope", "rope", shaders.RopeGrid(rows, a.Heads, a.HeadDim),
		shaders.RopeArgs{Rows: uint32(rows), T: uint32(a.T), Heads: uint32(a.Heads), HeadDim: uint32(a.HeadDim)},
		[]any{a.Pairing == graph.Interleaved, a.Inverse, op.In[1] != nil},
		in(op.In[0]), in(op.In[1]), turns, out(op.Out[0]))
}
