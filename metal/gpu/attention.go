package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// perBlock is how many largest logits the forward kernel leaves for each block of rows: one a simdgroup.
const perBlock = 4

func attentionArgs(a graph.AttentionAttr) shaders.AttentionArgs {
	return shaders.AttentionArgs{
		B: uint32(a.B), T: uint32(a.T), H: uint32(a.H), K: uint32(a.K), D: uint32(a.D), DV: uint32(a.DV),
		S: uint32(a.S), Blocks: uint32(shaders.AttentionBlocks(a.T)), Scale: float32(a.Scale),
	}
}

func lowerAttention(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	if l.plain(a) {
		l.plainAttention(op, a)
		return
	}
	args, top := attentionArgs(a), op.Out[2]
	tops := operand{absent: true}
	if top != nil {
		tops = l.temp(a.B * a.H * perBlock * int(args.Blocks))
	}
	l.launch("attention", shaders.AttentionKernel("forward", a.D, a.DV),
		shaders.AttentionGrid(a.B, a.T, a.H), args, []any{a.D%4 == 0 && a.DV%4 == 0, top != nil},
		in(op.In[0]), in(op.In[1]), in(op.In[2]), out(op.Out[0]), out(op.Out[1]), tops.writing())
	if top != nil {
		l.largest(a, tops, out(op.Out[1]), perBlock*int(args.Blocks), top)
	}
}

func lowerAttentionGrad(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	if l.plain(a) {
		l.plainAttentionGrad(op, a)
		return
	}
	q, k, v, o, lse, do := in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[3]), in(op.In[4]), in(op.In[5])
	args, consts := attentionArgs(a), []any{a.D%4 == 0 && a.DV%4 == 0}
	rows := a.B * a.H * a.T
	delta := l.temp(rows)
	l.launch("attention_grad", "attention_delta", shaders.AttentionRowGrid(rows), args, consts,
		o, do, delta.writing())
	l.launch("attention_grad", shaders.AttentionKernel("dq", a.D, a.DV),
		shaders.AttentionGradGrid(a.B, a.T, a.H, a.D, a.DV), args, consts,
		q, k, v, do, lse, delta.reading(), out(op.Out[0]))
	l.launch("attention_grad", shaders.AttentionKernel("dkv", a.D, a.DV),
		shaders.AttentionGradGrid(a.B, a.T, a.K, a.D, a.DV), args, consts,
		q, k, v, do, lse, delta.reading(), out(op.Out[1]), out(op.Out[2]))
}

func lowerCacheWrite(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	for i, width := range []int{a.K * a.D, a.K * a.DV} {
		if op.In[i] == nil {
			continue // latents are keys and values in one
		}
		l.launch("attention_cached", "cache_write", shaders.CacheGrid(a.B*a.T*width),
			shaders.CacheArgs{B: uint32(a.B), T: uint32(a.T), S: uint32(a.S), Width: uint32(width)},
			[]any{false}, in(op.In[i]), in(op.In[2]), sum(op.Out[i]))
	}
}

func lowerAttentionCached(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.AttentionAttr)
	if a.Latent {
		l.launch("attention_cached", "attention_latent", shaders.AttentionLatentGrid(a.B*a.T, a.H, a.DV),
			attentionArgs(a), []any{false}, in(op.In[0]), in(op.In[1]), in(op.In[3]), out(op.Out[0]))
		return
	}
	l.launch("attention_cached", "attention_cached", shaders.AttentionCachedGrid(a.B*a.T, a.H, a.DV),
		attentionArgs(a), []any{a.D%4 == 0 && a.DV%4 == 0},
		in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[3]), out(op.Out[0]))
}
