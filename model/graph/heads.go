package graph

// HeadsAttr fixes how Join and Split cut the heads of a row: A elements, then B.
type HeadsAttr struct {
	H, A, B int
	Shared  bool // the B part is one for all heads
}

// Join puts the parts of every head side by side: head h of z is [head h of x | head h of y], or
// [head h of x | y] where attr.Shared. A part that is nil is zero.
//
//	In: x [R H*A], y [R H*B] or [R B]   Out: z [R H*(A+B)]
func (b *Builder) Join(site string, attr HeadsAttr, x, y *Tensor) *Tensor {
	name := b.at(site)
	rows, _ := b.matrix(name, x, "the first part")
	b.need(name, x, "the first part", rows, attr.H*attr.A)
	b.need(name, y, "the second part", rows, attr.secondWidth())
	z := b.activation(name, rows, attr.H*(attr.A+attr.B))
	b.emit(OpJoin, name, attr, []*Tensor{x, y}, []*Tensor{z})
	return z
}

func (a HeadsAttr) secondWidth() int {
	if a.Shared {
		return a.B
	}
	return a.H * a.B
}

// Split takes Join apart. Where attr.Shared, y is the sum over the heads in order, which is the gradient
// of a shared part. Either output may be nil.
//
//	In: z [R H*(A+B)]   Out: x [R H*A], y [R H*B] or [R B]
func (b *Builder) Split(site string, attr HeadsAttr, z *Tensor) (x, y *Tensor) {
	name := b.at(site)
	rows, _ := b.matrix(name, z, "the input")
	b.need(name, z, "the input", rows, attr.H*(attr.A+attr.B))
	x = b.activation(name+".a", rows, attr.H*attr.A)
	y = b.activation(name+".b", rows, attr.secondWidth())
	b.emit(OpSplit, name, attr, []*Tensor{z}, []*Tensor{x, y})
	return x, y
}

func joinGradient(p *backprop, op *Op) {
	dz := p.grad(op.Out[0])
	if dz == nil {
		return
	}
	dx, dy := p.like(op.In[0]), p.like(op.In[1])
	p.emit(OpSplit, "d."+op.Name, op.Attr, []*Tensor{dz}, []*Tensor{dx, dy})
	p.add(op.In[0], dx)
	p.add(op.In[1], dy)
}

func splitGradient(p *backprop, op *Op) {
	dx, dy := p.grad(op.Out[0]), p.grad(op.Out[1])
	if dx == nil && dy == nil {
		return
	}
	attr := op.Attr.(HeadsAttr)
	if attr.Shared {
		p.fail(op.Name, "a sum over heads has no gradient rule")
	}
	dz := p.like(op.In[0])
	p.emit(OpJoin, "d."+op.Name, attr, []*Tensor{dx, dy}, []*Tensor{dz})
	p.add(op.In[0], dz)
}

// HeadMatMulAttr fixes a product of every head with its own rows of one weight [H*Stride, L]: head h
// uses rows h*Stride+From on. NN multiplies by K rows of L = N elements, NT by the transpose of N rows
// of L = K elements.
type HeadMatMulAttr struct {
	Layout       Layout
	H, N, K      int
	Stride, From int
}

// HeadMatMul is y[r,h] = x[r,h] W_h (NN) or x[r,h] W_h^T (NT). It folds MLA's key and value
// projections into queries and outputs while sampling ("absorb", DeepSeek-V2 2405.04434), and has no
// gradient.
//
//	In: x [R H*K], w [H*Stride L]   Out: y [R H*N]
func (b *Builder) HeadMatMul(site string, a HeadMatMulAttr, x, w *Tensor) *Tensor {
	name := b.at(site)
	rows, _ := b.matrix(name, x, "the input")
	b.need(name, x, "the input", rows, a.H*a.K)
	used, length := a.K, a.N
	if a.Layout == NT {
		used, length = a.N, a.K
	}
	if a.Layout == TN || a.From < 0 || a.From+used > a.Stride {
		b.fail(name, "%d rows from %d do not lie in the %d of a head", used, a.From, a.Stride)
	}
	b.need(name, w, "the weight", a.H*a.Stride, length)
	y := b.activation(name, rows, a.H*a.N)
	b.emit(OpHeadMatMul, name, a, []*Tensor{x, w}, []*Tensor{y})
	return y
}
