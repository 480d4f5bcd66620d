package cpu

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// gate is y = (1-silu(g))*x.
func gate(c *compiler, op *graph.Op) {
	x, g, y, k := c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0]), c.d.k
	b := blocks{len(y), partLen}
	c.phase(b.count(), floats(x, g), floats(y), func(_, part int) {
		from, to := b.at(part)
		v := float64(g[0])
		k.Add(y[from:to], float32(1-v/(1+math.Exp(-v))), x[from:to], 0, nil, to-from)
	})
}

// gateGrad adds -silu'(g)*sum(dy*x) to dg: a sum for each row, then the rows in order.
func gateGrad(c *compiler, op *graph.Op) {
	dy, x, g, dg, k := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2]), c.f(op.Out[0]), c.d.k
	n := op.In[1].Width()
	sums := c.shared(len(x) / n)
	b := rowBlocks(len(x)/n, n)
	c.phase(b.count(), floats(dy, x), floats(sums), func(_, part int) {
		from, to := b.at(part)
		k.RowDot(sums[from:], dy[from*n:], x[from*n:], to-from, n, n)
	})
	c.phase(1, floats(sums, g), floats(dg), func(_, _ int) {
		sum := 0.0
		for _, s := range sums[:len(x)/n] {
			sum += float64(s)
		}
		v := float64(g[0])
		s := 1 / (1 + math.Exp(-v))
		dg[0] -= float32((s + v*s*(1-s)) * sum)
	})
}
