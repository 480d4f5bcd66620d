package cpu

import "github.com/evenkeel/evenkeel/model/graph"

// add is y = alpha*x + beta*f.
func add(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.AddAttr)
	x, f, y, k := c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0]), c.d.k
	alpha, beta := float32(at.Alpha), float32(at.Beta)
	b := blocks{len(y), partLen}
	c.phase(b.count(), floats(x, f), floats(y), func(_, part int) {
		from, to := b.at(part)
		var g []float32
		if f != nil {
			g = f[from:to]
		}
		k.Add(y[from:to], alpha, x[from:to], beta, g, to-from)
	})
}
