package graph

// AdamWAttr are the constants of AdamW (Loshchilov and Hutter 1711.05101).
type AdamWAttr struct {
	Beta1, Beta2, Eps, WeightDecay float64
}

// GradNorms measures the gradients in the state, before clipping.
//
//	In: max_norm (F32 [1]; 0 means no clipping)
//	Out, all metrics: grad_norm [1] over all parameters; grad_norm.layer [L+1], L2 over all
//	parameters of a block, the last entry over those outside; grad_norm.param [P]; clip [1] =
//	min(1, max_norm/(grad_norm+1e-6)); nonfinite [P], NaN and infinite elements per parameter
func (b *Builder) GradNorms(maxNorm *Tensor) (clip, nonfinite *Tensor) {
	b.need("grad_norms", maxNorm, "max_norm", 1)
	s := b.g.Schema
	clip = b.metric("clip", 1)
	nonfinite = b.metric("nonfinite", len(s.Params))
	b.emit(OpGradNorms, "grad_norms", nil, []*Tensor{maxNorm}, []*Tensor{
		b.metric("grad_norm", 1), b.metric("grad_norm.layer", s.Layers+1),
		b.metric("grad_norm.param", len(s.Params)), clip, nonfinite,
	})
	return clip, nonfinite
}

// AdamW updates every parameter from its gradient g, clipped, with decoupled decay first:
//
//	p -= lr*wd*p (where the parameter decays); g' = clip*g; m = b1*m + (1-b1)*g'
//	v = b2*v + (1-b2)*g'^2; p -= lr * (m/bias1) / (sqrt(v/bias2) + eps)
//
// bias1 = 1-b1^t and bias2 = 1-b2^t come from the host. When any gradient element is not finite,
// parameters and moments stay as they are.
//
//	In: lr, bias1, bias2, clip, nonfinite   Out: none (the state)
func (b *Builder) AdamW(attr AdamWAttr, lr, bias1, bias2, clip, nonfinite *Tensor) {
	for _, t := range []*Tensor{lr, bias1, bias2, clip} {
		b.need("adamw", t, "a scalar", 1)
	}
	b.need("adamw", nonfinite, "the non-finite counts", len(b.g.Schema.Params))
	b.emit(OpAdamW, "adamw", attr, []*Tensor{lr, bias1, bias2, clip, nonfinite}, nil)
}

// Clear sets every gradient in the state to zero.
func (b *Builder) Clear() { b.emit(OpClear, "clear", nil, nil, nil) }
