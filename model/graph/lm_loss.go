package graph

// LMLossAttr fixes the head and the loss.
type LMLossAttr struct {
	R, V, D int
	Chunk   int     // rows whose logits exist at one time
	Scale   float64 // factor on the sum of cross-entropies (1/(B*T) in the published trainer)
	Train   bool    // also compute dx and add to dw
}

// lmLossChunkElems bounds the logits that exist at one time: 2^21 floats are 8 MB, about what the
// last cache level of a laptop core can hold, and 512 rows of the default vocabulary of 4,096.
const lmLossChunkElems = 1 << 21

// LMLoss is the language-model head and its loss in one op, so that the logits [R V] never exist
// whole: loss = scale * sum over rows with target >= 0 of (logsumexp(x w^T + bias) - logit[target]).
// Built for training it also writes dx and adds to the gradients of w and bias.
//
//	In: x [R D], w [V D], targets (I32 [R], -1 is ignored), bias (optional, [V])
//	Out: loss (metric [1]), dx (nil unless train), dw, dbias (roles Grad)
func (b *Builder) LMLoss(site string, scale float64, train bool, x, w, bias, targets *Tensor) *Tensor {
	name := b.at(site)
	r, d := b.matrix(name, x, "the input")
	v, wd := b.matrix(name, w, "the head")
	if wd != d {
		b.fail(name, "the input %s has width %d but the head %s takes %d", x, d, w, wd)
	}
	b.need(name, targets, "the targets", r)
	b.index(name, targets, "the targets", -1, v)
	b.optional(name, bias, "the bias", v)
	chunk := min(r, max(16, lmLossChunkElems/v/16*16))
	loss := b.metric("loss", 1)
	out := []*Tensor{loss, nil, nil, nil}
	if train {
		out = []*Tensor{loss, b.activation("d."+name, r, d), b.gradOf(w), b.gradOf(bias)}
	}
	b.emit(OpLMLoss, name, LMLossAttr{r, v, d, chunk, scale, train},
		[]*Tensor{x, w, targets, bias}, out)
	return loss
}

// The op has already made dx and dw for a loss that enters the total with factor one.
func lmLossGradient(p *backprop, op *Op) {
	if op.Attr.(LMLossAttr).Train {
		p.add(op.In[0], op.Out[1])
	}
}
