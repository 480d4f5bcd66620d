package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Limits is what the GPU reports about itself.
func (d *Device) Limits() Limits { return d.driver.Limits() }

// Kernel is what a built pipeline tells: the largest threadgroup it can have, less than the GPU's own
// limit where registers are short, and its static threadgroup memory in bytes.
type Kernel struct{ MaxThreads, Threadgroup int }

// Inspect builds the pipeline of a dispatch and tells what it is like, or why it cannot be had.
func (d *Device) Inspect(x *Dispatch) (Kernel, error) {
	p, err := d.pipeline(x)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{p.MaxThreads(), p.Threadgroup()}, nil
}

// Compiled is what became of a shader family's source.
type Compiled struct {
	Family string
	Took   time.Duration
	Log    string // what the compiler says of a source that it takes
	Err    error
}

// CompileFamily compiles a family's source apart from the libraries in use.
func (d *Device) CompileFamily(family string) Compiled {
	c := Compiled{Family: family}
	source, err := shaders.Source(family)
	if err != nil {
		c.Err = err
		return c
	}
	start := time.Now()
	lib, err := d.driver.Compile(family+".metal", source)
	c.Took, c.Err = time.Since(start), err
	if err != nil {
		return c
	}
	if l, ok := lib.(interface{ Log() string }); ok { // only Metal's compiler has one
		c.Log = l.Log()
	}
	lib.Close()
	return c
}

// Bench is a lowered graph with memory of its own, whose dispatches can be timed one by one.
type Bench struct {
	d       *Device
	plan    *Plan
	buffers []Buffer
}

// NewBench lowers a graph, takes memory, fills parameters and inputs with random values in their
// bounds, and runs it once, so that every dispatch finds operands as in a step.
func (d *Device) NewBench(g *graph.Graph) (*Bench, error) {
	plan, err := Lower(g, d.driver.Limits().Family)
	if err != nil {
		return nil, err
	}
	b := &Bench{d: d, plan: plan}
	if err := b.take(plan.Sizes); err != nil {
		b.Close()
		return nil, err
	}
	b.fill(g)
	if _, err := b.run(plan.Dispatches, 1); err != nil {
		b.Close()
		return nil, fmt.Errorf("graph %s failed: %w", g.Name, err)
	}
	return b, nil
}

func (b *Bench) take(sizes []int) error {
	limits := b.d.driver.Limits()
	for _, n := range sizes {
		if limits.MaxBuffer > 0 && uint64(n) > limits.MaxBuffer {
			return fmt.Errorf("a measurement needs a buffer of %d MB and %s takes at most %d MB",
				n>>20, limits.Name, limits.MaxBuffer>>20)
		}
		m, err := b.d.driver.Buffer(max(n, 16))
		if err != nil {
			return fmt.Errorf("no memory for a measurement: %w", err)
		}
		b.buffers = append(b.buffers, m)
	}
	return nil
}

func (b *Bench) fill(g *graph.Graph) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, i := range []int{bufParams, bufGrads, bufMoment1} {
		for k, v := 0, view[float32](b.buffers[i].Bytes()); k < len(v); k++ {
			v[k] = float32(r.NormFloat64()) / 16
		}
	}
	for i, v := 0, view[float32](b.buffers[bufMoment2].Bytes()); i < len(v); i++ {
		v[i] = 1.0 / 256
	}
	copy(b.buffers[bufTables].Bytes(), b.plan.Tables)
	ints, floats := view[int32](b.buffers[bufInts].Bytes()), view[float32](b.buffers[bufFloats].Bytes())
	for i := range floats {
		floats[i] = 1e-3
	}
	for _, t := range g.Inputs {
		if t.DType == graph.I32 {
			for i := range t.Len() {
				ints[t.Offset+i] = t.Low + r.Int32N(t.High-t.Low)
			}
		}
	}
	sorted := view[uint32](b.buffers[bufSorted].Bytes())
	for _, j := range b.plan.Sorts {
		ids := ints[j.IDs.Offset:][:j.IDs.Len()]
		n := shaders.SortRows(ids, sorted[j.Order/4:][:len(ids)],
			sorted[j.Starts/4:][:min(len(ids), j.Vocabulary)+1], make([]uint32, j.Vocabulary+1))
		sorted[j.Count/4] = uint32(n)
	}
}

// Dispatches are those of the graph, in order.
func (b *Bench) Dispatches() []Dispatch { return b.plan.Dispatches }

// Costs are those of the dispatches.
func (b *Bench) Costs() []Cost { return b.plan.Costs() }

// Close frees the memory.
func (b *Bench) Close() {
	for _, m := range b.buffers {
		m.Close()
	}
	b.buffers = nil
}

// run executes dispatches one after the other, the whole list so many times, in one command buffer.
func (b *Bench) run(list []Dispatch, times int) (time.Duration, error) {
	pipelines := make([]Pipeline, len(list))
	buffers, offsets := make([][]Buffer, len(list)), make([][]int, len(list))
	for i := range list {
		var err error
		if pipelines[i], err = b.d.pipeline(&list[i]); err != nil {
			return 0, err
		}
		for _, x := range list[i].Bindings {
			buffers[i] = append(buffers[i], b.buffers[x.Buffer])
			offsets[i] = append(offsets[i], x.Offset)
		}
	}
	c, err := b.d.driver.Commands()
	if err != nil {
		return 0, err
	}
	for n := range times * len(list) {
		i := n % len(list)
		if n > 0 {
			c.Barrier()
		}
		c.Pipeline(pipelines[i])
		c.Buffers(0, buffers[i], offsets[i])
		c.Bytes(len(buffers[i]), list[i].Args)
		c.Dispatch(list[i].Groups, list[i].Threads)
	}
	p, err := c.Commit()
	if err != nil {
		return 0, err
	}
	return p.Wait()
}

