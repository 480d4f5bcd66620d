package gpu

import (
	"math"

	"github.com/evenkeel/evenkeel/shaders"
)

func init() {
	formulas["gate_apply"] = (*counter).gate
	formulas["gate_parts"] = (*counter).gateParts
	formulas["gate_total"] = (*counter).gateTotal
	formulas["center_rows"] = (*counter).center
	formulas["join_heads"] = (*counter).joinHeads
	formulas["split_heads"] = (*counter).splitHeads
	formulas["attention_latent"] = (*counter).latent
}

// gate: each thread of 4 elements reads the gate.
func (c *counter) gate() {
	n := float64(args[shaders.GateArgs](c.d).Count)
	c.fours(n, 1, 1)
	c.load(math.Ceil(n / 4))
	c.FLOPs, c.Vector, c.Registers = n, 2*n+25*math.Ceil(n/4), 16
}

func (c *counter) gateParts() {
	n, groups := float64(args[shaders.GateArgs](c.d).Count), float64(c.d.Groups.X)
	c.fours(n, 2, 0)
	c.store(groups)
	c.total(groups, 8)
	c.FLOPs = 2 * n
	c.Vector += c.FLOPs
	c.Threadgroup, c.Registers = 128, 16
}

func (c *counter) gateTotal() {
	n := float64(args[shaders.GateArgs](c.d).Parts)
	c.load(n + 2)
	c.store(1)
	c.total(1, 8)
	c.FLOPs = n
	c.Vector += c.FLOPs
	c.Threadgroup, c.Registers = 128, 12
}

// center reads each row twice, for its mean and for the result.
func (c *counter) center() {
	a := args[shaders.CenterArgs](c.d)
	rows, width, carry := float64(a.Rows), float64(a.Width), c.one(shaders.CenterCarry)
	vector := c.on(shaders.CenterVector)
	c.loadLines(rows, width*(2+carry), vector)
	c.storeLines(rows, width, vector)
	c.FLOPs = rows * width * (2 + carry)
	c.Vector = c.FLOPs + rows*32*10
	c.Registers = 16
}

// parts gives how many elements the first and the second part of all heads have, 0 where one is absent.
func (c *counter) parts() (first, second float64) {
	a := args[shaders.HeadsArgs](c.d)
	heads := float64(a.Rows) * float64(a.H)
	return heads * float64(a.A) * c.one(shaders.HeadsFirst), heads * float64(a.B) * c.one(shaders.HeadsSecond)
}

func (c *counter) joinHeads() {
	a := args[shaders.HeadsArgs](c.d)
	first, second := c.parts()
	vector := c.on(shaders.HeadsVector)
	c.loadLines(1, first+second, vector)
	c.storeLines(float64(a.Rows)*float64(a.H), float64(a.A+a.B), vector)
	c.Registers = 16
}

func (c *counter) splitHeads() {
	a := args[shaders.HeadsArgs](c.d)
	first, second := c.parts()
	vector := c.on(shaders.HeadsVector)
	c.loadLines(1, first+second, vector)
	if c.on(shaders.HeadsShared) {
		c.FLOPs = second - second/float64(a.H)
		second /= float64(a.H)
	}
	c.storeLines(1, first+second, vector)
	c.Bytes = c.DeviceLoadBytes + c.DeviceStoreBytes // a part that is absent is not read either
	c.Vector, c.Registers = c.FLOPs, 18
}

// latent reads the cache up to each token's position ([Data.Position]) once for every two heads, a last
// one alone as if it were two, and again for each 512 elements of values. What D has beyond 512 is read
// with q, whose other elements are held.
func (c *counter) latent() {
	a := args[shaders.AttentionArgs](c.d)
	D, DV, rows := float64(a.D), float64(a.DV), float64(a.B*a.T)
	keys := 0.0 // over the tokens of a sequence
	for t := range int(a.T) {
		keys += float64(min(int(a.S), c.known.Position+t+1))
	}
	pairs := float64(a.B) * keys * float64(c.d.Groups.Y) // of token and two heads with a position
	groups := rows * float64(c.d.Groups.Y)
	for z := range c.d.Groups.Z {
		held := min(D-512*float64(z), 512)
		c.load(groups*4*2*held + pairs*(D+2*(D-held)))
	}
	c.load(float64(c.threads())) // the position
	n := rows * float64(a.H)
	c.store(n * DV)
	all := float64(c.groups())
	c.group(all*2*(4*512+8), all*2*128*12+n*DV*8)
	scores := float64(a.B) * keys * float64(a.H)
	c.FLOPs = scores * (2*D + 2*DV + 4)
	last := float64(min(int(a.S), c.known.Position+int(a.T)))
	c.Bytes = 4 * (n*(D+DV) + float64(a.B)*last*D)
	c.Vector = float64(c.d.Groups.Z) * pairs * 2 * (3*512 + 32*14)
	c.Threadgroup, c.Registers = 4*(4*512+8), 2*2*16+16+24
}
