package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// gradNorms measures the gradients: the L2 norm over all, per block (last entry: outside the blocks)
// and per parameter, the factor min(1, max_norm/(norm+1e-6)) (1 when max_norm is 0), and the number
// of NaN and infinite elements per parameter. The clip of gates, whose gradients have the norm n, is
// clip * min(1, max_gate/(clip*n+1e-6)) (clip when max_gate is 0).
func gradNorms(p *program, op *graph.Op) {
	maxNorm := p.f(op.In[0])[0]
	total, layer, param := p.sum(op.Out[0]), p.sum(op.Out[1]), p.sum(op.Out[2])
	clip, nonfinite := p.f(op.Out[3]), p.sum(op.Out[4])
	gates := 0.0
	for i, g := range p.st.params[device.Grads] {
		ss := 0.0
		for _, v := range g {
			ss += v * v
			if math.IsNaN(v) || math.IsInf(v, 0) {
				nonfinite[i]++
			}
		}
		l := p.g.Schema.Params[i].Layer
		if l < 0 {
			l = p.g.Schema.Layers
		}
		if p.g.Schema.Params[i].Gate {
			gates += ss
		}
		param[i] = math.Sqrt(ss)
		layer[l] += ss
		total[0] += ss
	}
	for i, ss := range layer {
		layer[i] = math.Sqrt(ss)
	}
	total[0] = math.Sqrt(total[0])
	clip[0] = 1
	if maxNorm > 0 {
		clip[0] = math.Min(1, maxNorm/(total[0]+1e-6))
	}
	if op.Out[5] == nil {
		return
	}
	clipGate, maxGate := p.f(op.Out[5]), p.f(op.In[1])[0]
	clipGate[0] = clip[0]
	if maxGate > 0 {
		clipGate[0] *= math.Min(1, maxGate/(clip[0]*math.Sqrt(gates)+1e-6))
	}
}

// adamW is, for each element with gradient g, unless some gradient is not finite:
//
//	w -= lr*wd*w (parameters that decay);   g' = clip*g
//	m = b1*m + (1-b1)*g';   v = b2*v + (1-b2)*g'^2
//	w -= lr * (m/bias1) / (sqrt(v/bias2) + eps)
//
// Gates have a clip of their own where it is given.
func adamW(p *program, op *graph.Op) {
	at := op.Attr.(graph.AdamWAttr)
	lr, bias1, bias2 := p.f(op.In[0])[0], p.f(op.In[1])[0], p.f(op.In[2])[0]
	clip := p.f(op.In[3])[0]
	clipGate := clip
	if op.In[5] != nil {
		clipGate = p.f(op.In[5])[0]
	}
	for _, n := range p.f(op.In[4]) {
		if n != 0 {
			return
		}
	}
	for i := range p.g.Schema.Params {
		w, grad := p.st.params[device.Params][i], p.st.params[device.Grads][i]
		m, v := p.st.params[device.Moment1][i], p.st.params[device.Moment2][i]
		clip := clip
		if p.g.Schema.Params[i].Gate {
			clip = clipGate
		}
		for j, g := range grad {
			if p.g.Schema.Params[i].Decay {
				w[j] -= lr * at.WeightDecay * w[j]
			}
			g *= clip
			m[j] = at.Beta1*m[j] + (1-at.Beta1)*g
			v[j] = at.Beta2*v[j] + (1-at.Beta2)*g*g
			w[j] -= lr * (m[j] / bias1) / (math.Sqrt(v[j]/bias2) + at.Eps)
		}
	}
}

// clearGrads sets every gradient to zero.
func clearGrads(p *program, _ *graph.Op) {
	for _, g := range p.st.params[device.Grads] {
		clear(g)
	}
}
