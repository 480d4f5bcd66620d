package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerGate(l *lowering, op *graph.Op) {
	n := op.In[0].Len()
	l.launch("gate", "gate_apply", shaders.Elementwise(n), shaders.GateArgs{Count: uint32(n)}, nil,
		in(op.In[0]), in(op.In[1]), out(op.Out[0]))
}

// lowerGateGrad sums in two stages, in an order that follows from the size alone.
func lowerGateGrad(l *lowering, op *graph.Op) {
	dy, x, g := op.In[0], op.In[1], op.In[2]
	grid := shaders.GateParts(x.Len())
	parts := l.temp(grid.Groups[0])
	args := shaders.GateArgs{Count: uint32(x.Len()), Parts: uint32(grid.Groups[0])}
	l.launch("gate", "gate_parts", grid, args, nil, in(dy), in(x), parts.writing())
	l.launch("gate", "gate_total", shaders.GateTotalGrid(), args, nil, parts.reading(), in(g), sum(op.Out[0]))
}
