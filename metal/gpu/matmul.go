package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// longSum is the number of terms from which on a product that is no weight gradient is cut into parts
// too, where its output alone would leave most of a GPU idle: dx of the head's chunks, with a large
// vocabulary.
const longSum = 2048

func ceil(n, by int) int { return (n + by - 1) / by }

// product records c = op(a) op(b) + bias + carry. A destination that is also read is added to.
func (l *lowering) product(layout graph.Layout, m, n, k int, a, b, bias, carry, c operand) {
	ta, tb := layout == graph.TN, layout == graph.NT
	args := shaders.MatMulArgs{
		M: uint32(m), N: uint32(n), K: uint32(k), LdA: uint32(k), LdB: uint32(n), LdC: uint32(n), Alpha: 1,
	}
	if ta {
		args.LdA = args.M
	}
	if tb {
		args.LdB = args.K
	}
	splits := 1
	if c.read || k >= longSum {
		splits = shaders.MatMulSplits(m, n, k)
	}
	to := c
	if splits > 1 {
		to = l.temp(splits * m * n).writing()
	} else if c.read {
		carry = c.reading()
	}
	added := !carry.absent
	carry, to, inPlace := carry.over(to.writing())
	t := tileOf(l.family, m, n, splits)
	grid := args.Lay(t, 1, splits)
	va, vb, whole, wholeK := args.Flags(t, ta, tb)
	l.launch("matmul", t.Kernel(), grid, args,
		[]any{ta, tb, !bias.absent, added, va, vb, whole, wholeK, inPlace},
		a, b, bias, carry, to)
	if splits > 1 {
		l.fold(to, splits, m*n, c)
	}
}

func lowerMatMul(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.MatMulAttr)
	c := out(op.Out[0])
	c.read = op.Out[0].Role == graph.Grad
	l.product(a.Layout, a.M, a.N, a.K, in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[3]), c)
}

// columnSums adds the sums down the columns of x [rows width] to a parameter's gradient.
func (l *lowering) columnSums(x operand, rows, width int, to operand) {
	blocks, per := shaders.RowBlocks(rows)
	parts := l.temp(blocks * width)
	l.launch("memory", "column_sums", shaders.ColumnGrid(rows, width),
		shaders.ColumnArgs{Rows: uint32(rows), Width: uint32(width), BlockRows: uint32(per)}, nil,
		x.reading(), parts.writing())
	l.fold(parts, blocks, width, to)
}

func lowerColSum(l *lowering, op *graph.Op) {
	x := op.In[0]
	l.columnSums(in(x), x.Rows(), x.Width(), sum(op.Out[0]))
}
