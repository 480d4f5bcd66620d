package cpu

import "github.com/evenkeel/evenkeel/model/graph"

// lmLoss is head and loss, chunk by chunk of rows. The logits of a chunk are made, turned into their
// own gradient in place, and used for dx and dw; the losses of rows are added at the end in order.
func lmLoss(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.LMLossAttr)
	x, w, targets, bias := c.f(op.In[0]), c.f(op.In[1]), c.i(op.In[2]), c.f(op.In[3])
	loss, dx, dw, dbias := c.f(op.Out[0]), c.f(op.Out[1]), c.f(op.Out[2]), c.f(op.Out[3])
	logits, losses := make([]float32, at.Chunk*at.V), make([]float64, at.R)
	k, scale := c.d.k, float32(at.Scale)
	for r0 := 0; r0 < at.R; r0 += at.Chunk {
		n := min(at.Chunk, at.R-r0)
		xs, z, ls, ts := x[r0*at.D:(r0+n)*at.D], logits[:n*at.V], losses[r0:][:n], targets[r0:][:n]
		forward := c.product(graph.NT, n, at.V, at.D, xs, w, z)
		forward.bias = bias
		forward.add(c)
		b := rowBlocks(n, at.V)
		c.phase(b.count(), nil, append(floats(z), regionOf(ls)), func(_, part int) {
			from, to := b.at(part)
			k.CrossEntropy(ls[from:to], z[from*at.V:to*at.V], ts[from:to], to-from, at.V, scale, at.Train)
		})
		if !at.Train {
			continue
		}
		c.product(graph.NN, n, at.D, at.V, z, w, dx[r0*at.D:(r0+n)*at.D]).add(c)
		grad := c.product(graph.TN, at.V, at.D, n, z, xs, dw)
		grad.beta = 1
		grad.add(c)
		if dbias != nil {
			c.sumRows(dbias, z, n, at.V)
		}
	}
	c.phase(1, []region{regionOf(losses)}, floats(loss), func(_, _ int) {
		sum := 0.0
		for _, l := range losses {
			sum += l
		}
		loss[0] = float32(sum * at.Scale)
	})
}
