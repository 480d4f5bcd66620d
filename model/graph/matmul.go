package graph

// Layout says which operands of a product are transposed. Weights are stored [out, in].
type Layout uint8

// The layouts, with a [M K], b and c [M N]:
const (
	NT Layout = iota // c = a b^T, b [N K]: forward
	NN               // c = a b,   b [K N]: gradient of the input
	TN               // c = a^T b, a [K M], b [K N]: gradient of the weight
)

func (l Layout) String() string { return [...]string{"NT", "NN", "TN"}[l] }

// MatMulAttr fixes a product's layout and sizes.
type MatMulAttr struct {
	Layout  Layout
	M, N, K int
}

// MatMul is y = x w^T + bias, x [M K], w [N K], bias [N] or nil: a linear layer.
//
//	In: a, b, bias (optional), carry (optional, [M N])   Out: c = product + bias + carry
//
// An output of role Grad is added to.
func (b *Builder) MatMul(site string, x, w, bias *Tensor) *Tensor {
	name := b.at(site)
	m, k := b.matrix(name, x, "the input")
	n, wk := b.matrix(name, w, "the weight")
	if wk != k {
		b.fail(name, "the input %s has width %d but the weight %s takes %d", x, k, w, wk)
	}
	b.optional(name, bias, "the bias", n)
	y := b.activation(name, m, n)
	b.emit(OpMatMul, name, MatMulAttr{NT, m, n, k}, []*Tensor{x, w, bias, nil}, []*Tensor{y})
	return y
}

// MatMulOf emits a product of any layout with an optional bias and carry, for tests of devices.
func (b *Builder) MatMulOf(name string, a MatMulAttr, x, w, bias, carry *Tensor) *Tensor {
	xs, ws := [2]int{a.M, a.K}, [2]int{a.N, a.K}
	switch a.Layout {
	case NN:
		ws = [2]int{a.K, a.N}
	case TN:
		xs, ws = [2]int{a.K, a.M}, [2]int{a.K, a.N}
	}
	b.need(name, x, "a", xs[:]...)
	b.need(name, w, "b", ws[:]...)
	b.optional(name, bias, "the bias", a.N)
	b.optional(name, carry, "the carry", a.M, a.N)
	y := b.activation(name, a.M, a.N)
	b.emit(OpMatMul, name, a, []*Tensor{x, w, bias, carry}, []*Tensor{y})
	return y
}

// With dy: dx = dy w (+ carry), dw += dy^T x, db += column sums of dy.
func matMulGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	x, w, bias := op.In[0], op.In[1], op.In[2]
	a := op.Attr.(MatMulAttr)
	if a.Layout != NT || w.Role != Param || op.In[3] != nil {
		p.fail(op.Name, "only a linear layer x w^T + bias with a parameter w has a gradient")
	}
	p.emit(OpMatMul, "d."+op.Name+".w", MatMulAttr{TN, a.N, a.K, a.M},
		[]*Tensor{dy, x, nil, nil}, []*Tensor{p.gradOf(w)})
	if bias != nil {
		p.emit(OpColSum, "d."+op.Name+".b", nil, []*Tensor{dy}, []*Tensor{p.gradOf(bias)})
	}
	dx := p.like(x)
	p.emit(OpMatMul, "d."+op.Name+".x", MatMulAttr{NN, a.M, a.K, a.N},
		[]*Tensor{dy, w, nil, p.grad(x)}, []*Tensor{dx})
	p.set(x, dx)
}
