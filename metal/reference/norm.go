package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// norm is, for each row of n = Width elements, with m = mean(x) for ln and 0 for rms:
//
//	r = (mean((x-m)^2) + eps)^-1/2;   y = scale*(g*(x-m)*r + b)
func norm(p *program, op *graph.Op) {
	at := op.Attr.(graph.NormAttr)
	if at.Kind == graph.CRMS {
		crms(p, op)
		return
	}
	x, gain, bias := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2])
	y, rs, means := p.f(op.Out[0]), p.f(op.Out[1]), p.f(op.Out[2])
	n := at.Width
	for row := range rs {
		x, y := x[row*n:row*n+n], y[row*n:row*n+n]
		m := 0.0
		if at.Kind == graph.LN {
			for _, v := range x {
				m += v / float64(n)
			}
			means[row] = m
		}
		ss := 0.0
		for _, v := range x {
			ss += (v - m) * (v - m)
		}
		r := 1 / math.Sqrt(ss/float64(n)+at.Eps)
		rs[row] = r
		for i, v := range x {
			v = (v - m) * r
			if gain != nil {
				v *= gain[i]
			}
			if bias != nil {
				v += bias[i]
			}
			y[i] = at.Scale * v
		}
	}
}

// normGrad is, with xh = (x-m)*r and u = scale*dy*g:
//
//	dx = carry + r*(u - mean(u) [ln only] - xh*mean(u*xh))
//	dg += sum over rows of scale*dy*xh;   db += sum over rows of scale*dy
func normGrad(p *program, op *graph.Op) {
	at := op.Attr.(graph.NormAttr)
	if at.Kind == graph.CRMS {
		crmsGrad(p, op)
		return
	}
	dy, x, gain := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2])
	rs, means, carry := p.f(op.In[3]), p.f(op.In[4]), p.f(op.In[5])
	dx, dgain, dbias := p.f(op.Out[0]), p.f(op.Out[1]), p.f(op.Out[2])
	n := at.Width
	u, xh := make([]float64, n), make([]float64, n)
	for row, r := range rs {
		m, meanU, meanUX := 0.0, 0.0, 0.0
		if at.Kind == graph.LN {
			m = means[row]
		}
		for i := range n {
			dy := at.Scale * dy[row*n+i]
			xh[i] = (x[row*n+i] - m) * r
			u[i] = dy
			if gain != nil {
				u[i] *= gain[i]
				dgain[i] += dy * xh[i]
			}
			if dbias != nil {
				dbias[i] += dy
			}
			meanU += u[i] / float64(n)
			meanUX += u[i] * xh[i] / float64(n)
		}
		if at.Kind == graph.RMS {
			meanU = 0
		}
		for i := range n {
			d := r * (u[i] - meanU - xh[i]*meanUX)
			if carry != nil {
				d += carry[row*n+i]
			}
			dx[row*n+i] = d
		}
	}
}
