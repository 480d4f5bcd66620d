package graph

// AdamWAttr are the constants of AdamW (Loshchilov and Hutter 1711.05101).
type AdamWAttr struct {
	Beta1, Beta2, Eps, WeightDecay float64
}

// GradNorms measures the gradients in the state, before clipping.
//
// Gates of GPAS can have a clip of their own after the global one (2506.22049): with n the L2 norm of
// all gates' gradients, clip_gate = clip * min(1, max_gate/(clip*n+1e-6)).
//
//	In: max_norm (F32 [1]; 0 means no clipping), max_gate (optional, likewise)
//	Out, all metrics: grad_norm [1] over all parameters; grad_norm.layer [L+1], L2 over all
//	parameters of a block, the last entry over those outside; grad_norm.param [P]; clip [1] =
//	min(1, max_norm/(grad_norm+1e-6)); nonfinite [P], NaN and infinite elements per parameter;
//	clip_gate [1] (nil without max_gate)
func (b *Builder) GradNorms(maxNorm, maxGate *Tensor) (clip, nonfinite, clipGate *Tensor) {
	b.need("grad_norms", maxNorm, "max_norm", 1)
	b.optional("grad_norms", maxGate, "max_gate", 1)
	s := b.g.Schema
	if maxGate != nil {
		clipGate = b.metric("clip_gate", 1)
	}
	clip = b.metric("clip", 1)
	nonfinite = b.metric("nonfinite", len(s.Params))
	b.emit(OpGradNorms, "grad_norms", nil, []*Tensor{maxNorm, maxGate}, []*Tensor{
		b.metric("grad_norm", 1), b.metric("grad_norm.layer", s.Layers+1),
		b.metric("grad_norm.param", len(s.Params)), clip, nonfinite, clipGate,
	})
	return clip, nonfinite, clipGate
}

// AdamW updates every parameter from its gradient g, clipped, with decoupled decay first:
//
//	p -= lr*wd*p (where the parameter decays); g' = clip*g; m = b1*m + (1-b1)*g'
//	v = b2*v + (1-b2)*g'^2; p -= lr * (m/bias1) / (sqrt(v/bias2) + eps)
//
// bias1 = 1-b1^t and bias2 = 1-b2^t come from the host. When any gradient element is not finite,
// parameters and moments stay as they are. Gates take clip_gate, where it is given, in place of clip.
//
//	In: lr, bias1, bias2, clip, nonfinite, clip_gate (optional)   Out: none (the state)
func (b *Builder) AdamW(attr AdamWAttr, lr, bias1, bias2, clip, nonfinite, clipGate *Tensor) {
	for _, t := range []*Tensor{lr, bias1, bias2, clip} {
		b.need("adamw", t, "a scalar", 1)
	}
	b.need("adamw", nonfinite, "the non-finite counts", len(b.g.Schema.Params))
	b.optional("adamw", clipGate, "the clip of the gates", 1)
	b.emit(OpAdamW, "adamw", attr, []*Tensor{lr, bias1, bias2, clip, nonfinite, clipGate}, nil)
}

// Clear sets every gradient in the state to zero.
func (b *Builder) Clear() { b.emit(OpClear, "clear", nil, nil, nil) }
