package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func normArgs(a graph.NormAttr, rows int) shaders.NormArgs {
	return shaders.NormArgs{
		Rows: uint32(rows), Width: uint32(a.Width), Eps: float32(a.Eps), Scale: float32(a.Scale),
	}
}

func lowerNorm(l *lowering, op *graph.Op) {
	if rope := l.turned[op]; rope != nil {
		lowerNormRope(l, op, rope)
		return
	}
	a := op.Attr.(graph.NormAttr)
	rows := op.In[0].Len() / a.Width
	forward, _ := shaders.NormKernels(a.Width)
	l.launch("norm", forward, shaders.NormGrid(rows, a.Width), normArgs(a, rows),
		[]any{a.Kind == graph.LN, op.In[1] != nil, op.In[2] != nil, false, a.Width%4 == 0, a.Kind == graph.CRMS},
		in(op.In[0]), in(op.In[1]), in(op.In[2]), out(op.Out[0]), out(op.Out[1]), out(op.Out[2]))
}

func lowerNormGrad(l *lowering, op *graph.Op) {
	if rope := l.turned[op]; rope != nil {
		lowerNormRopeGrad(l, op, rope)
		return
	}
	a := op.Attr.(graph.NormAttr)
	dy, x, gain, r, mean, carry := op.In[0], op.In[1], op.In[2], op.In[3], op.In[4], op.In[5]
	if gain != nil { // before dx, which may overwrite the carry but never dy
		l.normWeights(op, a)
	}
	rows := x.Len() / a.Width
	_, backward := shaders.NormKernels(a.Width)
	l.launch("norm", backward, shaders.NormGrid(rows, a.Width), normArgs(a, rows), normGradConsts(op, a),
		in(dy), in(x), in(gain), in(r), in(mean), in(carry), out(op.Out[0]))
}

func normGradConsts(op *graph.Op, a graph.NormAttr) []any {
	return []any{a.Kind == graph.LN, op.In[2] != nil, op.Out[2] != nil, op.In[5] != nil, a.Width%4 == 0,
		a.Kind == graph.CRMS}
}

// normWeights records the gradients of gain and bias.
func (l *lowering) normWeights(op *graph.Op, a graph.NormAttr) {
	dy, x, r, mean := op.In[0], op.In[1], op.In[3], op.In[4]
	rows := x.Len() / a.Width
	blocks, per := shaders.RowBlocks(rows)
	gains, biases := l.temp(blocks*a.Width), operand{absent: true}
	if op.Out[2] != nil {
		biases = l.temp(blocks * a.Width)
	}
	l.launch("norm", "norm_weights", shaders.ColumnGrid(rows, a.Width), shaders.NormWeightArgs{
		Rows: uint32(rows), Width: uint32(a.Width), BlockRows: uint32(per), Scale: float32(a.Scale),
	}, normGradConsts(op, a), in(dy), in(x), in(r), in(mean), gains.writing(), biases.writing())
	l.fold(gains, blocks, a.Width, sum(op.Out[1]))
	if op.Out[2] != nil {
		l.fold(biases, blocks, a.Width, sum(op.Out[2]))
	}
}
