package graph

// ChoicesAttr counts R tokens with K choices each.
type ChoicesAttr struct{ R, K int }

// Gather copies the rows of x into the order of the experts: y[place] = x[source[place] div K].
//
//	In: x [R D], source, pos (see Routed)   Out: y [R*K D]
func (b *Builder) Gather(site string, a ChoicesAttr, x *Tensor, r Routed) *Tensor {
	name := b.at(site)
	_, d := b.matrix(name, x, "the input")
	b.need(name, x, "the input", a.R, d)
	b.places(name, a, r)
	y := b.activation(name, a.R*a.K, d)
	b.emit(OpGather, name, a, []*Tensor{x, r.Source, r.Pos}, []*Tensor{y})
	return y
}

func (b *Builder) places(name string, a ChoicesAttr, r Routed) {
	for _, t := range []*Tensor{r.Pos, r.Source} {
		b.need(name, t, "the places", a.R*a.K)
	}
	for _, t := range []*Tensor{r.Pos, r.Source, r.Offsets} {
		if t == nil || t.DType != I32 || t.Role != Activation {
			b.fail(name, "the places %s must come from a router", t)
		}
	}
}

// dx[t] = sum over j of dy[pos[t*K+j]], in the order of j, (+ carry): Combine without gates.
func gatherGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	x := op.In[0]
	dx := p.like(x)
	p.emit(OpCombine, "d."+op.Name, op.Attr, []*Tensor{dy, nil, op.In[2], p.grad(x)}, []*Tensor{dx})
	p.set(x, dx)
}

// Combine adds up what the experts gave for each token: out[t] = sum over j of gates[t,j] *
// y[pos[t*K+j]], in the order of j.
//
//	In: y [R*K D], gates [R K] (optional: ones), pos, carry (optional, [R D])   Out: out [R D]
func (b *Builder) Combine(site string, a ChoicesAttr, y *Tensor, r Routed) *Tensor {
	name := b.at(site)
	_, d := b.matrix(name, y, "the input")
	b.need(name, y, "the input", a.R*a.K, d)
	b.need(name, r.Gates, "the gates", a.R, a.K)
	b.places(name, a, r)
	out := b.activation(name, a.R, d)
	b.emit(OpCombine, name, a, []*Tensor{y, r.Gates, r.Pos, nil}, []*Tensor{out})
	return out
}

// dy[pos[t*K+j]] = gates[t,j] * dout[t]; dgates[t,j] = dout[t] . y[pos[t*K+j]].
//
//	In: dout, y, gates, pos   Out: dy, dgates
func combineGradient(p *backprop, op *Op) {
	dout := p.grad(op.Out[0])
	if dout == nil {
		return
	}
	y, gates := op.In[0], op.In[1]
	if gates == nil || op.In[3] != nil {
		p.fail(op.Name, "only a combination by gates, without a carry, has a gradient")
	}
	dy, dgates := p.like(y), p.like(gates)
	p.emit(OpCombineGrad, "d."+op.Name, op.Attr, []*Tensor{dout, y, gates, op.In[2]}, []*Tensor{dy, dgates})
	p.add(y, dy)
	p.add(gates, dgates)
}

// ExpertMatMulAttr fixes a product in which every row meets the weight of its expert. Rows are in the
// order of the experts; those of expert e are offsets[e] to offsets[e+1]. Layouts:
//
//	NT: c [Rows N] = a [Rows K] w_e^T, w [E N K]
//	NN: c [Rows N] = a [Rows K] w_e,   w [E K N]
//	TN: c [E N K], c_e += a_e^T b_e, a [Rows N], b [Rows K]: gradient of the weight
type ExpertMatMulAttr struct {
	Layout  Layout
	E, Rows int
	N, K    int
}

// ExpertMatMul multiplies the rows of x by the weights [E N K] (NT) or [E K N] (NN) of their experts.
//
//	In: a, b, offsets (I32 [E+1]), carry (optional, NT and NN, [Rows N])   Out: c
func (b *Builder) ExpertMatMul(site string, layout Layout, x, w *Tensor, r Routed) *Tensor {
	name := b.at(site)
	rows, k := b.matrix(name, x, "the input")
	if w == nil || len(w.Shape) != 3 {
		b.fail(name, "the weights of experts must have three dimensions")
	}
	e, n := w.Shape[0], w.Shape[1]
	switch layout {
	case NT:
		b.need(name, w, "the weights", e, n, k)
	case NN:
		n = w.Shape[2]
		b.need(name, w, "the weights", e, k, n)
	default:
		b.fail(name, "the layout of a product with experts is NT or NN")
	}
	b.need(name, r.Offsets, "the offsets", e+1)
	b.places(name, ChoicesAttr{rows, 1}, r)
	y := b.activation(name, rows, n)
	b.emit(OpExpertMatMul, name, ExpertMatMulAttr{layout, e, rows, n, k},
		[]*Tensor{x, w, r.Offsets, nil}, []*Tensor{y})
	return y
}

// The gradient of NT: dx = dy w_e (NN), dw_e += dy_e^T x_e; of NN: dx = dy w_e^T (NT), dw_e += x_e^T dy_e.
func expertMatMulGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	a := op.Attr.(ExpertMatMulAttr)
	x, w, offsets := op.In[0], op.In[1], op.In[2]
	left, right, back := dy, x, NN
	dw := ExpertMatMulAttr{TN, a.E, a.Rows, a.N, a.K}
	if a.Layout == NN {
		left, right, back = x, dy, NT
		dw.N, dw.K = a.K, a.N
	}
	p.emit(OpExpertMatMul, "d."+op.Name+".w", dw, []*Tensor{left, right, offsets, nil}, []*Tensor{p.gradOf(w)})
	dx := p.like(x)
	p.emit(OpExpertMatMul, "d."+op.Name+".x", ExpertMatMulAttr{back, a.E, a.Rows, a.K, a.N},
		[]*Tensor{dy, w, offsets, p.grad(x)}, []*Tensor{dx})
	p.set(x, dx)
}
