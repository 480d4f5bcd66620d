package reference

import "github.com/evenkeel/evenkeel/model/graph"

// gather is y[place] = x[source[place] div K].
func gather(p *program, op *graph.Op) {
	at := op.Attr.(graph.ChoicesAttr)
	x, source, y := p.f(op.In[0]), p.i(op.In[1]), p.f(op.Out[0])
	D := op.In[0].Width()
	for place, choice := range source {
		t := int(choice) / at.K
		copy(y[place*D:place*D+D], x[t*D:])
	}
}

// combine is out[t] = carry[t] + sum_j gates[t,j] * y[pos[t*K+j]], in the order of j; absent gates are 1.
func combine(p *program, op *graph.Op) {
	at := op.Attr.(graph.ChoicesAttr)
	y, gates, pos, carry := p.f(op.In[0]), p.f(op.In[1]), p.i(op.In[2]), p.f(op.In[3])
	out := p.sum(op.Out[0])
	D := op.Out[0].Width()
	for t := range at.R {
		row := out[t*D : t*D+D]
		for c := t * at.K; c < t*at.K+at.K; c++ {
			g := 1.0
			if gates != nil {
				g = gates[c]
			}
			axpy(row, g, y[int(pos[c])*D:])
		}
		if carry != nil {
			axpy(row, 1, carry[t*D:])
		}
	}
}

// combineGrad is dy[pos[t*K+j]] = gates[t,j] * dout[t]; dgates[t,j] = dout[t] . y[pos[t*K+j]].
func combineGrad(p *program, op *graph.Op) {
	at := op.Attr.(graph.ChoicesAttr)
	dout, y, gates, pos := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2]), p.i(op.In[3])
	dy, dgates := p.sum(op.Out[0]), p.f(op.Out[1])
	D := op.In[0].Width()
	for c, place := range pos {
		dout, at := dout[c/at.K*D:c/at.K*D+D], int(place)*D
		axpy(dy[at:at+D], gates[c], dout)
		dgates[c] = dot(dout, y[at:])
	}
}

// expertMatMul multiplies rows offsets[e] to offsets[e+1] by the weight of expert e:
//
//	NT: c[r,n] = sum_k a[r,k] w[e,n,k]    NN: c[r,n] = sum_k a[r,k] w[e,k,n]    (+ carry)
//	TN: c[e,n,k] += sum_r a[r,n] b[r,k]
func expertMatMul(p *program, op *graph.Op) {
	at := op.Attr.(graph.ExpertMatMulAttr)
	a, b, offsets, carry := p.f(op.In[0]), p.f(op.In[1]), p.i(op.In[2]), p.f(op.In[3])
	c := p.sum(op.Out[0])
	N, K := at.N, at.K
	for e := range at.E {
		for r := int(offsets[e]); r < int(offsets[e+1]); r++ {
			switch at.Layout {
			case graph.NT:
				for n := range N {
					c[r*N+n] = dot(a[r*K:r*K+K], b[(e*N+n)*K:])
				}
			case graph.NN:
				for k := range K {
					axpy(c[r*N:r*N+N], a[r*K+k], b[(e*K+k)*N:])
				}
			case graph.TN:
				for n := range N {
					row := (e*N + n) * K
					axpy(c[row:row+K], a[r*N+n], b[r*K:])
				}
			}
		}
	}
	for i, v := range carry {
		c[i] += v
	}
}
