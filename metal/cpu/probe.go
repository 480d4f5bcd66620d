package cpu

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// probe measures a tensor chunk by chunk, then adds or compares the chunks in order.
func probe(c *compiler, op *graph.Op) {
	x, out, k := c.f(op.In[0]), c.f(op.Out[0]), c.d.k
	b := blocks{len(x), chunkLen}
	n := b.count()
	if op.Attr.(graph.ProbeAttr).Measure == graph.MeasureMax {
		tops := make([]float32, n)
		c.phase(n, floats(x), floats(tops), func(_, part int) {
			from, to := b.at(part)
			k.Maximum(tops[part:], x[from:to], to-from)
		})
		c.phase(1, floats(tops), floats(out), func(_, _ int) { k.Maximum(out, tops, n) })
		return
	}
	sums := make([]float64, 2*n)
	c.phase(n, floats(x), []region{regionOf(sums)}, func(_, part int) {
		from, to := b.at(part)
		k.SumSquares(sums[part:], sums[n+part:], x[from:to], to-from)
	})
	c.phase(1, []region{regionOf(sums)}, floats(out), func(_, _ int) {
		ss := 0.0
		for _, s := range sums[:n] {
			ss += s
		}
		out[0] = float32(math.Sqrt(ss / float64(len(x))))
	})
}
