package graph

// Pairing says which two elements of a head rotate together.
type Pairing uint8

// The pairings: element i with i+D/2 (LLaMA, OLMo), or 2i with 2i+1 (DeepSeek).
const (
	Halves Pairing = iota
	Interleaved
)

// RopeAttr fixes a rotary embedding (Su 2104.09864): angle = position * Theta^(-2i/n) for the n =
// HeadDim-Skip elements of a head that rotate.
type RopeAttr struct {
	T       int // row r stands at position r mod T, plus the offset input
	Heads   int
	HeadDim int
	Skip    int // leading elements of each head that do not rotate; the others are a head of their own
	Theta   float64
	Pairing Pairing
	Inverse bool // rotate back: the gradient
}

// Rope rotates every head of x [R, Heads*HeadDim] by its position.
//
//	In: x, offset (optional, I32 [1])   Out: y
func (b *Builder) Rope(site string, attr RopeAttr, x, offset *Tensor) *Tensor {
	name := b.at(site)
	rows, width := b.matrix(name, x, "the input")
	if n := attr.HeadDim - attr.Skip; n%2 != 0 || n <= 0 || attr.Skip < 0 {
		b.fail(name, "rotary positions need an even head size to rotate, not %d", n)
	}
	if width != attr.Heads*attr.HeadDim || attr.T <= 0 || rows%attr.T != 0 {
		b.fail(name, "the input %s does not hold %d heads of %d in rows of T = %d",
			x, attr.Heads, attr.HeadDim, attr.T)
	}
	b.optional(name, offset, "the position offset", 1)
	y := b.activation(name, x.Shape...)
	b.emit(OpRope, name, attr, []*Tensor{x, offset}, []*Tensor{y})
	return y
}

// The gradient of a rotation is the rotation back.
func ropeGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	attr := op.Attr.(RopeAttr)
	attr.Inverse = !attr.Inverse
	dx := p.like(op.In[0])
	p.emit(OpRope, "d."+op.Name, attr, []*Tensor{dy, op.In[1]}, []*Tensor{dx})
	p.add(op.In[0], dx)
}
