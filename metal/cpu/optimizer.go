package cpu

import (
	"math"
	"slices"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// chunkLen is the number of elements of one part of the optimizer and of one partial sum of the
// gradient norms.
const chunkLen = 1 << 16

// chunk is a range of one parameter.
type chunk struct{ param, from, to int }

// chunks cuts every parameter.
func (c *compiler) chunks() []chunk {
	var cs []chunk
	for i := range c.g.Schema.Params {
		p := &c.g.Schema.Params[i]
		for n := 0; n < p.Len(); n += chunkLen {
			cs = append(cs, chunk{i, p.Offset + n, p.Offset + min(n+chunkLen, p.Len())})
		}
	}
	return cs
}

// gradNorms measures each chunk, then adds the chunks of each parameter, block and model in order.
func gradNorms(c *compiler, op *graph.Op) {
	maxNorm, maxGate, cs, k := c.f(op.In[0]), c.f(op.In[1]), c.chunks(), c.d.k
	grads := c.st.arenas[device.Grads]
	total, layer, param := c.f(op.Out[0]), c.f(op.Out[1]), c.f(op.Out[2])
	clip, nonfinite, clipGate := c.f(op.Out[3]), c.f(op.Out[4]), c.f(op.Out[5])
	sums, bad := make([]float64, len(cs)), make([]float64, len(cs))
	partial := []region{regionOf(sums), regionOf(bad)}
	c.phase(len(cs), floats(grads), partial, func(_, part int) {
		ch := cs[part]
		k.SumSquares(sums[part:], bad[part:], grads[ch.from:ch.to], ch.to-ch.from)
	})
	params, layers := make([]float64, len(param)), make([]float64, len(layer))
	c.phase(1, append(floats(maxNorm, maxGate), partial...),
		floats(total, layer, param, clip, nonfinite, clipGate),
		func(_, _ int) {
			clear(params)
			clear(layers)
			clear(nonfinite)
			for i, ch := range cs {
				params[ch.param] += sums[i]
				nonfinite[ch.param] += float32(bad[i])
			}
			all, gates := 0.0, 0.0
			for i, ss := range params {
				if c.g.Schema.Params[i].Gate {
					gates += ss
				}
				l := c.g.Schema.Params[i].Layer
				if l < 0 {
					l = len(layers) - 1
				}
				param[i] = float32(math.Sqrt(ss))
				layers[l] += ss
				all += ss
			}
			for i, ss := range layers {
				layer[i] = float32(math.Sqrt(ss))
			}
			norm := math.Sqrt(all)
			total[0], clip[0] = float32(norm), 1
			if m := float64(maxNorm[0]); m > 0 {
				clip[0] = float32(min(1, m/(norm+1e-6)))
			}
			if clipGate == nil {
				return
			}
			clipGate[0] = clip[0]
			if m, f := float64(maxGate[0]), float64(clip[0]); m > 0 {
				clipGate[0] = float32(f * min(1, m/(f*math.Sqrt(gates)+1e-6)))
			}
		})
}

// cacheLen is the number of elements that AdamW updates before it clears their gradients, which are
// then still in the nearer cache.
const cacheLen = 1 << 13

// clears tells whether op number i clears the gradients.
func (c *compiler) clears(i int) bool { return i < len(c.g.Ops) && c.g.Ops[i].Kind == graph.OpClear }

// adamW updates every parameter in chunks. Nothing happens when some gradient is not finite. A clear
// that follows is done on the way: each pass over the state of a large model is a tenth of a step.
func adamW(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.AdamWAttr)
	lr, bias1, bias2 := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2])
	clip, nonfinite, clipGate := c.f(op.In[3]), c.f(op.In[4]), c.f(op.In[5])
	a, cs, k := &c.st.arenas, c.chunks(), c.d.k
	p, g, m, v := a[device.Params], a[device.Grads], a[device.Moment1], a[device.Moment2]
	reads, writes := floats(lr, bias1, bias2, clip, nonfinite, clipGate, g), floats(p, m, v)
	clears := c.clears(op.Index + 1)
	if clears {
		writes = append(writes, regionOf(g))
	}
	c.phase(len(cs), reads, writes, func(_, part int) {
		ch := cs[part]
		spec := &c.g.Schema.Params[ch.param]
		if slices.ContainsFunc(nonfinite, func(n float32) bool { return n != 0 }) {
			if clears {
				clear(g[ch.from:ch.to])
			}
			return
		}
		rate, decay, factor := float64(lr[0]), 0.0, clip[0]
		if spec.Decay {
			decay = rate * at.WeightDecay
		}
		if spec.Gate && clipGate != nil {
			factor = clipGate[0]
		}
		for from := ch.from; from < ch.to; from += cacheLen {
			n := min(cacheLen, ch.to-from)
			k.AdamW(p[from:], g[from:], m[from:], v[from:], n, factor, float32(at.Beta1),
				float32(1-at.Beta1), float32(at.Beta2), float32(1-at.Beta2), float32(decay),
				float32(rate/float64(bias1[0])), float32(1/math.Sqrt(float64(bias2[0]))), float32(at.Eps))
			if clears {
				clear(g[from:][:n])
			}
		}
	})
}

// clearGrads sets every gradient to zero, unless the update before has done it.
func clearGrads(c *compiler, op *graph.Op) {
	if op.Index > 0 && c.g.Ops[op.Index-1].Kind == graph.OpAdamW {
		return
	}
	grads := c.st.arenas[device.Grads]
	b := blocks{len(grads), chunkLen}
	c.phase(b.count(), nil, floats(grads), func(_, part int) {
		from, to := b.at(part)
		clear(grads[from:to])
	})
}
