package gpu

import (
	"math"

	"github.com/evenkeel/evenkeel/shaders"
)

func init() {
	for _, pad := range []string{"_32", "_64", "_128"} {
		formulas["attention_forward"+pad] = (*counter).attend
		formulas["attention_dq"+pad] = (*counter).attendDQ
		formulas["attention_dkv"+pad] = (*counter).attendDKV
	}
	formulas["attention_delta"] = (*counter).delta
	formulas["attention_top"] = (*counter).top
	formulas["attention_softmax"] = (*counter).softmax
	formulas["attention_softmax_grad"] = (*counter).softmaxGrad
	formulas["attention_cached"] = (*counter).cached
	formulas["cache_write"] = (*counter).cacheWrite
}

// flashTile is the padded head size of a flash kernel and the keys (dkv: queries) that go by at a time.
func flashTile(kernel string) (hd, bk int) {
	switch {
	case kernel[len(kernel)-3:] == "_32":
		return 32, 32
	case kernel[len(kernel)-3:] == "_64":
		return 64, 32
	}
	return 128, 16
}

// flash is the shape of a flash kernel's work, summed over the blocks of 32 rows of one head.
type flash struct {
	shaders.AttentionArgs
	hd, bk  float64
	halves  float64 // simdgroups that share 8 rows, each with a part of the head's columns
	vector  bool
	passes  float64 // blocks of bk that go by
	through float64 // rows inside the sequence in them
	pairs   float64 // of query and key that are not masked
	reads   float64 // the same, with the rows that fill the last block up
}

// shape adds up what a block of 32 rows walks: from the first key to the block's last row, or
// (backwards) from the block's first row to the end.
func (c *counter) shape(backwards bool) flash {
	a := args[shaders.AttentionArgs](c.d)
	hd, bk := flashTile(c.d.Kernel)
	f := flash{AttentionArgs: a, hd: float64(hd), bk: float64(bk), vector: c.on(shaders.AttentionVector)}
	f.halves = float64(c.d.Threads.X) / 128
	T := int(a.T)
	for q0 := 0; q0 < T; q0 += 32 {
		from, to := 0, min(T, q0+32)
		if backwards {
			from, to = q0, T
		}
		n := ceil(to-from, bk)
		f.passes += float64(n)
		f.through += float64(min(T, from+n*bk) - from)
		for row := q0; row < q0+32; row++ {
			f.reads += float64(min(row+1, from+n*bk))
		}
	}
	f.pairs = float64(T) * float64(T+1) / 2
	return f
}

// stage counts rows that a threadgroup copies into threadgroup memory: all of them with their padding
// are stored, those inside are read.
func (c *counter) stage(f *flash, all, inside, width float64) {
	c.loadLines(inside, width, f.vector)
	c.group(all*f.hd, 0)
}

// timesRows counts n products [32 BK] = [32 HD] [BK HD]^T, addRows n products [32 HD] += [32 BK] [BK HD].
// Simdgroups that share rows have a part of HD each, and all of BK.
func (c *counter) timesRows(f *flash, n float64) {
	k := n * 4 * f.bk / 8 * f.hd / 8
	c.Matrix += k
	c.group(n*f.halves*32*f.bk, 64*k)
}

func (c *counter) addRows(f *flash, n float64) {
	k := n * 4 * f.bk / 8 * f.hd / 8
	c.Matrix += k
	c.group(0, 64*k+n*f.halves*32*f.bk)
}

// gather counts n passes in which the lanes take two [32 BK] scores, of which each half of a head's
// columns gave a part.
func (c *counter) gather(f *flash, n float64) { c.group(0, n*f.halves*f.halves*2*32*f.bk) }

// hold counts 32 staged rows that become fragments, and putRows fragments that become rows of output.
func (c *counter) hold(f *flash, n float64) { c.group(0, n*32*f.hd) }

func (c *counter) putRows(f *flash, blocks, rows, width float64) {
	c.group(blocks*32*f.hd, rows*4*math.Ceil(width/4))
	c.storeLines(rows, width, f.vector)
}

// floats of the flash kernels' threadgroup memory, by padded head size: the tile, and the scratch for
// one [32 BK].
func (f *flash) tile() float64    { return max(32, 2*f.bk) * (f.hd + 4) }
func (f *flash) scratch() float64 { return f.halves * 32 * (f.bk + 4) }