// How often a dispatch is timed: command buffers of at most mostRepeats, of which the fastest counts,
// because whatever else the machine does only makes one slower.
const (
	timedRuns   = 5
	mostRepeats = 500
)

// Time measures one dispatch, of the graph or a [Tiling] of one, by the GPU's own clock: the fastest of
// several command buffers that repeat it, with a barrier between repeats as in a step. It spends about
// the given time, or two launches where one lasts longer.
func (b *Bench) Time(ctx context.Context, x *Dispatch, budget time.Duration) (time.Duration, error) {
	one := []Dispatch{*x}
	best := time.Duration(math.MaxInt64)
	repeats := 1
	for i := range timedRuns + 2 { // the first warms up, the second finds the number of repeats
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		took, err := b.run(one, repeats)
		if err != nil {
			return 0, fmt.Errorf("%s could not be timed: %w", x.Kernel, err)
		}
		if i == 0 {
			continue
		}
		best = min(best, took/time.Duration(repeats))
		if i == 1 {
			repeats = int(min(max(1, budget/timedRuns/max(took, 1)), mostRepeats))
		}
		if took > budget/2 {
			break
		}
	}
	return best, nil
}

// Roof is the most that this very device does: multiply-adds in registers, and bytes read and written by
// a plain copy of memory.
type Roof struct{ FLOPS, BytesPerSecond float64 }

// Bytes of the source of the copy that calibrates: beyond every cache of a GPU, short in the emulator.
const (
	copyOnGPU      = 128 << 20
	copyInEmulator = 16 << 20
)

// MeasureRoof runs the two calibration kernels, each for about the given time.
func (d *Device) MeasureRoof(ctx context.Context, budget time.Duration) (Roof, error) {
	size := copyInEmulator
	if d.kind == "gpu" {
		size = copyOnGPU
	}
	if l := d.driver.Limits(); l.MaxBuffer > 0 {
		size = int(min(uint64(size), l.MaxBuffer/4)) &^ 15
	}
	b := &Bench{d: d}
	defer b.Close()
	if err := b.take([]int{size, size}); err != nil {
		return Roof{}, err
	}
	op := &graph.Op{Kind: graph.OpProbe, Name: "the roof"} // for messages
	grid := shaders.Elementwise(size / 4)
	x := Dispatch{
		Op: op, Family: "memory", Kernel: "copy_memory", Bindings: []Binding{{Buffer: 0}, {Buffer: 1}},
		Args:   pack(nil, shaders.MemoryArgs{Count: uint32(size / 4)}),
		Groups: Size{grid.Groups[0], 1, 1}, Threads: Size{grid.Threads, 1, 1},
	}
	took, err := b.Time(ctx, &x, budget)
	if err != nil {
		return Roof{}, err
	}
	if took <= 0 {
		return Roof{}, errors.New("this GPU gives no times for its command buffers")
	}
	roof := Roof{BytesPerSecond: 2 * float64(size) / took.Seconds()}

	// Enough threads for several waves on the largest chip; rounds until a launch lasts.
	const threads = 1 << 18
	x.Kernel, x.Bindings = "calibrate_fma", []Binding{{Buffer: 0}}
	x.Groups, x.Threads = Size{threads / 256, 1, 1}, Size{256, 1, 1}
	for rounds := 16; ; rounds *= 4 {
		x.Args = pack(nil, shaders.CalibrateArgs{Rounds: uint32(rounds), Factor: 0.999, Addend: 0.001})
		if took, err = b.Time(ctx, &x, budget); err != nil {
			return Roof{}, err
		}
		roof.FLOPS = max(roof.FLOPS, threads*32*float64(rounds)/max(took.Seconds(), 1e-9))
		if took > 2*time.Millisecond || rounds > 1<<14 {
			return roof, nil
		}
	}
}

// Of is the share of the roof that work of the given cost reaches in the given time: the time that it
// would take at the roof, where the slower of arithmetic and memory counts, over the time it took.
func (r Roof) Of(c Cost, took time.Duration) float64 {
	return max(c.FLOPs/r.FLOPS, c.Bytes/r.BytesPerSecond) / took.Seconds()
}

// SameBits runs two dispatches on equal memory and tells whether all that they write is alike, bit for
// bit. Both must write the same regions, as the [Tilings] of a product do.
func (b *Bench) SameBits(x, y *Dispatch) (bool, error) {
	all := func() (parts [][]byte) {
		for _, r := range x.Writes {
			parts = append(parts, b.buffers[r.Buffer].Bytes()[r.From:r.To])
		}
		return parts
	}
	var results [2][][]byte
	for i, d := range []*Dispatch{x, y} {
		var before [][]byte
		for _, p := range all() {
			before = append(before, slices.Clone(p))
		}
		if _, err := b.run([]Dispatch{*d}, 1); err != nil {
			return false, err
		}
		for k, p := range all() {
			results[i] = append(results[i], slices.Clone(p))
			copy(p, before[k])
		}
	}
	return slices.EqualFunc(results[0], results[1], bytes.Equal), nil
}

// RegionOf is where a tensor lives among the buffers of a program, for those who follow what dispatches
// read and write.
func RegionOf(t *graph.Tensor) Region {
	o := place(t)
	return Region{o.buffer, o.offset, o.offset + o.bytes}
}
