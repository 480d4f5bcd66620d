package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerCenter(l *lowering, op *graph.Op) {
	x, carry := op.In[0], op.In[1]
	rows, width := x.Rows(), x.Width()
	l.launch("center", "center_rows", shaders.CenterGrid(rows),
		shaders.CenterArgs{Rows: uint32(rows), Width: uint32(width)}, []any{carry != nil, width%4 == 0},
		in(x), in(carry), out(op.Out[0]))
}