// attend: keys and values up to the diagonal's block, whole blocks of it. How often the output is
// rescaled depends on the logits ([Data.Moves]): never when the first block holds the largest of every
// row, at most once a block and simdgroup, which is another 1/8 of the products for BK 32.
func (c *counter) attend() {
	f := c.shape(false)
	heads := float64(f.B * f.H)
	T, D, DV := float64(f.T), float64(f.D), float64(f.DV)
	blocks := heads * float64(f.Blocks)
	passes := heads * f.passes
	c.stage(&f, 32*blocks, heads*T, D)
	c.hold(&f, blocks)
	c.stage(&f, passes*f.bk, heads*f.through, D)
	c.stage(&f, passes*f.bk, heads*f.through, DV)
	c.timesRows(&f, passes)
	c.addRows(&f, passes)
	c.Matrix += c.known.Moves * f.hd / 8
	c.group(passes*4*64, c.known.Moves*64)
	c.group(passes*32*f.bk, heads*f.reads) // logits become weights
	c.putRows(&f, blocks, heads*T, DV)
	c.store(heads * T)
	if c.on(shaders.AttentionTop) {
		c.store(4 * blocks)
	}
	c.FLOPs = heads * f.pairs * (2*D + 2*DV + 4)
	c.Vector = passes * 32 * f.bk * 7
	c.Threadgroup = int(4 * (f.tile() + f.scratch() + 256))
	c.Registers = int(2*2*f.hd/8+f.bk/4) + 32
}

// attendDQ recomputes P and dP: 3 products where 5 of the backward pass's are needed in all.
func (c *counter) attendDQ() {
	f := c.shape(false)
	heads := float64(f.B * f.H)
	T, D, DV := float64(f.T), float64(f.D), float64(f.DV)
	blocks, passes := heads*float64(f.Blocks), heads*f.passes
	c.stage(&f, 32*blocks, heads*T, D)
	c.stage(&f, 32*blocks, heads*T, DV)
	c.hold(&f, 2*blocks)
	c.load(heads * T * 2 * 4 * f.halves) // lse and delta, by all lanes of a row
	c.stage(&f, passes*f.bk, heads*f.through, D)
	c.stage(&f, passes*f.bk, heads*f.through, DV)
	c.timesRows(&f, 2*passes)
	c.addRows(&f, passes)
	c.gather(&f, passes)
	c.group(passes*f.halves*32*f.bk, 0)
	c.putRows(&f, blocks, heads*T, D)
	c.FLOPs = heads * f.pairs * (4*D + 2*DV + 5) // q k, do v, dS k
	c.Vector = passes * 32 * f.bk * 7
	c.Threadgroup = int(4 * (f.tile() + 2*f.scratch()))
	c.Registers = int(3*2*f.hd/f.halves/8+f.bk/2) + 32
}

// attendDKV walks, for each block of keys, the queries of all heads that share it, from the diagonal's
// block on. q k and do v are counted as useful where dq needs them first; here they are done again.
func (c *counter) attendDKV() {
	f := c.shape(true)
	pairs := float64(f.B * f.K)                  // of sequence and key head
	heads := pairs * float64(f.H) / float64(f.K) // of sequence and query head
	T, D, DV := float64(f.T), float64(f.D), float64(f.DV)
	blocks, passes := pairs*float64(c.d.Groups.X), heads*f.passes
	c.stage(&f, 32*blocks, pairs*T, D)
	c.stage(&f, 32*blocks, pairs*T, DV)
	c.hold(&f, 2*blocks)
	c.stage(&f, passes*f.bk, heads*f.through, D)
	c.stage(&f, passes*f.bk, heads*f.through, DV)
	c.load(2 * heads * f.through) // lse and delta
	c.group(passes*2*f.bk, f.halves*(heads*f.pairs+passes*32*f.bk))
	c.timesRows(&f, 2*passes)
	c.addRows(&f, 2*passes)
	c.gather(&f, passes)
	c.group(2*passes*f.halves*32*f.bk, 0)
	c.putRows(&f, blocks, pairs*T, D)
	c.putRows(&f, blocks, pairs*T, DV)
	c.FLOPs = heads * f.pairs * (2*D + 2*DV) // dS^T q, P^T do
	c.Vector = passes * 32 * f.bk * 7
	c.Threadgroup = int(4 * (f.tile() + 2*f.scratch() + 2*f.bk))
	c.Registers = int(4*2*f.hd/f.halves/8+f.bk/2) + 32
}

