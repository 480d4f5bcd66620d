package graph

// Gate is GPAS (2506.22049): y = x - silu(g)*sg(x), sg stopping the gradient. Values are scaled by
// 1-silu(g), gradients pass unchanged.
//
//	In: x, g (parameter [1])   Out: y
func (b *Builder) Gate(site string, x, g *Tensor) *Tensor {
	name := b.at(site)
	b.matrix(name, x, "the input")
	b.need(name, g, "the gate", 1)
	y := b.activation(name, x.Shape...)
	b.emit(OpGate, name, nil, []*Tensor{x, g}, []*Tensor{y})
	return y
}

// dx = dy, which needs no op, and with s = sigmoid(g): dg += -(s + g*s*(1-s)) * sum(dy*x).
//
//	In: dy, x, g   Out: dg (role Grad)
func gateGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	x, g := op.In[0], op.In[1]
	p.emit(OpGateGrad, "d."+op.Name, nil, []*Tensor{dy, x, g}, []*Tensor{p.gradOf(g)})
	p.add(x, dy)
}
