package graph

// Center takes the mean of each row away: y = x - mean(x). Pre-LN written with RMSNorm keeps its stream
// centred by it (Jiang 2305.14858).
//
//	In: x, carry (optional, added to the result)   Out: y
func (b *Builder) Center(site string, x *Tensor) *Tensor {
	name := b.at(site)
	b.matrix(name, x, "the input")
	y := b.activation(name, x.Shape...)
	b.emit(OpCenter, name, nil, []*Tensor{x, nil}, []*Tensor{y})
	return y
}

// Centering is its own gradient: dx = dy - mean(dy) (+ carry).
func centerGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	x := op.In[0]
	dx := p.like(x)
	p.emit(OpCenter, "d."+op.Name, nil, []*Tensor{dy, p.grad(x)}, []*Tensor{dx})
	p.set(x, dx)
}
