package shaders

// ActivationArgs are those of swiglu (gate, up, y), swiglu_grad (gate, up, dy, dgate, dup), gelu
// and relu (x, y), gelu_grad and relu_grad (x, dy, dx), all launched as [Elementwise].
type ActivationArgs struct{ Count uint32 }

// ActivationInPlace is the one function constant of activations, a bool that swiglu_grad reads: dgate
// holds gate, and what is bound as gate is not read.
const ActivationInPlace = 0
