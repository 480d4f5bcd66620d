package cpu

import "github.com/evenkeel/evenkeel/model/graph"

// norm normalizes rows and saves the factor r and, for LayerNorm, the means, for CRMSNorm the sums.
func norm(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.NormAttr)
	x, gain, bias := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2])
	y, r, mean, k := c.f(op.Out[0]), c.f(op.Out[1]), c.f(op.Out[2]), c.d.k
	n, eps, scale := at.Width, float32(at.Eps), float32(at.Scale)
	b := rowBlocks(len(x)/n, n)
	if at.Kind == graph.CRMS {
		c.phase(b.count(), floats(x), floats(y, r, mean), func(_, part int) {
			from, to := b.at(part)
			k.CRMS(y[from*n:to*n], x[from*n:to*n], r[from:to], mean[from:to], to-from, n, eps, scale)
		})
		return
	}
	c.phase(b.count(), floats(x, gain, bias), floats(y, r, mean), func(_, part int) {
		from, to := b.at(part)
		k.Norm(y[from*n:to*n], x[from*n:to*n], gain, bias, r[from:to], rows(mean, from, to, 1), to-from,
			n, eps, scale)
	})
}

// rows cuts an optional operand.
func rows(x []float32, from, to, n int) []float32 {
	if x == nil {
		return nil
	}
	return x[from*n : to*n]
}

// normGrad makes dx, with the carry, and one partial sum of dgain and dbias for each block of rows; a
// second phase adds the partials in order.
func normGrad(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.NormAttr)
	dy, x, gain, r := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2]), c.f(op.In[3])
	mean, carry := c.f(op.In[4]), c.f(op.In[5])
	dx, dgain, dbias, k := c.f(op.Out[0]), c.f(op.Out[1]), c.f(op.Out[2]), c.d.k
	n, scale := at.Width, float32(at.Scale)
	b := rowBlocks(len(x)/n, n)
	if at.Kind == graph.CRMS {
		c.phase(b.count(), floats(dy, x, r, mean, carry), floats(dx), func(_, part int) {
			from, to := b.at(part)
			k.CRMSGrad(dx[from*n:to*n], dy[from*n:to*n], x[from*n:to*n], r[from:to], mean[from:to],
				rows(carry, from, to, n), to-from, n, scale)
		})
		return
	}
	var pgain, pbias []float32
	if dgain != nil {
		pgain = c.shared(b.count() * n)
	}
	if dbias != nil {
		pbias = c.shared(b.count() * n)
	}
	c.phase(b.count(), floats(dy, x, gain, r, mean, carry), floats(dx, pgain, pbias),
		func(_, part int) {
			from, to := b.at(part)
			k.NormGrad(dx[from*n:to*n], dy[from*n:to*n], x[from*n:to*n], gain, r[from:to],
				rows(mean, from, to, 1), rows(carry, from, to, n), rows(pgain, part, part+1, n),
				rows(pbias, part, part+1, n), to-from, n, scale)
		})
	for _, s := range [][2][]float32{{dgain, pgain}, {dbias, pbias}} {
		if s[0] != nil {
			c.sumRows(s[0], s[1], b.count(), n)
		}
	}
}

// center takes the mean of each row away and adds the carry.
func center(c *compiler, op *graph.Op) {
	x, carry, y, k := c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0]), c.d.k
	n := op.In[0].Width()
	b := rowBlocks(len(x)/n, n)
	c.phase(b.count(), floats(x, carry), floats(y), func(_, part int) {
		from, to := b.at(part)
		k.Center(y[from*n:to*n], x[from*n:to*n], rows(carry, from, to, n), to-from, n)
	})
}

// sumRows adds the sum of rows of x to sum, in strips of columns.
func (c *compiler) sumRows(sum, x []float32, rows, n int) {
	b, k := blocks{n, columnBlock}, c.d.k
	c.phase(b.count(), floats(x), floats(sum), func(_, part int) {
		from, to := b.at(part)
		k.ColSum(sum[from:to], x[from:], rows, to-from, n)
	})
}
