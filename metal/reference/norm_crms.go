package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// crms is the rms norm of a row x followed by -sum(x), without that last element. With m = sum(x):
//
//	r = ((sum(x^2) + m^2)/(n+1) + eps)^-1/2;   y = scale*x*r
func crms(p *program, op *graph.Op) {
	at := op.Attr.(graph.NormAttr)
	x, y, rs, ms := p.f(op.In[0]), p.f(op.Out[0]), p.f(op.Out[1]), p.f(op.Out[2])
	n := at.Width
	for row := range rs {
		x := x[row*n : row*n+n]
		m := 0.0
		for _, v := range x {
			m += v
		}
		r := 1 / math.Sqrt((dot(x, x)+m*m)/float64(n+1)+at.Eps)
		rs[row], ms[row] = r, m
		for i, v := range x {
			y[row*n+i] = at.Scale * v * r
		}
	}
}

// crmsGrad is, with u = scale*dy: dx = carry + r*u - r^3*sum(u*x)/(n+1)*(x + m).
func crmsGrad(p *program, op *graph.Op) {
	at := op.Attr.(graph.NormAttr)
	dy, x := p.f(op.In[0]), p.f(op.In[1])
	rs, ms, carry, dx := p.f(op.In[3]), p.f(op.In[4]), p.f(op.In[5]), p.f(op.Out[0])
	n := at.Width
	for row, r := range rs {
		dy, x := dy[row*n:row*n+n], x[row*n:row*n+n]
		back := r * r * r * at.Scale * dot(dy, x) / float64(n+1)
		for i, v := range x {
			d := r*at.Scale*dy[i] - back*(v+ms[row])
			if carry != nil {
				d += carry[row*n+i]
			}
			dx[row*n+i] = d
		}
	}
}
