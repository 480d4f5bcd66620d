package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerAdd(l *lowering, op *graph.Op) {
	a, n := op.Attr.(graph.AddAttr), op.In[0].Len()
	l.launch("add", "add_scaled", shaders.Elementwise(n),
		shaders.AddArgs{Count: uint32(n), Alpha: float32(a.Alpha), Beta: float32(a.Beta)},
		[]any{op.In[1] != nil}, in(op.In[0]), in(op.In[1]), out(op.Out[0]))
}
