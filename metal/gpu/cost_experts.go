package gpu

import (
	"math"
	"strings"

	"github.com/evenkeel/evenkeel/shaders"
)

func init() {
	formulas["route_rows"] = (*counter).routeRows
	formulas["route_count"] = (*counter).routeCount
	formulas["route_scan"] = (*counter).routeScan
	formulas["route_place"] = (*counter).routePlace
	formulas["route_grad"] = (*counter).routeGrad
	formulas["gather_rows"] = (*counter).gatherRows
	formulas["combine_rows"] = (*counter).combineRows
	formulas["combine_grad"] = (*counter).combineGrad
	for _, t := range shaders.Tiles() {
		formulas[t.ExpertKernel(false)] = func(c *counter) { c.expertRows(t) }
		formulas[t.ExpertKernel(true)] = func(c *counter) { c.expertWeights(t) }
	}
}

// routeRows: all 32 lanes of a token work, and each round of choosing looks at 8 experts a lane.
func (c *counter) routeRows() {
	a := args[shaders.RouteArgs](c.d)
	R, E, K := float64(a.Tokens), float64(a.Experts), float64(a.Chosen)
	c.load(R * E)
	c.store(R * (E + 2*K + 1 + c.one(shaders.RouteStats)))
	c.FLOPs = R * (4*E + 2 + K*c.one(shaders.RouteRenorm))
	c.Vector, c.Registers = R*32*(8*12+K*(8*5+6)), 48
}

// routeCount: the thread of an expert reads all choices of its block.
func (c *counter) routeCount() {
	a := args[shaders.RouteArgs](c.d)
	R, E, K, blocks := float64(a.Tokens), float64(a.Experts), float64(a.Chosen), float64(a.Blocks)
	stats := c.one(shaders.RouteStats)
	c.load(R*K*E + stats*R*(E+2))
	c.store(blocks*E + stats*blocks*(E+2))
	c.FLOPs = stats * R * (E + 3)
	c.Vector, c.Registers = R*K*E*2+c.FLOPs, 12
}

func (c *counter) routeScan() {
	a := args[shaders.RouteArgs](c.d)
	E, blocks, stats := float64(a.Experts), float64(a.Blocks), c.one(shaders.RouteStats)
	c.load(blocks*E + stats*blocks*(E+2))
	c.store(blocks*E + E + 1 + stats*(E+shaders.RouteStatCount))
	c.group(8, 32*(0+1+2+3+4+5+6+7))
	if stats > 0 {
		c.total(3, 8)
		c.group(8, 256) // the top, of which every lane reads one
	}
	c.FLOPs = stats * (blocks*(E+2) + 3*E)
	c.Vector += 2*blocks*E + c.FLOPs
	c.Threadgroup, c.Registers = 32+128, 16
}

func (c *counter) routePlace() {
	a := args[shaders.RouteArgs](c.d)
	choices, E := float64(a.Tokens)*float64(a.Chosen), float64(a.Experts)
	c.load(choices*E + 2*float64(a.Blocks)*E)
	c.store(2 * choices)
	c.Bytes -= 4 // the last of the offsets is bound, but nothing to place
	c.Vector, c.Registers = 2*choices*E, 12
}

// routeGrad: every lane reads what belongs to the token and to its first choice.
func (c *counter) routeGrad() {
	a := args[shaders.RouteArgs](c.d)
	R, E, K := float64(a.Tokens), float64(a.Experts), float64(a.Chosen)
	renorm := c.one(shaders.RouteRenorm)
	c.load(R * (2*K + 4*K*renorm + 3*E + 4*32))
	c.store(R * E)
	c.group(R*(E+K), R*(E+32))
	c.FLOPs = R * (8*E + K*(1+3*renorm))
	c.Vector = c.FLOPs + R*32*10*(1+2*renorm)
	c.Threadgroup, c.Registers = 8*256*4, 40
}

// gatherRows: each thread of 4 columns reads where its row is.
func (c *counter) gatherRows() {
	a := args[shaders.GatherArgs](c.d)
	rows, width, vector := float64(a.Rows), float64(a.Width), c.on(shaders.GatherVector)
	c.load(rows * math.Ceil(width/4))
	c.loadLines(rows, width, vector)
	c.storeLines(rows, width, vector)
	c.Registers = 12
}

func (c *counter) combineRows() {
	a := args[shaders.GatherArgs](c.d)
	rows, width, K := float64(a.Rows), float64(a.Width), float64(a.Chosen)
	vector, gates, carry := c.on(shaders.GatherVector), c.one(shaders.GatherGates), c.one(shaders.GatherCarry)
	c.load(rows * math.Ceil(width/4) * K * (1 + gates))
	c.loadLines(rows, width*(K+carry), vector)
	c.storeLines(rows, width, vector)
	c.FLOPs = rows * width * (K*(1+gates) - 1 + carry)
	c.Vector, c.Registers = c.FLOPs, 20
}

