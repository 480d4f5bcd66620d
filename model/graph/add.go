package graph

// AddAttr are the factors of [Builder.Add].
type AddAttr struct{ Alpha, Beta float64 }

// Add is y = alpha*x + beta*f over equal shapes; f may be nil, which makes it a scaling. It is the
// residual sum of every variant (alpha is DeepNorm's).
//
//	In: x, f (optional)   Out: y
func (b *Builder) Add(site string, alpha float64, x *Tensor, beta float64, f *Tensor) *Tensor {
	name := b.at(site)
	b.matrix(name, x, "the residual")
	b.optional(name, f, "the branch", x.Shape...)
	y := b.activation(name, x.Shape...)
	b.emit(OpAdd, name, AddAttr{alpha, beta}, []*Tensor{x, f}, []*Tensor{y})
	return y
}

// sum adds two gradients.
func (b *Builder) sum(name string, x, f *Tensor) *Tensor {
	y := b.activation(name, x.Shape...)
	b.emit(OpAdd, name, AddAttr{1, 1}, []*Tensor{x, f}, []*Tensor{y})
	return y
}

func addGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	a := op.Attr.(AddAttr)
	for i, factor := range []float64{a.Alpha, a.Beta} {
		x := op.In[i]
		if x == nil {
			continue
		}
		old := p.grad(x)
		switch {
		case factor == 1 && old == nil:
			p.set(x, dy) // shared: activations are never written twice
		case old == nil:
			dx := p.like(x)
			p.emit(OpAdd, "d."+op.Name, AddAttr{factor, 0}, []*Tensor{dy, nil}, []*Tensor{dx})
			p.set(x, dx)
		default:
			dx := p.like(x)
			p.emit(OpAdd, "d."+op.Name, AddAttr{1, factor}, []*Tensor{old, dy}, []*Tensor{dx})
			p.set(x, dx)
		}
	}
}
