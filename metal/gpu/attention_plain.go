package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// scoreBytes bounds the scores that exist at one time, unless [Choices] do. A single head may exceed it:
// from T = 4096 on.
const scoreBytes = 64 << 20

// plain tells whether an attention's scores are to exist in memory: the flash kernels end at heads of
// 128, and [Choices] may ask for it.
func (l *lowering) plain(a graph.AttentionAttr) bool {
	return l.choices.PlainAttention || max(a.D, a.DV) > shaders.MaxHead
}

// headChunk is heads h0 .. h0+heads-1 of each of the sequences b0 .. b0+seqs-1.
type headChunk struct{ b0, seqs, h0, heads int }

// headChunks cuts all heads into chunks, by shape alone, so that `copies` times a chunk's scores fit
// the bound: whole sequences, else whole groups of heads that share keys, else single heads.
func headChunks(a graph.AttentionAttr, copies, bound int) []headChunk {
	if bound == 0 {
		bound = scoreBytes
	}
	fit, group := bound/(4*copies*a.T*a.T), a.H/a.K
	c := headChunk{seqs: 1, heads: 1}
	switch {
	case fit >= a.H:
		c.seqs, c.heads = min(fit/a.H, a.B), a.H
	case fit >= group:
		c.heads = fit / group * group
	}
	var all []headChunk
	for b := 0; b < a.B; b += c.seqs {
		for h := 0; h < a.H; h += c.heads {
			all = append(all, headChunk{b, min(c.seqs, a.B-b), h, min(c.heads, a.H-h)})
		}
	}
	return all
}

// batch is the operand of a batched product: matrices of lines ld apart, `inner` apart from head to
// head and `outer` from sequence to sequence.
type batch struct {
	operand
	ld, outer, inner int
}

// rows is n heads, from one on and a step apart, of a tensor [B*T of*width] that holds heads side by
// side.
func (c headChunk) rows(t operand, a graph.AttentionAttr, of, first, step, n, width int) batch {
	line := of * width
	from := c.b0*a.T*line + first*width
	to := ((c.b0+c.seqs)*a.T-1)*line + (first+(n-1)*step+1)*width
	return batch{t.part(from, to-from), line, a.T * line, step * width}
}

// scores is n heads, from one of the chunk on and a step apart, of the chunk's scores [seqs heads T T].
func (c headChunk) scores(s operand, a graph.AttentionAttr, first, step, n int) batch {
	square := a.T * a.T
	from, to := first*square, ((c.seqs-1)*c.heads+first+(n-1)*step+1)*square
	return batch{s.part(from, to-from), a.T, c.heads * square, step * square}
}

// products records c = alpha op(a) op(b), or c += where c is read, for n heads of each sequence of a
// chunk. share heads of a in a row have one b.
func (l *lowering) products(layout graph.Layout, m, n, k int, alpha float64, chunk headChunk,
	heads, share int, a, b, c batch) {
	ta, tb := layout == graph.TN, layout == graph.NT
	args := shaders.MatMulArgs{
		M: uint32(m), N: uint32(n), K: uint32(k), LdA: uint32(a.ld), LdB: uint32(b.ld), LdC: uint32(c.ld),
		Inner: uint32(heads), GroupB: uint32(share), OuterA: uint32(a.outer), InnerA: uint32(a.inner),
		OuterB: uint32(b.outer), InnerB: uint32(b.inner), OuterC: uint32(c.outer), InnerC: uint32(c.inner),
		Alpha: float32(alpha),
	}
	t := tileOf(l.family, m, n, chunk.seqs*heads)
	grid := args.Lay(t, chunk.seqs*heads, 1)
	va, vb, whole, wholeK := args.Flags(t, ta, tb)
	to := c.operand // where it is added to, the kernel finds what to add there
	to.write = true
	l.launch("matmul", t.Kernel(), grid, args, []any{ta, tb, false, c.read, va, vb, whole, wholeK, c.read},
		a.reading(), b.reading(), operand{absent: true}, operand{absent: true}, to)
}

// softmaxArgs are those of the kernels that walk rows of a chunk's scores.
func (c headChunk) softmaxArgs(a graph.AttentionAttr) (shaders.AttentionArgs, shaders.Grid) {
	args := attentionArgs(a)
	args.B, args.H = uint32(c.seqs), uint32(c.heads)
	return args, shaders.AttentionRowGrid(c.seqs * c.heads * a.T)
}

