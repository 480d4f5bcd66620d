package gpu

import (
	"math"

	"github.com/evenkeel/evenkeel/shaders"
)

func init() {
	for kernel, k := range map[string]struct{ loads, stores, flops, vector float64 }{
		"swiglu":      {2, 1, 4, 30},
		"swiglu_grad": {3, 2, 9, 34},
		"gelu":        {1, 1, 3, 40},
		"gelu_grad":   {2, 1, 6, 60},
		"relu":        {1, 1, 1, 2},
		"relu_grad":   {2, 1, 1, 2},
	} {
		formulas[kernel] = func(c *counter) {
			n := float64(args[shaders.ActivationArgs](c.d).Count)
			c.fours(n, k.loads, k.stores)
			c.FLOPs, c.Vector, c.Registers = k.flops*n, k.vector*n, 32
		}
	}
	formulas["add_scaled"] = func(c *counter) {
		n, other := float64(args[shaders.AddArgs](c.d).Count), c.one(shaders.AddOther)
		c.fours(n, 1+other, 1)
		c.FLOPs, c.Registers = n*(1+2*other), 16
		c.Vector = c.FLOPs
	}
	formulas["fill_memory"] = func(c *counter) {
		c.fours(float64(args[shaders.MemoryArgs](c.d).Count), 0, 1)
		c.Registers = 10
	}
	formulas["copy_memory"] = func(c *counter) {
		c.fours(float64(args[shaders.MemoryArgs](c.d).Count), 1, 1)
		c.Registers = 10
	}
	formulas["fold"] = func(c *counter) {
		a := args[shaders.FoldArgs](c.d)
		n, parts := float64(a.Count), float64(a.Parts)+c.one(shaders.FoldAccumulate)
		c.load(n * parts)
		c.store(n)
		c.FLOPs, c.Vector, c.Registers = n*(parts-1), n*parts, 10
	}
	formulas["column_sums"] = func(c *counter) {
		a := args[shaders.ColumnArgs](c.d)
		n, out := float64(a.Rows)*float64(a.Width), float64(c.d.Groups.Y)*float64(a.Width)
		c.load(n)
		c.store(out)
		c.group(float64(c.groups())*256, out*8)
		c.FLOPs, c.Vector, c.Threadgroup, c.Registers = n, n, 1024, 10
	}
	formulas["calibrate_fma"] = func(c *counter) {
		c.store(float64(c.threads()))
		c.FLOPs = 32 * float64(args[shaders.CalibrateArgs](c.d).Rounds) * float64(c.threads())
		c.Vector, c.Registers = c.FLOPs, 14
	}
	formulas["embed"] = (*counter).embed
	formulas["embed_grad"] = (*counter).embedGrad
	formulas["embed_positions"] = (*counter).embedPositions
	formulas["probe_parts"] = (*counter).probeParts
	formulas["probe"] = (*counter).probe
}

// fours counts n elements read and written in fours, and the last n mod 4 one by one.
func (c *counter) fours(n, loads, stores float64) {
	quads, rest := math.Floor(n/4), math.Mod(n, 4)
	c.loadQuads(loads * quads)
	c.load(loads * rest)
	c.storeQuads(stores * quads)
	c.store(stores * rest)
}

// embed: each thread of 4 columns reads its row's id.
func (c *counter) embed() {
	a := args[shaders.EmbedArgs](c.d)
	rows, width := float64(a.Rows), float64(a.Width)
	lanes, vector := rows*math.Ceil(width/4), c.on(shaders.EmbedVector)
	positions := c.one(shaders.EmbedPositions)
	c.load(lanes * (1 + positions*c.one(shaders.EmbedOffset)))
	c.loadLines(rows, width*(1+positions), vector)
	c.storeLines(rows, width, vector)
	c.FLOPs = rows * width * (1 + positions)
	c.Vector = c.FLOPs
	c.Bytes = 4 * (rows + width*(min(rows, float64(a.Vocabulary))+positions*float64(a.T)+rows))
	c.Registers = 14
}

// embedGrad: every thread looks at the number of segments, and those of a segment at its place, its id
// and its rows. The number of different ids is [Data.Segments].
func (c *counter) embedGrad() {
	a := args[shaders.EmbedArgs](c.d)
	rows, width, segments := float64(a.Rows), float64(a.Width), float64(c.known.Segments)
	quads, vector := math.Ceil(width/4), c.on(shaders.EmbedVector)
	c.load(float64(c.threads()))
	c.load(segments * quads * 4) // two starts, the first row and its id
	c.load(rows * quads)         // order
	c.loadLines(rows+segments, width, vector)
	c.storeLines(segments, width, vector)
	c.FLOPs = 2 * rows * width
	c.Vector = c.FLOPs
	c.Bytes = 4 * (width*(rows+2*segments) + 2*rows + segments)
	c.Registers = 16
}

func (c *counter) embedPositions() {
	a := args[shaders.EmbedArgs](c.d)
	rows, width, T := float64(a.Rows), float64(a.Width), float64(a.T)
	vector := c.on(shaders.EmbedVector)
	c.loadLines(rows+T, width, vector)
	c.storeLines(T, width, vector)
	c.FLOPs = rows * width
	c.Bytes = 4 * width * (rows + 2*T)
	c.Vector, c.Registers = c.FLOPs, 16
}

// join counts join_threads of probe.metal by n threadgroups.
func (c *counter) join(n float64) {
	if c.on(shaders.ProbeLargest) {
		c.group(n*8, n*256)
	} else {
		c.total(n, 8)
	}
	c.group(n*8, n*256*8)
	c.Threadgroup, c.Registers = 128+32, 16
}

// probeParts: to begin with a number that is there, every thread that looks for the largest reads the
// first element.
func (c *counter) probeParts() {
	a := args[shaders.ProbeArgs](c.d)
	n, groups := float64(a.Count), float64(c.d.Groups.X)
	c.fours(n, 1, 0)
	c.load(c.one(shaders.ProbeLargest) * groups * 256)
	c.store(groups)
	c.join(groups)
	c.FLOPs = 2 * n
	c.Vector += 5 * n
}

func (c *counter) probe() {
	a := args[shaders.ProbeArgs](c.d)
	c.load(float64(a.Parts) + c.one(shaders.ProbeLargest)*256)
	c.store(1)
	c.join(1)
	c.FLOPs = float64(a.Parts)
	c.Vector += 5 * c.FLOPs
}
