package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// route is, for each token: p = softmax(logits); the K largest p, the lower expert first among equals,
// are the choices and their p the gates, divided by their sum where Renorm. Choice t*K+j goes to the
// next free place of its expert, so that places follow the order of experts and then of choices.
func route(p *program, op *graph.Op) {
	at := op.Attr.(graph.RouteAttr)
	logits, probs, gates, lse := p.f(op.In[0]), p.f(op.Out[0]), p.f(op.Out[1]), p.f(op.Out[2])
	index := p.i(op.Out[3])
	for t := range at.R {
		z, q := logits[t*at.E:t*at.E+at.E], probs[t*at.E:t*at.E+at.E]
		lse[t] = logSumExp(z)
		for e, v := range z {
			q[e] = math.Exp(v - lse[t])
		}
		choose(q, index[t*at.K:t*at.K+at.K])
		sum := 0.0
		for j := range at.K {
			gates[t*at.K+j] = q[index[t*at.K+j]]
			sum += gates[t*at.K+j]
		}
		for j := range at.K {
			if at.Renorm {
				gates[t*at.K+j] /= sum
			}
		}
	}
	place(index, p.i(op.Out[4]), p.i(op.Out[5]), p.i(op.Out[6]))
	routeStats(at, probs, lse, p.i(op.Out[6]), p.f(op.Out[7]), p.f(op.Out[8]))
}

// choose finds the largest of q, one for each element of index. NaN never wins against a number before
// it, and no element is chosen twice whatever q holds.
func choose(q []float64, index []int32) {
	taken := make([]bool, len(q))
	for j := range index {
		best := -1
		for e, v := range q {
			if !taken[e] && (best < 0 || v > q[best]) {
				best = e
			}
		}
		taken[best] = true
		index[j] = int32(best)
	}
}

// place sorts the choices by expert, stably.
func place(index, pos, source, offsets []int32) {
	next := int32(0)
	for e := range int32(len(offsets) - 1) {
		offsets[e] = next
		for c, chosen := range index {
			if chosen == e {
				pos[c], source[next] = next, int32(c)
				next++
			}
		}
	}
	offsets[len(offsets)-1] = next
}

// routeStats writes the choices per expert and the numbers of [graph.RouteStats].
func routeStats(at graph.RouteAttr, probs, lse []float64, offsets []int32, load, stats []float64) {
	if stats == nil {
		return
	}
	clear(stats)
	for e := range at.E {
		load[e] = float64(offsets[e+1] - offsets[e])
		mean := 0.0
		for t := range at.R {
			p := probs[t*at.E+e]
			mean += p / float64(at.R)
			if p > 0 || math.IsNaN(p) {
				stats[graph.StatEntropy] -= p * math.Log(p) / float64(at.R)
			}
		}
		stats[graph.StatBalance] += at.Balance * load[e] * mean
		stats[graph.StatBusiest] = math.Max(stats[graph.StatBusiest], load[e]/float64(at.R*at.K))
	}
	stats[graph.StatZ] = at.Z * dot(lse, lse)
}

// routeGrad is, with S the sum of the chosen p where the gates were divided by it:
//
//	dp[chosen j] = dgate[j], or (dgate[j] - sum_i dgate[i]*gate[i]) / S;   dp[e] += Balance*count_e/R
//	dlogits = p*(dp - sum(p*dp)) + 2*Z*lse*p
func routeGrad(p *program, op *graph.Op) {
	at := op.Attr.(graph.RouteAttr)
	dgates, probs, gates, lse := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2]), p.f(op.In[3])
	index, offsets, dlogits := p.i(op.In[4]), p.i(op.In[5]), p.f(op.Out[0])
	dp := make([]float64, at.E)
	for t := range at.R {
		q, chosen := probs[t*at.E:t*at.E+at.E], index[t*at.K:t*at.K+at.K]
		dg := dgates[t*at.K : t*at.K+at.K]
		for e := range dp {
			dp[e] = at.Balance * float64(offsets[e+1]-offsets[e]) / float64(at.R)
		}
		shift, sum := 0.0, 1.0
		if at.Renorm {
			shift, sum = dot(dg, gates[t*at.K:]), 0
			for _, e := range chosen {
				sum += q[e]
			}
		}
		for j, e := range chosen {
			dp[e] += (dg[j] - shift) / sum
		}
		mean := dot(q, dp)
		for e, v := range q {
			dlogits[t*at.E+e] = v*(dp[e]-mean) + 2*at.Z*lse[t]*v
		}
	}
}
