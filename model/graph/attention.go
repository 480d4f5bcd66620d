package graph

// AttentionAttr fixes a causal attention. Query head j reads key/value head j div (H/K).
type AttentionAttr struct {
	B, T  int
	H, K  int // query heads, key/value heads
	D, DV int // head size of queries and keys, and of values
	Scale float64
	S     int // capacity of the caches (attention_cached only)
	// Latent (attention_cached only, K = 1): the values are the first DV elements of the cached keys,
	// and there is no value cache. It is how MLA samples.
	Latent bool
}

func (b *Builder) checkAttention(name string, a AttentionAttr, q *Tensor) {
	if a.K <= 0 || a.H%a.K != 0 {
		b.fail(name, "%d query heads cannot share %d key/value heads evenly", a.H, a.K)
	}
	b.need(name, q, "the queries", a.B*a.T, a.H*a.D)
}

// Attention is causal softmax attention over B sequences of T tokens, heads side by side in a row:
// o = softmax(scale * q k^T + mask) v per head.
//
//	In: q [B*T H*D], k [B*T K*D], v [B*T K*DV]
//	Out: o [B*T H*DV], lse [B*H*T] (log of the sum of exponentials, natural), top [B*H] (largest
//	scaled logit of each head; nil unless withTop)
func (b *Builder) Attention(site string, a AttentionAttr, q, k, v *Tensor, withTop bool) (o, top *Tensor) {
	name := b.at(site)
	b.checkAttention(name, a, q)
	b.need(name, k, "the keys", a.B*a.T, a.K*a.D)
	b.need(name, v, "the values", a.B*a.T, a.K*a.DV)
	o = b.activation(name, a.B*a.T, a.H*a.DV)
	lse := b.activation(name+".lse", a.B*a.H*a.T)
	if withTop {
		top = b.activation(name+".top", a.B*a.H, 1)
	}
	b.emit(OpAttention, name, a, []*Tensor{q, k, v}, []*Tensor{o, lse, top})
	return o, top
}

// With P recomputed from lse: dv = P^T do; dP = do v^T; dS = P*(dP - rowsum(do*o))*scale; dq = dS k;
// dk = dS^T q.
//
//	In: q, k, v, o, lse, do   Out: dq, dk, dv
func attentionGradient(p *backprop, op *Op) {
	do := p.grad(op.Out[0])
	if do == nil {
		return
	}
	q, k, v := op.In[0], op.In[1], op.In[2]
	dq, dk, dv := p.like(q), p.like(k), p.like(v)
	p.emit(OpAttentionGrad, "d."+op.Name, op.Attr,
		[]*Tensor{q, k, v, op.Out[0], op.Out[1], do}, []*Tensor{dq, dk, dv})
	p.add(q, dq)
	p.add(k, dk)
	p.add(v, dv)
}

// AttentionCached writes the keys and values of T new tokens per sequence at positions pos .. pos+T-1
// of the caches [B S K*D] and [B S K*DV], then attends from each new token to every cached position
// up to its own. With a.Latent, v and vcache are nil.
//
//	cache_write      In: k, v, pos (I32 [1])                    Out: kcache, vcache
//	attention_cached In: q, kcache, vcache, pos                 Out: o [B*T H*DV]
func (b *Builder) AttentionCached(site string, a AttentionAttr, q, k, v, kcache, vcache, pos *Tensor) *Tensor {
	name := b.at(site)
	b.checkAttention(name, a, q)
	b.need(name, k, "the keys", a.B*a.T, a.K*a.D)
	b.need(name, kcache, "the key cache", a.B, a.S, a.K*a.D)
	if a.Latent {
		if v != nil || vcache != nil || a.K != 1 || a.DV > a.D {
			b.fail(name, "latent values are the start of one head of keys and have no cache")
		}
	} else {
		b.need(name, v, "the values", a.B*a.T, a.K*a.DV)
		b.need(name, vcache, "the value cache", a.B, a.S, a.K*a.DV)
	}
	b.need(name, pos, "the position", 1)
	if a.T > a.S {
		b.fail(name, "%d tokens do not fit a cache of %d", a.T, a.S)
	}
	b.index(name, pos, "the position", 0, a.S-a.T+1)
	b.emit(OpCacheWrite, name+".cache", a, []*Tensor{k, v, pos}, []*Tensor{kcache, vcache})
	o := b.activation(name, a.B*a.T, a.H*a.DV)
	b.emit(OpAttentionCached, name, a, []*Tensor{q, kcache, vcache, pos}, []*Tensor{o})
	return o
}
