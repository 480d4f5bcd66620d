package cpu

import "github.com/evenkeel/evenkeel/model/graph"

// join puts the parts of heads side by side.
func join(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.HeadsAttr)
	x, y, z := c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0])
	b := rowBlocks(op.Out[0].Rows(), op.Out[0].Width())
	c.phase(b.count(), floats(x, y), floats(z), func(_, part int) {
		from, to := b.at(part)
		for i := from * at.H; i < to*at.H; i++ {
			second := i
			if at.Shared {
				second = i / at.H
			}
			to := z[i*(at.A+at.B):][:at.A+at.B]
			fill(to[:at.A], x, i)
			fill(to[at.A:], y, second)
		}
	})
}

// fill copies the i-th piece of src over dst, zeros where there is no src.
func fill(dst, src []float32, i int) {
	if src == nil {
		clear(dst)
		return
	}
	copy(dst, src[i*len(dst):])
}

// split takes join apart; a part that all heads share is their sum in order.
func split(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.HeadsAttr)
	z, x, y := c.f(op.In[0]), c.f(op.Out[0]), c.f(op.Out[1])
	b := rowBlocks(op.In[0].Rows(), op.In[0].Width())
	c.phase(b.count(), floats(z), floats(x, y), func(_, part int) {
		from, to := b.at(part)
		for i := from * at.H; i < to*at.H; i++ {
			piece := z[i*(at.A+at.B):][:at.A+at.B]
			if x != nil {
				copy(x[i*at.A:], piece[:at.A])
			}
			switch {
			case y == nil:
			case !at.Shared:
				copy(y[i*at.B:], piece[at.A:])
			case i%at.H == 0:
				copy(y[i/at.H*at.B:], piece[at.A:])
			default:
				sum := y[i/at.H*at.B:][:at.B]
				for j, v := range piece[at.A:] {
					sum[j] += v
				}
			}
		}
	})
}

// headRows is the number of rows of one part of a product by heads.
const headRows = 256

// headMatMul multiplies every head with rows of its own of the weight.
func headMatMul(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.HeadMatMulAttr)
	x, w, y, lib := c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0]), c.d.lib
	b := blocks{op.In[0].Rows(), headRows}
	ld := op.In[1].Width()
	c.phase(b.count()*at.H, floats(x, w), floats(y), func(_, part int) {
		from, to := b.at(part / at.H)
		h := part % at.H
		lib.Gemm(false, at.Layout == graph.NT, to-from, at.N, at.K, 1, x[(from*at.H+h)*at.K:], at.H*at.K,
			w[(h*at.Stride+at.From)*ld:], ld, 0, y[(from*at.H+h)*at.N:], at.H*at.N)
	})
}
