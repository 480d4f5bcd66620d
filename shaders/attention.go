package shaders

import "strconv"

// AttentionArgs are those of attention_forward_N (q, k, v, o, lse, tops), attention_dq_N (q, k, v, do,
// lse, delta, dq), attention_dkv_N (q, k, v, do, lse, delta, dk, dv), attention_delta (o, do, delta),
// attention_top (tops, lse, top), attention_softmax (scores, lse, tops), attention_softmax_grad (p, dp),
// attention_cached (q, key cache, value cache, pos, o) and attention_latent (q, cache, pos, o). S is the
// capacity of the caches. Blocks is [AttentionBlocks] for the flash kernels, and for attention_top how
// many numbers each head has: 4 a block after attention_forward, T after attention_softmax.
type AttentionArgs struct {
	B, T, H, K, D, DV, S, Blocks uint32
	Scale                        float32
}

// CacheArgs are those of cache_write (x, pos, cache), once for keys and once for values.
type CacheArgs struct{ B, T, S, Width uint32 }

// The function constants of attention, all bool. attention_forward_N reads the first two,
// attention_softmax the last two.
const (
	AttentionVector = iota // D and DV are multiples of 4
	AttentionTop           // keep the largest logits
	AttentionSaved         // lse is given, not computed
)

// MaxHead is the largest head size of the flash kernels.
const MaxHead = 128

// pad is the head size that the flash kernels are made for.
func pad(d, dv int) int {
	switch n := max(d, dv); {
	case n <= 32:
		return 32
	case n <= 64:
		return 64
	}
	return MaxHead
}

// AttentionKernel is the name of forward, dq or dkv for heads of D and DV elements.
func AttentionKernel(pass string, d, dv int) string {
	return "attention_" + pass + "_" + strconv.Itoa(pad(d, dv))
}

// AttentionBlocks is the number of blocks of 32 rows.
func AttentionBlocks(t int) int { return ceil(t, 32) }

// AttentionGrid launches forward for B sequences of H heads.
func AttentionGrid(b, t, heads int) Grid {
	return Grid{[3]int{AttentionBlocks(t), heads, b}, 128}
}

// AttentionGradGrid launches dq (heads = H) or dkv (heads = K) for heads of D and DV elements.
func AttentionGradGrid(b, t, heads, d, dv int) Grid {
	g := AttentionGrid(b, t, heads)
	if pad(d, dv) == MaxHead {
		g.Threads = 256 // two simdgroups share 8 rows
	}
	return g
}

// AttentionRowGrid launches the kernels with one simdgroup for each of B*T*H rows: delta, softmax and
// softmax_grad.
func AttentionRowGrid(rows int) Grid { return groups(ceil(rows, 8), 256) }

// AttentionTopGrid launches attention_top for B*H heads.
func AttentionTopGrid(heads int) Grid { return groups(heads, 32) }

// AttentionCachedGrid launches attention_cached for rows = B*T tokens and values of DV elements a head.
func AttentionCachedGrid(rows, heads, dv int) Grid {
	return Grid{[3]int{rows, heads, ceil(dv, 128)}, 128}
}

// AttentionLatentGrid launches attention_latent for rows = B*T tokens and values of DV elements a head.
func AttentionLatentGrid(rows, heads, dv int) Grid {
	return Grid{[3]int{rows, ceil(heads, 2), ceil(dv, 512)}, 128}
}

// CacheGrid launches cache_write.
func CacheGrid(elems int) Grid { return groups(ceil(elems, 256), 256) }
