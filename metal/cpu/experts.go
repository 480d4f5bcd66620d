package cpu

import (
	"github.com/evenkeel/evenkeel/metal/cpu/blas"
	"github.com/evenkeel/evenkeel/metal/cpu/kernels"
	"github.com/evenkeel/evenkeel/model/graph"
)

// gather copies the rows of tokens into the order of the experts.
func gather(c *compiler, op *graph.Op) {
	k := op.Attr.(graph.ChoicesAttr).K
	x, source, y := c.f(op.In[0]), c.i(op.In[1]), c.f(op.Out[0])
	n := op.In[0].Width()
	b := rowBlocks(len(source), n)
	c.phase(b.count(), and(floats(x), source), floats(y), func(_, part int) {
		from, to := b.at(part)
		for i, s := range source[from:to] {
			copy(y[(from+i)*n:][:n], x[int(s)/k*n:])
		}
	})
}

// combine adds up what the experts gave for each token.
func combine(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.ChoicesAttr)
	x, gates, pos, carry := c.f(op.In[0]), c.f(op.In[1]), c.i(op.In[2]), c.f(op.In[3])
	y, k, n := c.f(op.Out[0]), c.d.k, op.In[0].Width()
	b := rowBlocks(at.R, at.K*n)
	c.phase(b.count(), and(floats(x, gates, carry), pos), floats(y), func(_, part int) {
		from, to := b.at(part)
		k.Combine(y[from*n:to*n], x, rows(gates, from, to, at.K), pos[from*at.K:to*at.K],
			rows(carry, from, to, n), to-from, n, at.K)
	})
}

// combineGrad sends the gradient of each token to its experts and gates.
func combineGrad(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.ChoicesAttr)
	dy, x, gates, pos := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2]), c.i(op.In[3])
	dx, dgates, k, n := c.f(op.Out[0]), c.f(op.Out[1]), c.d.k, op.In[0].Width()
	b := rowBlocks(at.R, at.K*n)
	c.phase(b.count(), and(floats(dy, x, gates), pos), floats(dx, dgates), func(_, part int) {
		from, to := b.at(part)
		k.CombineGrad(dx, dgates[from*at.K:to*at.K], dy[from*n:to*n], x, gates[from*at.K:to*at.K],
			pos[from*at.K:to*at.K], to-from, n, at.K)
	})
}

// experts is a product whose rows meet the weights of their experts.
type experts struct {
	graph.ExpertMatMulAttr
	lib     *blas.Library
	k       *kernels.Set
	a, b, c []float32
	carry   []float32
	offsets []int32
	beta    float32
	cuts    int    // most blocks of rows that all experts can have together
	cols    blocks // of C
}

// expertRows is the largest number of rows of one part, a multiple of 16. From 128 to 1,024 the speed
// of a step with 64 experts changes by less than 5 %.
const expertRows = 256

// expertMatMul gives each part a block of rows of one expert, or an expert's gradient. Which rows those
// are is read from the offsets during the run; parts past the last block have nothing to do.
func expertMatMul(c *compiler, op *graph.Op) {
	x := &experts{
		ExpertMatMulAttr: op.Attr.(graph.ExpertMatMulAttr), lib: c.d.lib, k: c.d.k, a: c.f(op.In[0]),
		b: c.f(op.In[1]), offsets: c.i(op.In[2]), carry: c.f(op.In[3]), c: c.f(op.Out[0]),
	}
	x.add(c)
}

// add puts the parts into a phase.
func (x *experts) add(c *compiler) {
	reads := and(floats(x.a, x.b, x.carry), x.offsets)
	if x.Layout == graph.TN || x.carry != nil && &x.carry[0] == &x.c[0] {
		x.beta, x.carry = 1, nil
		reads = append(reads, regionOf(x.c))
	}
	if x.Layout == graph.TN {
		x.cols = columns(x.N*ceil(x.Rows, x.E), x.K)
		c.phase(x.E*x.cols.count(), reads, floats(x.c), x.gradient)
		return
	}
	x.cuts = x.Rows/expertRows + min(x.E, x.Rows)
	x.cols = columns(min(expertRows, x.Rows)*x.K, x.N)
	c.phase(x.cuts*x.cols.count(), reads, floats(x.c), x.rows)
}

// columns cuts n columns, each of so many multiply-adds, into parts that are not too large.
func columns(each, n int) blocks {
	size := n
	for size >= 128 && size*each > panelMin*2 {
		size = roundUp(ceil(size, 2), 16)
	}
	return blocks{n, size}
}

// cut finds the expert and the rows of the i-th block of rows: an expert has as few blocks as it can,
// of nearly the same size. It returns no rows past the last block.
func (x *experts) cut(i int) (expert, from, to int) {
	for e := range x.E {
		first := int(x.offsets[e])
		n := int(x.offsets[e+1]) - first
		has := ceil(n, expertRows)
		if i >= has {
			i -= has
			continue
		}
		size := roundUp(ceil(n, has), 16)
		return e, first + i*size, first + min(n, (i+1)*size)
	}
	return 0, 0, 0
}

// rows computes a block of rows with the weight of its expert.
func (x *experts) rows(_, part int) {
	e, r0, r1 := x.cut(part / x.cols.count())
	if r0 == r1 {
		return
	}
	c0, c1 := x.cols.at(part % x.cols.count())
	out, beta := x.c[r0*x.N+c0:], x.beta
	if x.carry != nil {
		x.k.AddBias(out, nil, x.carry[r0*x.N+c0:], r1-r0, c1-c0, x.N, x.N)
		beta = 1
	}
	w, ld, turn := x.b[e*x.N*x.K:], x.N, x.Layout == graph.NT
	if turn {
		w, ld = w[c0*x.K:], x.K
	} else {
		w = w[c0:]
	}
	x.lib.Gemm(false, turn, r1-r0, c1-c0, x.K, 1, x.a[r0*x.K:], x.K, w, ld, beta, out, x.N)
}

// gradient adds to some columns of the gradient of one expert's weight.
func (x *experts) gradient(_, part int) {
	e := part / x.cols.count()
	r0, r1 := int(x.offsets[e]), int(x.offsets[e+1])
	if r0 == r1 {
		return
	}
	c0, c1 := x.cols.at(part % x.cols.count())
	x.lib.Gemm(true, false, x.N, c1-c0, r1-r0, 1, x.a[r0*x.N:], x.N, x.b[r0*x.K+c0:], x.K, x.beta,
		x.c[e*x.N*x.K+c0:], x.K)
}
