package gpu

import (
	"github.com/evenkeel/evenkeel/shaders"
)

func init() {
	formulas["grad_chunks"] = (*counter).gradChunks
	formulas["grad_norms"] = (*counter).gradNorms
	formulas["adamw"] = (*counter).adamW
}

// gradChunks: every thread reads its chunk's place and count.
func (c *counter) gradChunks() {
	n := 0.0
	for _, e := range c.known.Elements {
		c.loadQuads(float64(e / 4))
		c.load(float64(e % 4))
		n += float64(e)
	}
	groups := float64(c.d.Groups.X)
	c.load(groups * 256 * 2)
	c.store(groups * 2)
	c.group(groups*8, groups*8)
	c.total(groups, 8)
	c.FLOPs = 2 * n
	c.Vector += 6 * n
	c.Threadgroup, c.Registers = 128+32, 16
}

// gradNorms: a thread a tensor, then a thread a layer over all tensors, then one thread over all.
func (c *counter) gradNorms() {
	a := args[shaders.OptimizerArgs](c.d)
	T, L := float64(a.Tensors), float64(a.Layers)
	for _, n := range c.known.Chunks {
		c.load(3 + 4*float64(n)) // where the chunks begin and end is looked at again for each
	}
	c.store(3 * T)
	c.load(L * T)
	for _, l := range c.known.Layers {
		if l < int(a.Layers) {
			c.load(1)
		}
	}
	c.store(L)
	c.load(T + 1)
	c.store(2)
	if c.on(shaders.OptimizerGates) {
		c.load(T + 1)
		c.store(1)
	}
	c.FLOPs = 3 * T
	c.Vector, c.Registers = 4*T+L*T, 12
}

// adamW: every simdgroup reads the counts of non-finite elements of all tensors, and every thread the
// numbers of the step. A gradient that is not finite ends it there ([Data.Stopped]).
func (c *counter) adamW() {
	a := args[shaders.OptimizerArgs](c.d)
	threads := float64(c.threads())
	c.load(threads / 32 * float64(a.Tensors))
	c.Registers = 32
	if c.known.Stopped {
		c.Bytes = 4 * float64(a.Tensors)
		return
	}
	c.load(threads * (5 + c.one(shaders.OptimizerGates))) // count, offset, tensor, decays, lr [, gate]
	n := 0.0
	for _, e := range c.known.Elements {
		quads := float64(ceil(e, 4))
		c.loadQuads(4 * quads)
		c.storeQuads(3 * quads)
		c.load(3 * min(256, quads)) // clip and both bias corrections, where there is something to do
		n += float64(e)
	}
	c.FLOPs = 16 * n
	c.Vector = 40 * n // with three divisions and a root
}
