package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// lmLoss is, over the rows r with a target t >= 0, with z = x[r] w^T + bias and P = softmax(z):
//
//	loss = scale * sum_r (logsumexp(z) - z[t])
//	dz[v] = scale * (P[v] - [v = t]);   dx[r] = dz w;   dw[v] += dz[v] x[r];   dbias += dz
//
// Chunk is only a hint on memory; here one row of logits exists at a time.
func lmLoss(p *program, op *graph.Op) {
	at := op.Attr.(graph.LMLossAttr)
	x, w, targets, bias := p.f(op.In[0]), p.f(op.In[1]), p.i(op.In[2]), p.f(op.In[3])
	loss, dx, dw, dbias := p.sum(op.Out[0]), p.sum(op.Out[1]), p.f(op.Out[2]), p.f(op.Out[3])
	D := at.D
	z := make([]float64, at.V)
	for r, t := range targets {
		if t < 0 {
			continue
		}
		x := x[r*D : r*D+D]
		for v := range z {
			z[v] = dot(x, w[v*D:])
			if bias != nil {
				z[v] += bias[v]
			}
		}
		l := logSumExp(z)
		loss[0] += at.Scale * (l - z[t])
		if !at.Train {
			continue
		}
		for v := range z {
			dz := at.Scale * math.Exp(z[v]-l)
			if v == int(t) {
				dz -= at.Scale
			}
			axpy(dx[r*D:r*D+D], dz, w[v*D:])
			axpy(dw[v*D:v*D+D], dz, x)
			if dbias != nil {
				dbias[v] += dz
			}
		}
	}
}
