package cpu

import "github.com/evenkeel/evenkeel/model/graph"

// embed is y[r] = scale*E[ids[r]] + P[r mod T + offset].
func embed(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.EmbedAttr)
	ids, table, positions := c.i(op.In[0]), c.f(op.In[1]), c.f(op.In[2])
	offset, y, k := c.offset(op.In[3]), c.f(op.Out[0]), c.d.k
	n, scale := op.Out[0].Width(), float32(at.Scale)
	b := rowBlocks(len(ids), n)
	c.phase(b.count(), floats(table, positions), floats(y), func(_, part int) {
		from, to := b.at(part)
		k.Gather(y[from*n:to*n], table, ids[from:to], positions, to-from, n, from, at.T, offset(), scale)
	})
}

// columnBlock is the width of the strips of an embedding gradient: two cache lines or more, so that
// workers do not write to the same line.
const columnBlock = 64

// embedGrad adds scale*dy[r] to row ids[r] of dE and dy[r] to row r mod T of dP. Each part owns some
// columns and walks the rows in order, so sums have one order and need no atomics.
func embedGrad(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.EmbedAttr)
	ids, dy := c.i(op.In[0]), c.f(op.In[1])
	dtable, dpositions, k := c.f(op.Out[0]), c.f(op.Out[1]), c.d.k
	n := op.In[1].Width()
	b := blocks{n, columnBlock}
	c.phase(b.count(), floats(dy), floats(dtable), func(_, part int) {
		from, to := b.at(part)
		k.Scatter(dtable, ids, dy, len(ids), n, from, to, float32(at.Scale))
	})
	if dpositions == nil {
		return
	}
	place := make([]int32, len(ids))
	for r := range place {
		place[r] = int32(r % at.T)
	}
	c.phase(b.count(), floats(dy), floats(dpositions), func(_, part int) {
		from, to := b.at(part)
		k.Scatter(dpositions, place, dy, len(place), n, from, to, 1)
	})
}
