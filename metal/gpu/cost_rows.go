package gpu

import "github.com/evenkeel/evenkeel/shaders"

func init() {
	formulas["norm_rows"] = func(c *counter) { c.norm(true) }
	formulas["norm_loop"] = func(c *counter) { c.norm(false) }
	formulas["norm_grad_rows"] = func(c *counter) { c.normGrad(true) }
	formulas["norm_grad_loop"] = func(c *counter) { c.normGrad(false) }
	formulas["norm_weights"] = (*counter).normWeights
	formulas["rope"] = (*counter).rope
	formulas["norm_rope"] = (*counter).normRope
	formulas["norm_rope_grad"] = (*counter).normRopeGrad
	formulas["lm_loss_rows"] = (*counter).lossRows
	formulas["lm_loss_total"] = (*counter).lossTotal
}

// one is 1 where a function constant is set.
func (c *counter) one(index int) float64 {
	if c.on(index) {
		return 1
	}
	return 0
}

// norm: a held row is read once; a looped one once for each of the mean (LayerNorm, and the sum of
// CRMSNorm), the squares and the result. Gain and bias are read again for each row.
func (c *counter) norm(held bool) {
	a := args[shaders.NormArgs](c.d)
	rows, width := float64(a.Rows), float64(a.Width)
	layer := c.one(shaders.NormLayer) + c.one(shaders.NormCRMS)
	params := c.one(shaders.NormGain) + c.one(shaders.NormBias)
	passes := 1.0
	if !held {
		passes = 2 + layer
		c.total(rows*(1+layer), 8)
	}
	vector := c.on(shaders.NormVector)
	c.loadLines(rows, width*(passes+params), vector)
	c.storeLines(rows, width, vector)
	c.store(rows * (1 + layer))
	c.FLOPs = rows * width * (3 + 2*layer + params + 1)
	c.Vector += rows*width*(5+3*layer+params) + rows*32*10
	c.Threadgroup, c.Registers = 128, 32
}

// normGrad: a held row of dy and of x is read once, a looped one twice, the gain as often. Every thread
// of a row reads the row's statistics.
func (c *counter) normGrad(held bool) {
	a := args[shaders.NormArgs](c.d)
	rows, width := float64(a.Rows), float64(a.Width)
	layer, gain, carry := c.one(shaders.NormLayer), c.one(shaders.NormGain), c.one(shaders.NormCarry)
	passes, lanes := 1.0, 32.0
	if !held {
		passes, lanes = 2, 256
		c.total(rows*(1+layer), 8)
	}
	vector := c.on(shaders.NormVector)
	c.loadLines(rows, width*(passes*(2+gain)+carry), vector)
	c.load(rows * lanes * (1 + layer + c.one(shaders.NormCRMS)))
	c.storeLines(rows, width, vector)
	c.FLOPs = rows * width * (7 + 2*layer + gain + carry)
	c.Vector += rows*width*(9+layer+gain+carry)*passes + rows*32*10
	c.Threadgroup, c.Registers = 128, 56
}

// normWeights: the rows' statistics are read once for every 32 columns.
func (c *counter) normWeights() {
	a := args[shaders.NormWeightArgs](c.d)
	n := float64(a.Rows) * float64(a.Width)
	layer, bias := c.one(shaders.NormLayer), c.one(shaders.NormBias)
	blocks := float64(c.d.Groups.Y)
	c.load(2*n + float64(c.d.Groups.X)*float64(a.Rows)*(1+layer))
	c.store(blocks * float64(a.Width) * (1 + bias))
	c.group(float64(c.groups())*512, blocks*float64(a.Width)*16)
	c.FLOPs = n * (4 + layer + bias)
	c.Vector = c.FLOPs
	c.Threadgroup, c.Registers = 2048, 16
}

// rope: a thread a pair; the two words of its frequency come along, and the offset where there is one.
func (c *counter) rope() {
	a := args[shaders.RopeArgs](c.d)
	heads := float64(a.Rows) * float64(a.Heads)
	n, copied := heads*float64(a.HeadDim-a.Skip), heads*float64(a.Skip)*c.one(shaders.RopeCopy)
	c.load(n + n + n/2*c.one(shaders.RopeOffset) + copied)
	c.store(n + copied)
	if a.Skip > 0 { // elements that stay where they are do not pass
		c.Bytes = 8 * (n + copied)
	}
	c.FLOPs = 3 * n
	c.Vector = n / 2 * 60 // of which cosine and sine most
	c.Registers = 20
}

func (c *counter) normRope() {
	a := args[shaders.NormRopeArgs](c.d)
	heads := float64(a.Rows) * float64(a.Heads)
	n := heads * float64(a.HeadDim)
	layer, params := c.one(shaders.RopeLayer), c.one(shaders.RopeGain)+c.one(shaders.RopeBias)
	c.load(n * (2 + params)) // x and frequencies
	c.load(heads * 32 * c.one(shaders.RopeOffset))
	c.store(n + heads*(1+layer))
	c.FLOPs = n * (7 + 2*layer + params)
	c.Vector = n*(35+2*layer+params) + heads*32*10
	c.Registers = 40
}

func (c *counter) normRopeGrad() {
	a := args[shaders.NormRopeArgs](c.d)
	heads := float64(a.Rows) * float64(a.Heads)
	n := heads * float64(a.HeadDim)
	layer, gain := c.one(shaders.RopeLayer), c.one(shaders.RopeGain)
	c.load(n * (3 + gain)) // dy, x and frequencies
	c.load(heads * 32 * (1 + layer + c.one(shaders.RopeOffset)))
	c.store(n * (1 + c.one(shaders.RopeKeep)))
	c.FLOPs = n * (10 + 2*layer + gain)
	c.Vector = n*(40+2*layer+gain) + heads*32*10
	c.Registers = 48
}

// lossRows: every thread reads the row's target, and its logit once the largest is known. A row without
// a target ([Data.Ignored]) is read once, and gets zeros for a gradient.
func (c *counter) lossRows() {
	a := args[shaders.LossArgs](c.d)
	rows, V, threads := float64(a.Rows), float64(a.Vocabulary), float64(c.d.Threads.X)
	live := rows - float64(c.known.Ignored)
	train, vector := c.one(shaders.LossTrain), c.on(shaders.LossVector)
	c.loadLines(rows+live*train, V, vector)
	c.load(rows*threads + live*threads)
	c.store(rows)
	c.storeLines(rows*train, V, vector)
	nsg := c.d.Threads.X / 32
	c.total(rows, nsg)
	c.group(rows*float64(nsg), rows*threads)
	c.FLOPs = live * V * (3 + 3*train)
	c.Bytes = 4 * ((1+train)*rows*V + 2*rows)
	c.Vector += rows * V * 12 * (1 + train)
	c.Threadgroup, c.Registers = 128, 24
}

func (c *counter) lossTotal() {
	a := args[shaders.LossArgs](c.d)
	c.load(float64(a.Rows))
	c.store(1)
	c.total(1, 8)
	c.FLOPs = float64(a.Rows)
	c.Vector += c.FLOPs
	c.Threadgroup, c.Registers = 128, 8
}
