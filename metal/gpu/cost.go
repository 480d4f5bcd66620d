package gpu

import (
	"encoding/binary"
	"slices"
)

// Cost is what one dispatch asks of the hardware. It follows from the dispatch alone but for the few
// counts that depend on values, which [Data] holds.
//
// Bytes is for the roofline: what must pass between memory and chip at least once. The issued counts
// say what the threads ask for, caches or not, and are held against the emulator's counters. Loads and
// stores count lanes, and a simdgroup matrix of 8x8 floats is 64 loads of 4 bytes.
type Cost struct {
	FLOPs float64 // useful floating-point operations; 1 for a division, root or exponential too
	Bytes float64 // of device memory: each byte once if it is read, and once more if it is written

	DeviceLoads, DeviceStores         float64
	DeviceLoadBytes, DeviceStoreBytes float64
	GroupLoadBytes, GroupStoreBytes   float64 // threadgroup memory
	Matrix                            float64 // 8x8x8 products, one a simdgroup
	Vector                            float64 // floating-point operations outside the products, issued

	Threadgroup int // bytes of threadgroup memory a threadgroup takes
	Registers   int // floats and indices a lane holds at the worst place, read off the source
}

// Data is what a cost depends on beyond shapes.
type Data struct {
	Segments int     // embed_grad: different ids among the rows
	Ignored  int     // lm_loss_rows: rows without a target
	Position int     // cache_write, attention_cached: the first new token's
	Moves    float64 // attention_forward: times that a simdgroup finds a new largest logit and rescales
	Stopped  bool    // adamw: a gradient was not finite
	Elements []int   // grad_chunks, adamw: elements of each chunk
	Chunks   []int   // grad_norms: chunks of each tensor
	Layers   []int   // grad_norms: layer of each tensor
	Experts  []int   // products with experts: rows of each expert
}

// CostOf computes the cost of a dispatch under the data that [Assume] gives. It is zero, but for Bytes,
// for a kernel that has no formula.
func CostOf(d *Dispatch) Cost { return CostWith(d, Assume(d)) }

// CostWith computes the cost of a dispatch whose data is known.
func CostWith(d *Dispatch, known Data) Cost {
	c := &counter{d: d, known: known}
	c.Bytes = unique(d.Reads) + unique(d.Writes)
	if f := formulas[d.Kernel]; f != nil {
		f(c)
	}
	return c.Cost
}

// HasCost tells whether there is a formula for a kernel.
func HasCost(kernel string) bool { return formulas[kernel] != nil }

// Costs are the costs of all dispatches of a plan, whose tables tell what a dispatch alone does not.
func (p *Plan) Costs() []Cost {
	cs := make([]Cost, len(p.Dispatches))
	for i := range p.Dispatches {
		cs[i] = CostWith(&p.Dispatches[i], p.Data(i))
	}
	return cs
}

// formulas holds one function for each kernel. It is filled by the files that hold them.
var formulas = map[string]func(*counter){}

// counter adds up the cost of one dispatch.
type counter struct {
	Cost
	d     *Dispatch
	known Data
}

// args reads the packed arguments.
func args[T any](d *Dispatch) T {
	var v T
	if _, err := binary.Decode(d.Args, binary.LittleEndian, &v); err != nil {
		panic(d.Kernel + ": " + err.Error()) // the lowering packs the struct of the kernel
	}
	return v
}

// on tells whether a function constant is set.
func (c *counter) on(index int) bool {
	for _, k := range c.d.Consts {
		if k.Index == index {
			v, _ := k.Value.(bool)
			return v
		}
	}
	return false
}

func (c *counter) groups() int { return c.d.Groups.X * c.d.Groups.Y * c.d.Groups.Z }

// threads of all threadgroups.
func (c *counter) threads() int { return c.groups() * c.d.Threads.X }

// load counts loads of so many elements of 4 bytes each; quads are those of 16.
func (c *counter) load(elems float64) {
	c.DeviceLoads += elems
	c.DeviceLoadBytes += 4 * elems
}

func (c *counter) store(elems float64) {
	c.DeviceStores += elems
	c.DeviceStoreBytes += 4 * elems
}

func (c *counter) loadQuads(n float64) {
	c.DeviceLoads += n
	c.DeviceLoadBytes += 16 * n
}

func (c *counter) storeQuads(n float64) {
	c.DeviceStores += n
	c.DeviceStoreBytes += 16 * n
}

// loadLines counts loads of n lines of width elements, by float4s when vector. Where a line is not
// whole float4s, vector must be false.
func (c *counter) loadLines(n, width float64, vector bool) {
	if vector {
		c.loadQuads(n * width / 4)
	} else {
		c.load(n * width)
	}
}

func (c *counter) storeLines(n, width float64, vector bool) {
	if vector {
		c.storeQuads(n * width / 4)
	} else {
		c.store(n * width)
	}
}

// group counts elements that pass to and from threadgroup memory.
func (c *counter) group(stores, loads float64) {
	c.GroupStoreBytes += 4 * stores
	c.GroupLoadBytes += 4 * loads
}

// total counts n calls of group_total or group_top by a threadgroup of nsg simdgroups.
func (c *counter) total(n float64, nsg int) {
	c.group(n*float64(nsg), n*float64(nsg*nsg))
	c.Vector += n * float64(nsg) * 32 * 10
}

// unique is the number of bytes in the union of regions.
func unique(rs []Region) float64 {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b Region) int {
		if a.Buffer != b.Buffer {
			return a.Buffer - b.Buffer
		}
		return a.From - b.From
	})
	n, buffer, end := 0, -1, 0
	for _, r := range rs {
		if r.Buffer != buffer {
			buffer, end = r.Buffer, r.From
		}
		if r.To > end {
			n += r.To - max(r.From, end)
			end = r.To
		}
	}
	return float64(n)
}
