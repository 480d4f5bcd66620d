package reference

import "github.com/evenkeel/evenkeel/model/graph"

// add is y = alpha*x + beta*f, without f a scaling.
func add(p *program, op *graph.Op) {
	at := op.Attr.(graph.AddAttr)
	x, f, y := p.f(op.In[0]), p.f(op.In[1]), p.f(op.Out[0])
	for i, v := range x {
		y[i] = at.Alpha * v
		if f != nil {
			y[i] += at.Beta * f[i]
		}
	}
}
