package graph

// Fn is an elementwise function.
type Fn uint8

// The elementwise functions. GELU is the exact erf form (Hendrycks 1606.08415). ReLU is max(x, 0) with
// the derivative 0 at 0; NaN passes through it.
const (
	GELU Fn = iota
	ReLU
)

func (f Fn) String() string { return [...]string{"gelu", "relu"}[f] }

// ActivationAttr names the function.
type ActivationAttr struct{ Fn Fn }

// SwiGLU is y = silu(gate) * up (Shazeer 2002.05202).
//
//	In: gate, up   Out: y
func (b *Builder) SwiGLU(site string, gate, up *Tensor) *Tensor {
	name := b.at(site)
	b.matrix(name, gate, "the gate")
	b.need(name, up, "up", gate.Shape...)
	y := b.activation(name, gate.Shape...)
	b.emit(OpSwiGLU, name, nil, []*Tensor{gate, up}, []*Tensor{y})
	return y
}

// With s = sigmoid(gate): dgate = dy*up*s*(1+gate*(1-s)); dup = dy*gate*s.
//
//	In: gate, up, dy   Out: dgate, dup
func swigluGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	gate, up := op.In[0], op.In[1]
	dg, du := p.like(gate), p.like(up)
	p.emit(OpSwiGLUGrad, "d."+op.Name, nil, []*Tensor{gate, up, dy}, []*Tensor{dg, du})
	p.add(gate, dg)
	p.add(up, du)
}

// Activation is y = fn(x).
//
//	In: x   Out: y
func (b *Builder) Activation(site string, fn Fn, x *Tensor) *Tensor {
	name := b.at(site)
	b.matrix(name, x, "the input")
	y := b.activation(name, x.Shape...)
	b.emit(OpActivation, name, ActivationAttr{fn}, []*Tensor{x}, []*Tensor{y})
	return y
}

// dx = dy * fn'(x).
//
//	In: x, dy   Out: dx
func activationGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	dx := p.like(op.In[0])
	p.emit(OpActivationGrad, "d."+op.Name, op.Attr, []*Tensor{op.In[0], dy}, []*Tensor{dx})
	p.add(op.In[0], dx)
}
