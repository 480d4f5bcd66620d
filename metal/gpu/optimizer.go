package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// chunkTables cuts the parameters into chunks for the multi-tensor kernels.
func (l *lowering) chunkTables() (chunks, tensors operand, count int) {
	s := l.g.Schema
	var cs []shaders.Chunk
	var ts []shaders.Group
	for i := range s.Params {
		p := &s.Params[i]
		layer := p.Layer
		if layer < 0 {
			layer = s.Layers // the entry for what is outside the blocks
		}
		cs, ts = shaders.Chunks(cs, ts, p.Offset, p.Len(), layer, p.Decay, p.Gate)
	}
	return l.table(cs), l.table(ts), len(cs)
}

// arena is one of the parallel stores as a whole.
func (l *lowering) arena(buffer int, read, write bool) operand {
	return operand{buffer: buffer, bytes: 4 * l.g.Schema.Total, read: read, write: write}
}

func lowerGradNorms(l *lowering, op *graph.Op) {
	s := l.g.Schema
	chunks, tensors, n := l.chunkTables()
	squares, bad, sums := l.temp(n), l.temp(n), l.temp(len(s.Params))
	args := shaders.OptimizerArgs{Tensors: uint32(len(s.Params)), Layers: uint32(s.Layers + 1)}
	l.launch("optimizer", "grad_chunks", shaders.ChunkGrid(n), args, []any{false},
		l.arena(bufGrads, true, false), chunks, squares.writing(), bad.writing())
	both := sums
	both.read, both.write = true, true
	l.launch("optimizer", "grad_norms", shaders.NormsGrid(), args, []any{op.Out[5] != nil},
		squares.reading(), bad.reading(), tensors, in(op.In[0]), out(op.Out[0]), out(op.Out[1]), out(op.Out[2]),
		out(op.Out[3]), out(op.Out[4]), both, in(op.In[1]), out(op.Out[5]))
}

func lowerAdamW(l *lowering, op *graph.Op) {
	a, s := op.Attr.(graph.AdamWAttr), l.g.Schema
	chunks, tensors, n := l.chunkTables()
	args := shaders.OptimizerArgs{
		Tensors: uint32(len(s.Params)), Layers: uint32(s.Layers + 1),
		Beta1: float32(a.Beta1), Beta2: float32(a.Beta2), Rest1: float32(1 - a.Beta1), Rest2: float32(1 - a.Beta2),
		Eps: float32(a.Eps), Decay: float32(a.WeightDecay),
	}
	l.launch("optimizer", "adamw", shaders.ChunkGrid(n), args, []any{op.In[5] != nil},
		l.arena(bufParams, true, true), l.arena(bufGrads, true, false),
		l.arena(bufMoment1, true, true), l.arena(bufMoment2, true, true), chunks, tensors,
		in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[3]), in(op.In[4]), in(op.In[5]))
}

func lowerClear(l *lowering, _ *graph.Op) {
	n := l.g.Schema.Total
	l.launch("memory", "fill_memory", shaders.Elementwise(n), shaders.MemoryArgs{Count: uint32(n)}, nil,
		l.arena(bufGrads, false, true))
}