// softmax records scores of a chunk and turns them into P: with lse written or, saved, read.
func (l *lowering) softmax(c headChunk, a graph.AttentionAttr, q, k, s, lse, tops operand, saved bool) {
	kv, group := c.h0/(a.H/a.K), a.H/a.K
	l.products(graph.NT, a.T, a.T, a.D, a.Scale, c, c.heads, group,
		c.rows(q, a, a.H, c.h0, 1, c.heads, a.D),
		c.rows(k, a, a.K, kv, 1, ceil(c.heads, group), a.D), c.scores(s, a, 0, 1, c.heads).writing())
	from, n := (c.b0*a.H+c.h0)*a.T, c.seqs*c.heads*a.T
	lse = lse.part(from, n)
	if saved {
		lse = lse.reading()
	}
	if !tops.absent {
		tops = tops.part(from, n)
	}
	all := s.part(0, n*a.T)
	all.read, all.write = true, true
	args, grid := c.softmaxArgs(a)
	l.launch("attention_plain", "attention_softmax", grid, args, []any{false, !tops.absent, saved},
		all, lse, tops.writing())
}

func (b batch) writing() batch { b.operand = b.operand.writing(); return b }

// plainAttention is the forward pass over scores in memory: P = softmax(scale q k^T), o = P v.
func (l *lowering) plainAttention(op *graph.Op, a graph.AttentionAttr) {
	q, k, v, o, lse, top := in(op.In[0]), in(op.In[1]), in(op.In[2]), out(op.Out[0]), out(op.Out[1]), op.Out[2]
	chunks := headChunks(a, 1, l.choices.ScoreBytes)
	s, tops := l.temp(chunks[0].seqs*chunks[0].heads*a.T*a.T), operand{absent: true}
	if top != nil {
		tops = l.temp(a.B * a.H * a.T)
	}
	group := a.H / a.K
	for _, c := range chunks {
		l.softmax(c, a, q, k, s, lse, tops, false)
		l.products(graph.NN, a.T, a.DV, a.T, 1, c, c.heads, group, c.scores(s, a, 0, 1, c.heads),
			c.rows(v, a, a.K, c.h0/group, 1, ceil(c.heads, group), a.DV),
			c.rows(o, a, a.H, c.h0, 1, c.heads, a.DV).writing())
	}
	if top != nil {
		l.largest(a, tops, lse, a.T, top)
	}
}

// largest records the largest logit of each head, of n that the heads have in tops.
func (l *lowering) largest(a graph.AttentionAttr, tops, lse operand, n int, top *graph.Tensor) {
	args := attentionArgs(a)
	args.Blocks = uint32(n)
	l.launch("attention_plain", "attention_top", shaders.AttentionTopGrid(a.B*a.H), args,
		[]any{false, true, false}, tops.reading(), lse.reading(), out(top))
}

// plainAttentionGrad is the backward pass: P again from lse, dP = do v^T, dS = P (dP - sum(P dP)) scale,
// dq = dS k, and head by head of a group, so in a fixed order, dv += P^T do and dk += dS^T q.
func (l *lowering) plainAttentionGrad(op *graph.Op, a graph.AttentionAttr) {
	q, k, v, lse, do := in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[4]), in(op.In[5])
	dq, dk, dv := out(op.Out[0]), out(op.Out[1]), out(op.Out[2])
	chunks := headChunks(a, 2, l.choices.ScoreBytes)
	n := chunks[0].seqs * chunks[0].heads * a.T * a.T
	p, ds := l.temp(n), l.temp(n)
	group := a.H / a.K
	for _, c := range chunks {
		kv, kvs := c.h0/group, ceil(c.heads, group)
		l.softmax(c, a, q, k, p, lse, operand{absent: true}, true)
		l.products(graph.NT, a.T, a.T, a.DV, 1, c, c.heads, group,
			c.rows(do, a, a.H, c.h0, 1, c.heads, a.DV), c.rows(v, a, a.K, kv, 1, kvs, a.DV),
			c.scores(ds, a, 0, 1, c.heads).writing())
		all := c.scores(ds, a, 0, 1, c.heads).operand
		all.read, all.write = true, true
		args, grid := c.softmaxArgs(a)
		l.launch("attention_plain", "attention_softmax_grad", grid, args, []any{false, false, false},
			c.scores(p, a, 0, 1, c.heads).reading(), all)
		l.products(graph.NN, a.T, a.D, a.T, 1, c, c.heads, group, c.scores(ds, a, 0, 1, c.heads),
			c.rows(k, a, a.K, kv, 1, kvs, a.D), c.rows(dq, a, a.H, c.h0, 1, c.heads, a.D).writing())
		for i := range min(group, c.heads) {
			h := c.h0 + i
			add := h%group != 0
			toV, toK := c.rows(dv, a, a.K, kv, 1, kvs, a.DV), c.rows(dk, a, a.K, kv, 1, kvs, a.D)
			toV.read, toK.read = add, add
			l.products(graph.TN, a.T, a.DV, a.T, 1, c, kvs, 1, c.scores(p, a, i, group, kvs),
				c.rows(do, a, a.H, h, group, kvs, a.DV), toV)
			l.products(graph.TN, a.T, a.D, a.T, 1, c, kvs, 1, c.scores(ds, a, i, group, kvs),
				c.rows(q, a, a.H, h, group, kvs, a.D), toK)
		}
	}
}
