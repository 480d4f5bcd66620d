package gpu

import "github.com/evenkeel/evenkeel/shaders"

func init() {
	formulas["matmul_staged"] = func(c *counter) { c.product(shaders.Staged) }
	formulas["matmul_direct"] = func(c *counter) { c.product(shaders.Direct) }
}

// product: every tile reads its lines of A and of B whole, so A passes once for each column of tiles
// and B once for each row of them. What lies beyond an edge is not read, but multiplied: the staged
// kernel rounds K up to 16, the direct one to 8, and both round M and N up to their tile.
func (c *counter) product(t shaders.Tile) {
	a := args[shaders.MatMulArgs](c.d)
	m, n, k := float64(a.M), float64(a.N), float64(a.K)
	tm, tn, batch := float64(a.TilesM), float64(a.TilesN), float64(c.d.Groups.Z)/float64(a.Splits)
	direct := t == shaders.Direct
	c.loadLines(batch*tn, m*k, c.on(shaders.MatMulVectorA) && !direct)
	c.loadLines(batch*tm, n*k, c.on(shaders.MatMulVectorB) && !direct)

	side, step := 64, 16
	if direct {
		side, step = 32, 8
	}
	steps, chains := 0, 0 // over the splits
	for s := range int(a.Splits) {
		depth := max(0, min(int(a.SplitK), int(a.K)-s*int(a.SplitK)))
		steps += ceil(depth, step)
		chains += shaders.MatMulChains(depth)
	}

	// The epilogue of each chain, which adds to C but for the first; bias and carry enter the first split.
	out, again := m*n*batch, 0.0
	c.store(out * float64(chains))
	c.load(out * float64(chains-int(a.Splits)))
	if chains > int(a.Splits) {
		again = out * float64(a.Splits)
	}
	// Operands of a batch may have those of others between their lines, so regions tell too much.
	c.Bytes = 4 * (batch*m*k + batch/float64(a.GroupB)*n*k + out*float64(a.Splits) + again +
		n*c.one(shaders.MatMulBias) + out*c.one(shaders.MatMulCarry))
	for _, add := range []int{shaders.MatMulBias, shaders.MatMulCarry} {
		if c.on(add) {
			c.load(out)
			c.FLOPs += out
		}
	}
	c.FLOPs += 2 * m * n * k * batch
	if a.Alpha != 1 {
		c.FLOPs += out
	}
	c.Vector = out * float64(chains) * 3

	tiles := tm * tn * batch
	subs := float64(side*side) / (32 * 32) // simdgroups
	c.Matrix = tiles * float64(steps) * float64(step/8) * 16 * subs
	area := float64(side * side)
	c.group(tiles*float64(chains)*area, out*float64(chains))
	if direct {
		c.Threadgroup, c.Registers = 8*36*4, 16*2+8*2+24
		c.edgeFragments(&a, batch)
		return
	}
	c.group(tiles*float64(steps)*2*64*16, tiles*float64(steps)*float64(step/8)*8*64*subs)
	c.Threadgroup, c.Registers = 2*320*16, 16*2+8*2+24
}

// edgeFragments: the direct kernel takes a fragment that crosses an edge through threadgroup memory.
func (c *counter) edgeFragments(a *shaders.MatMulArgs, batch float64) {
	if c.on(shaders.MatMulWholeMN) && c.on(shaders.MatMulWholeK) {
		return
	}
	// Of all fragments, those that lie inside in both directions go straight to registers.
	edges := func(lines, tiles int) float64 {
		crossing := 0
		for s := range int(a.Splits) {
			from := s * int(a.SplitK)
			depth := min(int(a.SplitK), int(a.K)-from)
			if depth > 0 {
				crossing += tiles*4*ceil(depth, 8) - lines/8*(depth/8)
			}
		}
		return float64(crossing)
	}
	n := edges(int(a.M), int(a.TilesM))*float64(a.TilesN) + edges(int(a.N), int(a.TilesN))*float64(a.TilesM)
	c.group(64*n*batch, 64*n*batch)
}
