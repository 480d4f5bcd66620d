package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Head and loss go through chunks of rows: logits of a chunk, their loss and gradient in place, then
// dx and what the chunk adds to dw, in the order of chunks.
func lowerLMLoss(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.LMLossAttr)
	x, w, targets, bias := in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[3])
	losses, logits := l.temp(a.R), l.temp(a.Chunk*a.V)
	none := operand{absent: true}
	top := l.top
	for from := 0; from < a.R; from += a.Chunk {
		l.top = top // what a chunk takes is free again for the next
		n := min(a.Chunk, a.R-from)
		xc, chunk := x.part(from*a.D, n*a.D), logits.part(0, n*a.V)
		l.product(graph.NT, n, a.V, a.D, xc, w, bias, none, chunk.writing())
		both := chunk
		both.read, both.write = true, a.Train
		l.launch("lm_loss", "lm_loss_rows", shaders.LossGrid(n, a.V),
			shaders.LossArgs{Rows: uint32(n), Vocabulary: uint32(a.V), Scale: float32(a.Scale)},
			[]any{a.Train, a.V%4 == 0}, both, targets.part(from, n), losses.part(from, n).writing())
		if !a.Train {
			continue
		}
		l.product(graph.NN, n, a.D, a.V, chunk.reading(), w, none, none, out(op.Out[1]).part(from*a.D, n*a.D))
		l.product(graph.TN, a.V, a.D, n, chunk.reading(), xc, none, none, sum(op.Out[2]))
		if op.Out[3] != nil {
			l.columnSums(chunk, n, a.V, sum(op.Out[3]))
		}
	}
	l.launch("lm_loss", "lm_loss_total", shaders.LossTotalGrid(),
		shaders.LossArgs{Rows: uint32(a.R), Vocabulary: uint32(a.V), Scale: float32(a.Scale)}, nil,
		losses.reading(), out(op.Out[0]))
}
