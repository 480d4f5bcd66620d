package cpu

import (
	"github.com/evenkeel/evenkeel/metal/cpu/blas"
	"github.com/evenkeel/evenkeel/metal/cpu/kernels"
	"github.com/evenkeel/evenkeel/model/graph"
)

// product is C = op(A) op(B) + beta*C + bias + carry, cut into panels of C.
type product struct {
	lib         *blas.Library
	k           *kernels.Set
	ta, tb      bool
	m, n, depth int
	a, b, c     []float32
	lda, ldb    int
	beta        float32
	bias, carry []float32
	rows, cols  blocks // of C
}

// The smallest and the largest panel worth giving to a worker, in multiply-adds. Measured on one core
// with OpenBLAS (Haswell kernels), depth 256, width 768, against a square of 2,048: panels of 256 rows
// reach 99 % of its speed, of 128 rows 95 %, of 64 rows 85 %. Larger panels let workers wait for each
// other at the end of a stage. Cut so, a step of the benchmark reaches about 80 % of the square.
const (
	panelMin = 1 << 22
	panelMax = 1 << 25
)

// panels cuts C by shape: in halves, the longer side first, until there are enough parts and none is
// too large. Depth is never cut, so that an element is one chain of sums.
func (p *product) panels() {
	r, c := p.m, p.n
	for {
		work, parts := r*c*p.depth, ceil(p.m, r)*ceil(p.n, c)
		if work <= panelMin || parts >= 8 && work <= panelMax || r < 64 && c < 64 {
			break
		}
		if r >= c || c < 64 {
			r = roundUp(ceil(r, 2), 16)
		} else {
			c = roundUp(ceil(c, 2), 16)
		}
	}
	p.rows, p.cols = blocks{p.m, r}, blocks{p.n, c}
}

func ceil(n, by int) int { return (n + by - 1) / by }

func roundUp(n, to int) int { return ceil(n, to) * to }

func (p *product) parts() int { return p.rows.count() * p.cols.count() }

// run computes one panel.
func (p *product) run(_, part int) {
	r0, r1 := p.rows.at(part / p.cols.count())
	c0, c1 := p.cols.at(part % p.cols.count())
	out, a, b, beta := p.c[r0*p.n+c0:], p.a, p.b, p.beta
	if p.ta {
		a = a[r0:]
	} else {
		a = a[r0*p.lda:]
	}
	if p.tb {
		b = b[c0*p.ldb:]
	} else {
		b = b[c0:]
	}
	if p.bias != nil || p.carry != nil {
		var bias, carry []float32
		if p.bias != nil {
			bias = p.bias[c0:c1]
		}
		if p.carry != nil {
			carry = p.carry[r0*p.n+c0:]
		}
		p.k.AddBias(out, bias, carry, r1-r0, c1-c0, p.n, p.n)
		beta = 1
	}
	p.lib.Gemm(p.ta, p.tb, r1-r0, c1-c0, p.depth, 1, a, p.lda, b, p.ldb, beta, out, p.n)
}

// product prepares C = op(A) op(B) of a layout.
func (c *compiler) product(l graph.Layout, m, n, depth int, a, b, out []float32) *product {
	p := &product{
		lib: c.d.lib, k: c.d.k, ta: l == graph.TN, tb: l == graph.NT, m: m, n: n, depth: depth,
		a: a, b: b, c: out, lda: depth, ldb: n,
	}
	if p.ta {
		p.lda = m
	}
	if p.tb {
		p.ldb = depth
	}
	p.panels()
	return p
}

// add puts the panels into a phase.
func (p *product) add(c *compiler) {
	reads := floats(p.a, p.b, p.bias, p.carry)
	if p.beta != 0 {
		reads = append(reads, regionOf(p.c))
	}
	c.phase(p.parts(), reads, floats(p.c), p.run)
}

// matMul is a linear layer or one of its gradients. A carry that lives where the result goes is what
// BLAS calls beta 1.
func matMul(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.MatMulAttr)
	p := c.product(at.Layout, at.M, at.N, at.K, c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0]))
	p.bias, p.carry = c.f(op.In[2]), c.f(op.In[3])
	if op.Out[0].Role == graph.Grad {
		p.beta = 1
	}
	if p.carry != nil && &p.carry[0] == &p.c[0] {
		if p.bias == nil {
			p.carry = nil
		}
		p.beta = 1
	}
	p.add(c)
}

// colSum adds the column sums of x to the gradient of a bias.
func colSum(c *compiler, op *graph.Op) {
	c.sumRows(c.f(op.Out[0]), c.f(op.In[0]), op.In[0].Rows(), op.In[0].Width())
}
