package shaders

// ActivationArgs are those of swiglu (gate, up, y), swiglu_grad (gate, up, dy, dgate, dup), gelu
// and relu (x, y), gelu_grad and relu_grad (x, dy, dx), all launched as [Elementwise].
type ActivationArgs struct{ Count uint32 }
