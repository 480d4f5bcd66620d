package graph

// backprop carries the gradients known so far while the ops are walked in reverse.
type backprop struct {
	*Builder
	of map[*Tensor]*Tensor
}

// gradients holds one rule per forward kind. A rule reads b.grad of the outputs and calls b.set or
// b.add for the inputs; it emits ops like any builder method. Kinds without a rule end the gradient.
var gradients [kindCount]func(b *backprop, op *Op)

func init() {
	gradients[OpEmbed] = embedGradient
	gradients[OpMatMul] = matMulGradient
	gradients[OpNorm] = normGradient
	gradients[OpRope] = ropeGradient
	gradients[OpAttention] = attentionGradient
	gradients[OpSwiGLU] = swigluGradient
	gradients[OpActivation] = activationGradient
	gradients[OpAdd] = addGradient
	gradients[OpLMLoss] = lmLossGradient
	gradients[OpGate] = gateGradient
	gradients[OpCenter] = centerGradient
	gradients[OpJoin] = joinGradient
	gradients[OpSplit] = splitGradient
	gradients[OpRoute] = routeGradient
	gradients[OpGather] = gatherGradient
	gradients[OpExpertMatMul] = expertMatMulGradient
	gradients[OpCombine] = combineGradient
}

// Backward emits the gradient of the sum of all losses (ops of kind lm_loss built for training) with
// respect to every parameter they depend on, adding to the parameter gradients in the state.
func (b *Builder) Backward() {
	p := &backprop{Builder: b, of: map[*Tensor]*Tensor{}}
	layer, scope := b.layer, b.scope
	for i := len(b.g.Ops) - 1; i >= 0; i-- {
		op := b.g.Ops[i]
		if rule := gradients[op.Kind]; rule != nil {
			b.layer, b.scope = op.Layer, ""
			rule(p, op)
		}
	}
	b.layer, b.scope = layer, scope
}

// grad is the gradient of t so far; nil when nothing downstream depends on t.
func (p *backprop) grad(t *Tensor) *Tensor { return p.of[t] }

// set replaces the gradient of t. The new tensor must already contain the carry (the value of grad
// before), which ops with a carry operand add on the way.
func (p *backprop) set(t, dt *Tensor) { p.of[t] = dt }

// add contributes dt to the gradient of t, emitting an addition when there is one already.
func (p *backprop) add(t, dt *Tensor) {
	if old := p.of[t]; old != nil {
		dt = p.Builder.sum("d."+t.Name, old, dt)
	}
	p.of[t] = dt
}

// like makes an activation with t's shape that will hold t's gradient.
func (p *backprop) like(t *Tensor) *Tensor { return p.activation("d."+t.Name, t.Shape...) }
