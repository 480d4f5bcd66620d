package shaders

import "strconv"

// AttentionArgs are those of attention_forward_N (q, k, v, o, lse, tops), attention_dq_N (q, k, v, do,
// lse, delta, dq), attention_dkv_N (q, k, v, do, lse, delta, dk, dv), attention_delta (o, do, delta),
// attention_top (tops, top), attention_softmax (scores, lse, tops), attention_softmax_grad (p, dp) and
// attention_cached (q, key cache, value cache, pos, o). S is the capacity of the caches. Blocks is
// [AttentionBlocks] for the flash kernels, and for attention_top how many numbers each head has: 4 a
// block after attention_forward, T after attention_softmax.
type AttentionArgs struct {
	B, T, H, K, D, DV, S, Blocks uint32
	Scale                        float32
}

// CacheArgs are those of cache_write (x, pos, cache), once for keys and once for values.
type CacheArgs struct{ B, T, S, Width uint32 }

// The function constants of attention, both bool.
const (
	AttentionVector = iota // D and DV are multiples of 4
	AttentionTop           // keep the largest logits
)

// MaxHead is the largest head size of the flash and cached kernels.
const MaxHead = 128

// AttentionKernel is the name of forward, dq or dkv for heads of D and DV elements.
func AttentionKernel(pass string, d, dv int) string {
	pad := MaxHead
	switch n := max(d, dv); {
	case n <= 32:
		pad = 32
	case n <= 64:
		pad = 64
	}
	return "attention_" + pass + "_" + strconv.Itoa(pad)
}

// AttentionBlocks is the number of blocks of 32 rows.
func AttentionBlocks(t int) int { return ceil(t, 32) }

// AttentionGrid launches forward and dq (heads = H) or dkv (heads = K).
func AttentionGrid(b, t, heads int) Grid {
	return Grid{[3]int{AttentionBlocks(t), heads, b}, 128}
}

// AttentionRowGrid launches the kernels with one simdgroup for each of B*T*H rows: delta, softmax and
// softmax_grad.
func AttentionRowGrid(rows int) Grid { return groups(ceil(rows, 8), 256) }

// AttentionTopGrid launches attention_top for B*H heads.
func AttentionTopGrid(heads int) Grid { return groups(heads, 32) }

// AttentionCachedGrid launches attention_cached for rows = B*T tokens.
func AttentionCachedGrid(rows, heads int) Grid { return Grid{[3]int{rows, heads, 1}, 128} }

// CacheGrid launches cache_write.
func CacheGrid(elems int) Grid { return groups(ceil(elems, 256), 256) }