// combineGrad: every lane of a choice reads its place, and those that have columns the gate.
func (c *counter) combineGrad() {
	a := args[shaders.GatherArgs](c.d)
	n, width, vector := float64(a.Rows), float64(a.Width), c.on(shaders.GatherVector)
	c.load(n * (32 + min(32, math.Ceil(width/4))))
	c.loadLines(n, width*2, vector)
	c.storeLines(n, width, vector)
	c.store(n)
	c.FLOPs = 3 * n * width
	c.Vector, c.Registers = c.FLOPs+n*32*10, 24
}

// tiled counts the product [m n] over k of one expert by tiles, as [counter.product] does.
func (c *counter) tiled(t shaders.Tile, m, n, k int) {
	if m == 0 || k == 0 {
		return
	}
	side, step := 64, 16
	if t == shaders.Direct {
		side, step = 32, 8
	}
	tm, tn, chains := ceil(m, side), ceil(n, side), float64(shaders.MatMulChains(k))
	direct := t == shaders.Direct
	M, N, K, tiles := float64(m), float64(n), float64(k), float64(tm*tn)
	c.loadLines(float64(tn), M*K, c.on(shaders.MatMulVectorA) && !direct)
	c.loadLines(float64(tm), N*K, c.on(shaders.MatMulVectorB) && !direct)
	adds := M * N * (chains - 1 + c.one(shaders.MatMulCarry))
	c.load(adds)
	c.store(M * N * chains)
	c.FLOPs += 2*M*N*K + M*N*c.one(shaders.MatMulCarry)
	c.Vector += 3 * M * N * chains
	eights, subs, area := float64(ceil(k, step)*step/8), float64(side*side/1024), float64(side*side)
	c.Matrix += tiles * eights * 16 * subs
	c.group(tiles*chains*area, M*N*chains)
	if direct {
		c.edgeFragments(&shaders.MatMulArgs{
			M: uint32(m), N: uint32(n), K: uint32(k), TilesM: uint32(tm), TilesN: uint32(tn),
			Splits: 1, SplitK: uint32(k),
		}, 1)
		return
	}
	c.group(tiles*float64(ceil(k, step))*2*64*16, tiles*eights*8*64*subs)
}

// tileMemory says what a threadgroup of a tile takes.
func (c *counter) tileMemory(t shaders.Tile) {
	c.Threadgroup, c.Registers = [...]int{2 * 320 * 16, 8 * 36 * 4}[t], 16*2+8*2+32
}

// expertRows: every simdgroup looks for its expert among 32 at a time until it is found; those with a
// tile too many look at all.
func (c *counter) expertRows(t shaders.Tile) {
	a := args[shaders.ExpertArgs](c.d)
	c.tileMemory(t)
	E, n, k := int(a.Experts), float64(a.N), float64(a.K)
	side, simds := [...]int{64, 32}[t], float64(c.d.Groups.X*c.d.Threads.X/32)
	tiles, rows, bytes := 0, 0, 0.0
	for e, m := range c.known.Experts {
		c.tiled(t, m, int(a.N), int(a.K))
		c.load(simds * float64(ceil(m, side)) * 2 * float64(min(E, (e/32+1)*32)))
		tiles, rows = tiles+ceil(m, side), rows+m
		if m > 0 {
			bytes += n * k
		}
	}
	c.load(simds * float64(c.d.Groups.Y-tiles) * 2 * float64(E))
	c.Vector += float64(c.threads()) * float64(E) / 2 // half of the experts, 32 at a time, 30 operations
	passes := 1 + c.one(shaders.MatMulCarry)
	if shaders.MatMulChains(int(a.K)) > 1 {
		passes++ // what a chain wrote is read again
	}
	c.Bytes = 4 * (bytes + float64(rows)*(k+n*passes))
}

// expertWeights: the threads of an expert read where its rows begin and end.
func (c *counter) expertWeights(t shaders.Tile) {
	a := args[shaders.ExpertArgs](c.d)
	c.tileMemory(t)
	m, n := float64(a.M), float64(a.N)
	c.load(2 * float64(c.threads()))
	bytes := 0.0
	for _, rows := range c.known.Experts {
		c.tiled(t, int(a.M), int(a.N), rows)
		bytes += float64(rows) * (m + n)
		if rows > 0 {
			bytes += 2 * m * n
		}
	}
	c.Bytes = 4 * bytes
}

// evenExperts supposes that all experts get the same number of rows.
func evenExperts(d *Dispatch) []int {
	a := args[shaders.ExpertArgs](d)
	width := int(a.K)
	if strings.HasPrefix(d.Kernel, "expert_grad") {
		width = int(a.M)
	}
	left := d.Bindings[0].Bytes / 4 / width
	rows := make([]int, a.Experts)
	for e := range rows {
		rows[e] = ceil(left, len(rows)-e)
		left -= rows[e]
	}
	return rows
}
