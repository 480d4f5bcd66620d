package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// attention is, for each sequence, query head h (reading key/value head h div (H/K)) and token i:
//
//	s[j] = scale * q[i].k[j] for j <= i;   lse = log sum_j exp(s[j])
//	o[i] = sum_j exp(s[j]-lse) v[j];       top = max over i, j of s[j]
func attention(p *program, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	q, k, v := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2])
	o, lse, top := p.sum(op.Out[0]), p.f(op.Out[1]), p.f(op.Out[2])
	s := make([]float64, a.T)
	for b := range a.B {
		for h := range a.H {
			kv := h / (a.H / a.K)
			largest := math.Inf(-1)
			for i := range a.T {
				s := s[:i+1]
				row := b*a.T + i
				for j := range s {
					s[j] = a.Scale * dot(head(q, row, a.H, h, a.D), head(k, b*a.T+j, a.K, kv, a.D))
				}
				l := logSumExp(s)
				for j := range s {
					axpy(head(o, row, a.H, h, a.DV), math.Exp(s[j]-l), head(v, b*a.T+j, a.K, kv, a.DV))
					largest = math.Max(largest, s[j])
				}
				lse[(b*a.H+h)*a.T+i] = l
			}
			if top != nil {
				top[b*a.H+h] = largest
			}
		}
	}
}

// attentionGrad is, with P[j] = exp(s[j]-lse) and dP[j] = do[i].v[j]:
//
//	dv[j] += P[j] do[i];   dS[j] = scale * P[j] * (dP[j] - do[i].o[i])
//	dq[i] += dS[j] k[j];   dk[j] += dS[j] q[i]
func attentionGrad(p *program, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	q, k, v := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2])
	o, lse, do := p.f(op.In[3]), p.f(op.In[4]), p.f(op.In[5])
	dq, dk, dv := p.sum(op.Out[0]), p.sum(op.Out[1]), p.sum(op.Out[2])
	for b := range a.B {
		for h := range a.H {
			kv := h / (a.H / a.K)
			for i := range a.T {
				row := b*a.T + i
				qi, dqi := head(q, row, a.H, h, a.D), head(dq, row, a.H, h, a.D)
				doi := head(do, row, a.H, h, a.DV)
				delta := dot(doi, head(o, row, a.H, h, a.DV))
				l := lse[(b*a.H+h)*a.T+i]
				for j := range i + 1 {
					col := b*a.T + j
					kj := head(k, col, a.K, kv, a.D)
					P := math.Exp(a.Scale*dot(qi, kj) - l)
					dP := dot(doi, head(v, col, a.K, kv, a.DV))
					dS := a.Scale * P * (dP - delta)
					axpy(head(dv, col, a.K, kv, a.DV), P, doi)
					axpy(dqi, dS, kj)
					axpy(head(dk, col, a.K, kv, a.D), dS, qi)
				}
			}
		}
	}
}

// cacheWrite copies the T new keys and values of each sequence to cache rows pos .. pos+T-1; latent
// values are part of the keys.
func cacheWrite(p *program, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	pos := p.offset(op.In[2])
	for i := range 2 {
		src, dst := p.f(op.In[i]), p.f(op.Out[i])
		if src == nil {
			continue
		}
		n := op.In[i].Width()
		for b := range a.B {
			copy(dst[(b*a.S+pos)*n:], src[b*a.T*n:(b+1)*a.T*n])
		}
	}
}

// attentionCached is attention in which new token i of a sequence sees cache rows 0 .. pos+i. Latent
// values are the first DV elements of the keys.
func attentionCached(p *program, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	q, k, v, pos := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2]), p.offset(op.In[3])
	o := p.sum(op.Out[0])
	for b := range a.B {
		for h := range a.H {
			kv := h / (a.H / a.K)
			for i := range a.T {
				row := b*a.T + i
				s := make([]float64, pos+i+1)
				for j := range s {
					s[j] = a.Scale * dot(head(q, row, a.H, h, a.D), head(k, b*a.S+j, a.K, kv, a.D))
				}
				l := logSumExp(s)
				for j := range s {
					value := head(k, b*a.S+j, a.K, kv, a.D)
					if !a.Latent {
						value = head(v, b*a.S+j, a.K, kv, a.DV)
					}
					axpy(head(o, row, a.H, h, a.DV), math.Exp(s[j]-l), value)
				}
			}
		}
	}
}

// head is head h of row r in a tensor whose rows hold heads of d elements side by side.
func head(x []float64, r, heads, h, d int) []float64 {
	at := (r*heads + h) * d
	return x[at : at+d]
}

// logSumExp is log(sum(exp(s))), taken around the largest element so that nothing overflows.
func logSumExp(s []float64) float64 {
	top := math.Inf(-1)
	for _, v := range s {
		top = math.Max(top, v)
	}
	sum := 0.0
	for _, v := range s {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
