package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// elementwise records a kernel of the activation family over the elements of x.
func (l *lowering) elementwise(kernel string, x *graph.Tensor, inPlace bool, operands ...operand) {
	n := x.Len()
	l.launch("activation", kernel, shaders.Elementwise(n), shaders.ActivationArgs{Count: uint32(n)},
		[]any{inPlace}, operands...)
}

func lowerSwiGLU(l *lowering, op *graph.Op) {
	l.elementwise("swiglu", op.In[0], false, in(op.In[0]), in(op.In[1]), out(op.Out[0]))
}

func lowerSwiGLUGrad(l *lowering, op *graph.Op) {
	gate, dgate, inPlace := in(op.In[0]).over(out(op.Out[0]))
	l.elementwise("swiglu_grad", op.In[0], inPlace, gate, in(op.In[1]), in(op.In[2]), dgate, out(op.Out[1]))
}

func lowerActivation(l *lowering, op *graph.Op) {
	fn := op.Attr.(graph.ActivationAttr).Fn
	l.elementwise(fn.String(), op.In[0], false, in(op.In[0]), out(op.Out[0]))
}

func lowerActivationGrad(l *lowering, op *graph.Op) {
	fn := op.Attr.(graph.ActivationAttr).Fn
	l.elementwise(fn.String()+"_grad", op.In[0], false, in(op.In[0]), in(op.In[1]), out(op.Out[0]))
}
