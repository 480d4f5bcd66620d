package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerEmbed(l *lowering, op *graph.Op) {
	a, table := op.Attr.(graph.EmbedAttr), op.In[1]
	rows, width := op.In[0].Len(), table.Width()
	args := shaders.EmbedArgs{
		Rows: uint32(rows), Width: uint32(width), T: uint32(a.T), Vocabulary: uint32(table.Rows()), Scale: float32(a.Scale),
	}
	l.launch("embed", "embed", shaders.EmbedGrid(rows, width), args,
		[]any{op.In[2] != nil, op.In[3] != nil, width%4 == 0},
		in(op.In[0]), in(table), in(op.In[2]), in(op.In[3]), out(op.Out[0]))
}

// The host sorts the rows by id before each run; the kernel then adds the rows of an id in order.
func lowerEmbedGrad(l *lowering, op *graph.Op) {
	a, ids, dy, dtable := op.Attr.(graph.EmbedAttr), op.In[0], op.In[1], op.Out[0]
	rows, width, vocabulary := ids.Len(), dtable.Width(), dtable.Rows()
	args := shaders.EmbedArgs{
		Rows: uint32(rows), Width: uint32(width), T: uint32(a.T), Vocabulary: uint32(vocabulary), Scale: float32(a.Scale),
	}
	consts := []any{false, false, width%4 == 0}
	segments := min(rows, vocabulary)
	order, starts, count := l.sortedPlace(rows), l.sortedPlace(segments+1), l.sortedPlace(1)
	l.sorts = append(l.sorts, Sort{ids, vocabulary, order.offset, starts.offset, count.offset})
	l.launch("embed", "embed_grad", shaders.EmbedGradGrid(rows, vocabulary, width), args, consts,
		in(ids), order, starts, count, in(dy), sum(dtable))
	if dpos := op.Out[1]; dpos != nil {
		l.launch("embed", "embed_positions", shaders.EmbedGrid(a.T, width), args, consts, in(dy), sum(dpos))
	}
}

// sortedPlace takes count integers of the buffer that the host fills.
func (l *lowering) sortedPlace(count int) operand {
	o := operand{buffer: bufSorted, offset: l.sorted, bytes: 4 * count, read: true}
	l.sorted += (o.bytes + align - 1) / align * align
	return o
}
