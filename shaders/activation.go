package shaders

// ActivationArgs are those of swiglu (gate, up, y), swiglu_grad (gate, up, dy, dgate, dup), gelu (x, y)
// and gelu_grad (x, dy, dx), all launched as [Elementwise].
type ActivationArgs struct{ Count uint32 }