func (c *counter) delta() {
	a := args[shaders.AttentionArgs](c.d)
	rows, DV := float64(a.B*a.T*a.H), float64(a.DV)
	c.load(2 * rows * DV)
	c.store(rows)
	c.FLOPs = 2 * rows * DV
	c.Vector = c.FLOPs + rows*32*5
	c.Registers = 12
}

func (c *counter) top() {
	a := args[shaders.AttentionArgs](c.d)
	heads := float64(c.d.Groups.X)
	c.load(heads * float64(a.Blocks+a.T)) // and lse, which shows a NaN
	c.store(heads)
	c.FLOPs = heads * float64(a.Blocks)
	c.Vector = heads*float64(a.Blocks+2*a.T) + heads*32*10
	c.Registers = 10
}

// softmax goes over a row's live part twice to find lse, unless it is given, and once more in place; the
// rest of the row becomes zero.
func (c *counter) softmax() {
	a := args[shaders.AttentionArgs](c.d)
	rows, T := float64(a.B*a.H*a.T), float64(a.T)
	live := rows * (T + 1) / 2
	saved := c.on(shaders.AttentionSaved)
	c.load(live)
	c.store(rows * T)
	if saved {
		c.load(rows * 32) // every lane reads lse
	} else {
		c.load(2 * live)
		c.store(rows * (1 + c.one(shaders.AttentionTop)))
	}
	c.FLOPs = 3 * live
	c.Bytes = 4 * (live + rows*T + rows)
	c.Vector = 12*live + rows*32*10
	c.Registers = 14
}

func (c *counter) softmaxGrad() {
	a := args[shaders.AttentionArgs](c.d)
	rows, T := float64(a.B*a.H*a.T), float64(a.T)
	live := rows * (T + 1) / 2
	c.load(4 * live)
	c.store(rows * T)
	c.FLOPs = 5 * live
	c.Bytes = 4 * (2*live + rows*T)
	c.Vector = 5*live + rows*32*5
	c.Registers = 14
}

// cached reads the caches up to each token's position ([Data.Position]). Threadgroups share the values
// out by 128 elements, and each looks at all keys; what of q goes beyond 128 is read again for each.
func (c *counter) cached() {
	a := args[shaders.AttentionArgs](c.d)
	D, DV, parts := float64(a.D), float64(a.DV), float64(c.d.Groups.Z)
	rows := float64(a.B * a.T)
	keys := 0.0 // over the tokens of a sequence
	for t := range int(a.T) {
		keys += float64(min(int(a.S), c.known.Position+t+1))
	}
	n, pairs := rows*float64(a.H), float64(a.B*a.H)*keys
	c.load(parts * n * 4 * min(D, 128)) // each simdgroup holds q
	c.load(parts * pairs * (D + max(0, D-128)))
	c.load(pairs * DV)
	c.load(float64(c.threads())) // the position
	c.store(n * DV)
	c.group(parts*n*(4*128+8), parts*n*(128*(8+4)+128*4))
	c.FLOPs = pairs * (2*D + 2*DV + 4)
	last := float64(min(int(a.S), c.known.Position+int(a.T)))
	c.Bytes = 4 * (n*(D+DV) + float64(a.B*a.K)*last*(D+DV))
	c.Vector = parts * pairs * (2*128*2 + 32*14)
	c.Threadgroup, c.Registers = 4*(4*128+8), 24
}

// cacheWrite: rows that would go past the end of the cache are dropped.
func (c *counter) cacheWrite() {
	a := args[shaders.CacheArgs](c.d)
	rows := float64(a.B) * float64(max(0, min(int(a.T), int(a.S)-c.known.Position)))
	c.load(float64(c.threads())) // the position
	c.load(rows * float64(a.Width))
	c.store(rows * float64(a.Width))
	c.Bytes = 8 * rows * float64(a.Width)
	c.Registers = 10
}
