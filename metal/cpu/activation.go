package cpu

import "github.com/evenkeel/evenkeel/model/graph"

// swiglu is y = silu(gate)*up.
func swiglu(c *compiler, op *graph.Op) {
	gate, up, y, k := c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0]), c.d.k
	b := blocks{len(y), partLen}
	c.phase(b.count(), floats(gate, up), floats(y), func(_, part int) {
		from, to := b.at(part)
		k.SwiGLU(y[from:to], gate[from:to], up[from:to], to-from)
	})
}

// swigluGrad makes dgate and dup.
func swigluGrad(c *compiler, op *graph.Op) {
	gate, up, dy, k := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2]), c.d.k
	dgate, dup := c.f(op.Out[0]), c.f(op.Out[1])
	b := blocks{len(dy), partLen}
	c.phase(b.count(), floats(gate, up, dy), floats(dgate, dup), func(_, part int) {
		from, to := b.at(part)
		k.SwiGLUGrad(dgate[from:to], dup[from:to], gate[from:to], up[from:to], dy[from:to], to-from)
	})
}

// activation is y = fn(x).
func activation(c *compiler, op *graph.Op) {
	x, y := c.f(op.In[0]), c.f(op.Out[0])
	fn := c.d.k.GELU
	if op.Attr.(graph.ActivationAttr).Fn == graph.ReLU {
		fn = c.d.k.ReLU
	}
	b := blocks{len(y), partLen}
	c.phase(b.count(), floats(x), floats(y), func(_, part int) {
		from, to := b.at(part)
		fn(y[from:to], x[from:to], to-from)
	})
}

// activationGrad is dx = dy*fn'(x).
func activationGrad(c *compiler, op *graph.Op) {
	x, dy, dx := c.f(op.In[0]), c.f(op.In[1]), c.f(op.Out[0])
	fn := c.d.k.GELUGrad
	if op.Attr.(graph.ActivationAttr).Fn == graph.ReLU {
		fn = c.d.k.ReLUGrad
	}
	b := blocks{len(dx), partLen}
	c.phase(b.count(), floats(x, dy), floats(dx), func(_, part int) {
		from, to := b.at(part)
		fn(dx[from:to], x[from:to], dy[from:to], to-from)
	})
}
