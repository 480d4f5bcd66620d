package reference

import "github.com/evenkeel/evenkeel/model/graph"

// gate is y = x - silu(g)*x.
func gate(p *program, op *graph.Op) {
	x, g, y := p.f(op.In[0]), p.f(op.In[1])[0], p.f(op.Out[0])
	silu := g * sigmoid(g)
	for i, v := range x {
		y[i] = v - silu*v
	}
}

// gateGrad is, with s = sigmoid(g): dg += -(s + g*s*(1-s)) * sum(dy*x). The gradient of x is dy itself.
func gateGrad(p *program, op *graph.Op) {
	dy, x, g := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2])[0]
	s := sigmoid(g)
	p.sum(op.Out[0])[0] -= (s + g*s*(1-s)) * dot(dy, x)
}
