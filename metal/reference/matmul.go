package reference

import "github.com/evenkeel/evenkeel/model/graph"

// matMul is c = product + bias + carry, added to c where c is a parameter gradient:
//
//	NT: c[m,n] = sum_k a[m,k] b[n,k]    NN: sum_k a[m,k] b[k,n]    TN: sum_k a[k,m] b[k,n]
func matMul(p *program, op *graph.Op) {
	at := op.Attr.(graph.MatMulAttr)
	a, b, bias, carry := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2]), p.f(op.In[3])
	c := p.sum(op.Out[0])
	M, N, K := at.M, at.N, at.K
	for m := range M {
		row := c[m*N : m*N+N]
		if carry != nil {
			axpy(row, 1, carry[m*N:])
		}
		if bias != nil {
			axpy(row, 1, bias)
		}
		switch at.Layout {
		case graph.NT:
			for n := range N {
				row[n] += dot(a[m*K:m*K+K], b[n*K:])
			}
		case graph.NN:
			for k := range K {
				axpy(row, a[m*K+k], b[k*N:])
			}
		case graph.TN:
			for k := range K {
				axpy(row, a[k*M+m], b[k*N:])
			}
		}
	}
}

// colSum is the gradient of a bias: y[n] += sum_m x[m,n].
func colSum(p *program, op *graph.Op) {
	x, y := p.f(op.In[0]), p.sum(op.Out[0])
	for len(x) > 0 {
		axpy(y, 1, x)
		x = x[len(y):]
	}
}

// dot is the sum of x[i] y[i] over the length of x.
func dot(x, y []float64) float64 {
	s := 0.0
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

// axpy is y += a x over the length of y.
func axpy(y []float64, a float64, x []float64) {
	for i := range y {
		y[i] += a * x[i]
	}
}
