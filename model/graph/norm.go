package graph

// NormKind is the statistic a norm divides by.
type NormKind uint8

// The norm kinds: RMSNorm (Zhang and Sennrich 1910.07467), LayerNorm (Ba 1607.06450), and CRMSNorm
// (Jiang 2305.14858), the RMSNorm of a centred row whose last element is left out, because the others
// give it.
const (
	RMS NormKind = iota
	LN
	CRMS
)

func (k NormKind) String() string { return [...]string{"rms", "ln", "crms"}[k] }

// NormAttr fixes a norm: every Width consecutive elements are one row.
type NormAttr struct {
	Kind  NormKind
	Width int
	Eps   float64
	Scale float64 // constant factor on the output (LayerNorm Scaling's 1/sqrt(l)); 1 elsewhere
}

// Norm normalizes rows of attr.Width elements, which need not be the last dimension of x: with the
// head size as Width it acts per head, with one gain for all heads.
//
//	rms: r = (mean(x^2)+eps)^-1/2;           y = scale * g*x*r
//	ln:  r = (mean((x-m)^2)+eps)^-1/2;       y = scale * (g*(x-m)*r + b)
//	crms: m = sum(x); r = ((sum(x^2)+m^2)/(n+1)+eps)^-1/2, n = Width; y = scale * x*r, without a gain
//
// In: x, gain (optional, [Width]), bias (optional, [Width])
// Out: y, r [rows], m [rows] (ln and crms, else nil)
func (b *Builder) Norm(site string, attr NormAttr, x, gain, bias *Tensor) *Tensor {
	name := b.at(site)
	b.matrix(name, x, "the input")
	n := attr.Width
	if n <= 0 || x.Width()%n != 0 {
		b.fail(name, "the input %s cannot be cut into rows of %d", x, n)
	}
	b.optional(name, gain, "the gain", n)
	b.optional(name, bias, "the bias", n)
	if bias != nil && (gain == nil || attr.Kind != LN) {
		b.fail(name, "only a norm of kind ln with a gain takes a bias")
	}
	if gain != nil && attr.Kind == CRMS {
		b.fail(name, "a norm of kind crms has no gain")
	}
	rows := x.Len() / n
	y := b.activation(name, x.Shape...)
	out := []*Tensor{y, b.activation(name+".r", rows), nil}
	if attr.Kind != RMS {
		out[2] = b.activation(name+".mean", rows)
	}
	b.emit(OpNorm, name, attr, []*Tensor{x, gain, bias}, out)
	return y
}

// With u = scale*dy*g and xh the normalized row:
//
//	rms: dx = r*(u - xh*mean(u*xh));           ln: dx = r*(u - mean(u) - xh*mean(u*xh))
//	crms, u = scale*dy: dx = r*u - r^3*sum(u*x)/(n+1)*(x + m)
//	dg += sum(scale*dy*xh); db += sum(scale*dy)
//
// In: dy, x, gain, r, mean, carry   Out: dx, dgain, dbias (the last two roles Grad, optional)
func normGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	x, gain, bias := op.In[0], op.In[1], op.In[2]
	dx := p.like(x)
	p.emit(OpNormGrad, "d."+op.Name, op.Attr,
		[]*Tensor{dy, x, gain, op.Out[1], op.Out[2], p.grad(x)},
		[]*Tensor{dx, p.gradOf(gain), p.gradOf(bias)})
	p.set(x, dx)
}
