package cpu

import (
	"math"

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
	maxNorm, cs, k := c.f(op.In[0]), c.chunks(), c.d.k
	grads := c.st.arenas[device.Grads]
	total, layer, param := c.f(op.Out[0]), c.f(op.Out[1]), c.f(op.Out[2])
	clip, nonfinite := c.f(op.Out[3]), c.f(op.Out[4])
	sums, bad := make([]float64, len(cs)), make([]float64, len(cs))
	partial := []region{regionOf(sums), regionOf(bad)}
	c.phase(len(cs), floats(grads), partial, func(_, part int) {
		ch := cs[part]
		k.SumSquares(sums[part:], bad[part:], grads[ch.from:ch.to], ch.to-ch.from)
	})
	params, layers := make([]float64, len(param)), make([]float64, len(layer))
	c.phase(1, append(floats(maxNorm), partial...), floats(total, layer, param, clip, nonfinite),
		func(_, _ int) {
			clear(params)
			clear(layers)
			clear(nonfinite)
			for i, ch := range cs {
				params[ch.param] += sums[i]
				nonfinite[ch.param] += float32(bad[i])
			}
			all := 0.0
			for i, ss := range params {
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
		})
}

// adamW updates every parameter in chunks. Nothing happens when some gradient is not finite.
func adamW(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.AdamWAttr)
	lr, bias1, bias2 := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2])
	clip, nonfinite := c.f(op.In[3]), c.f(op.In[4])
	a, cs, k := &c.st.arenas, c.chunks(), c.d.k
	p, g, m, v := a[device.Params], a[device.Grads], a[device.Moment1], a[device.Moment2]
	c.phase(len(cs), floats(lr, bias1, bias2, clip, nonfinite, g), floats(p, m, v), func(_, part int) {
		for _, n := range nonfinite {
			if n != 0 {
				return
			}
		}
		ch, rate := cs[part], float64(lr[0])
		decay := 0.0
		if c.g.Schema.Params[ch.param].Decay {
			decay = rate * at.WeightDecay
		}
		k.AdamW(p[ch.from:], g[ch.from:], m[ch.from:], v[ch.from:], ch.to-ch.from, clip[0],
			float32(at.Beta1), float32(1-at.Beta1), float32(at.Beta2), float32(1-at.Beta2),
			float32(decay), float32(rate/float64(bias1[0])), float32(1/math.Sqrt(float64(bias2[0]))),
			float32(at.Eps))
	})
}

// clearGrads sets every gradient to zero.
func clearGrads(c *compiler, _ *graph.Op) {
	grads := c.st.arenas[device.Grads]
	b := blocks{len(grads), chunkLen}
	c.phase(b.count(), nil, floats(grads), func(_, part int) {
		from, to := b.at(part)
		clear(grads[from:to])
	})
}
