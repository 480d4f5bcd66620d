package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Timing is one kernel at one shape.
type Timing struct {
	Part, Shape, Kernel string
	Took                time.Duration
	Cost                gpu.Cost
	Share               float64 // of the roof, 0 when the cost is not known
}

// TileTiming compares the kernels that can compute one product.
type TileTiming struct {
	Shape    string
	Took     []time.Duration // by tile
	Chosen   shaders.Tile
	SameBits bool
}

// sample is a part at a size, to be timed.
type sample struct {
	part *part
	size size
}

// Shapes of a model that people train on a laptop, and others around it; those of the emulator are so
// small that a processor gets through them.
var (
	usual   = size{B: 16, T: 512, D: 512, H: 8, K: 8, F: 1376, V: 8192}
	narrow  = size{B: 16, T: 256, D: 256, H: 4, K: 4, F: 640, V: 4096}
	broad   = size{B: 4, T: 1024, D: 1024, H: 16, K: 16, F: 2752, V: 8192}
	square  = size{B: 4, T: 512, D: 2048, H: 16, K: 16, F: 2048, V: 8192}
	ragged  = size{B: 7, T: 129, D: 200, H: 4, K: 2, F: 333, V: 1001}
	emulate = size{B: 2, T: 64, D: 64, H: 2, K: 1, F: 160, V: 256}
	uneven  = size{B: 1, T: 77, D: 60, H: 2, K: 1, F: 99, V: 101}
)

// samples lists what is timed.
func samples(real, quick bool) []sample {
	sizes := []size{emulate}
	products := []size{emulate, uneven}
	switch {
	case real && quick:
		sizes, products = []size{usual}, []size{narrow, usual}
	case real:
		sizes, products = []size{usual, broad}, []size{narrow, usual, broad, square, ragged}
	case !quick:
		sizes = []size{emulate, uneven}
	}
	var list []sample
	for i := range parts {
		p := &parts[i]
		at := sizes
		if p.name == "linear" {
			at = products
		}
		for _, z := range at {
			list = append(list, sample{p, z})
		}
	}
	return list
}

// About how long each kernel is timed. What the emulator takes matters to nobody.
const (
	onGPU      = 25 * time.Millisecond
	inEmulator = time.Millisecond
)

func (e *examiner) budget() time.Duration {
	if e.r.emulated() {
		return inEmulator
	}
	return onGPU
}

// measure times kernels and the tiles of products.
func (e *examiner) measure(ctx context.Context, list []sample) error {
	if err := e.next(ctx, "the roof of this device"); err != nil {
		return err
	}
	roof, err := e.gpu.MeasureRoof(ctx, e.budget())
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.r.Untimed = append(e.r.Untimed, "nothing is timed, because the kernels that calibrate do not run: "+err.Error())
		return nil
	}
	e.r.Roof = roof
	seen := map[string]bool{}
	for _, s := range list {
		if err := e.next(ctx, "time "+s.part.name); err != nil {
			return err
		}
		if err := e.time(ctx, s, seen); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			e.r.Untimed = append(e.r.Untimed, fmt.Sprintf("%s: %v", s.part.name, err))
		}
	}
	return nil
}

// time measures the dispatches of a part, each kind once.
func (e *examiner) time(ctx context.Context, s sample, seen map[string]bool) error {
	g, err := s.part.build(s.size)
	if err != nil {
		return err
	}
	b, err := e.gpu.NewBench(g)
	if err != nil {
		return err
	}
	defer b.Close()
	costs := b.Costs()
	for i := range b.Dispatches() {
		d := &b.Dispatches()[i]
		key := fmt.Sprint(d.Kernel, " ", shape(d), costs[i].FLOPs, costs[i].Bytes)
		if seen[key] || !slices.Contains(s.part.ops, d.Op.Kind) {
			continue
		}
		seen[key] = true
		if ways := gpu.Tilings(d); ways != nil {
			err = e.timeTiles(ctx, b, s, d, costs[i], ways)
		} else {
			err = e.timeOne(ctx, b, s, d, costs[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *examiner) timeOne(ctx context.Context, b *gpu.Bench, s sample, d *gpu.Dispatch, cost gpu.Cost) error {
	took, err := b.Time(ctx, d, e.budget())
	if err == nil {
		e.timed(s, d, cost, took)
	}
	return err
}

func (e *examiner) timed(s sample, d *gpu.Dispatch, cost gpu.Cost, took time.Duration) {
	t := Timing{Part: s.part.name, Shape: shape(d), Kernel: d.Kernel, Took: took, Cost: cost}
	if took > 0 {
		t.Share = e.r.Roof.Of(t.Cost, took)
	}
	e.r.Timings = append(e.r.Timings, t)
}

// timeTiles times every kernel that can do a product, and holds their bits together.
func (e *examiner) timeTiles(ctx context.Context, b *gpu.Bench, s sample, d *gpu.Dispatch, cost gpu.Cost,
	ways []gpu.Tiling) error {
	t := TileTiming{Shape: shape(d), SameBits: true}
	for i := range ways {
		w := &ways[i]
		if _, err := e.gpu.Inspect(&w.Dispatch); err != nil && !w.Chosen {
			t.Took = append(t.Took, 0) // the table does not need it here
			continue
		}
		same, err := b.SameBits(d, &w.Dispatch)
		if err != nil {
			return err
		}
		t.SameBits = t.SameBits && same
		took, err := b.Time(ctx, &w.Dispatch, e.budget())
		if err != nil {
			return err
		}
		t.Took = append(t.Took, took)
		if w.Chosen {
			t.Chosen = w.Tile
			e.timed(s, d, cost, took)
		}
	}
	e.r.Tiles = append(e.r.Tiles, t)
	if !t.SameBits {
		e.differ(d, t.Shape)
	}
	return nil
}

// differ records that the kernels of a product do not agree.
func (e *examiner) differ(d *gpu.Dispatch, shape string) {
	text := "the kernels of a product give different bits at " + shape
	if slices.ContainsFunc(e.r.Faults, func(f Fault) bool { return f.Kernel == d.Kernel }) {
		return
	}
	f := Fault{Kernel: d.Kernel, Text: text, Ops: []string{graph.OpMatMul.String()}}
	f.File, f.Line = declared(d.Family, d.Kernel)
	e.r.Faults = append(e.r.Faults, f)
}

// shape is what a dispatch works on, in the letters of the literature.
func shape(d *gpu.Dispatch) string {
	if p, ok := d.Product(); ok {
		return p.String()
	}
	switch a := d.Op.Attr.(type) {
	case graph.NormAttr:
		return fmt.Sprintf("%s %dx%d", a.Kind, d.Op.In[0].Len()/a.Width, a.Width)
	case graph.RopeAttr:
		return fmt.Sprintf("%d rows, H%d D%d", d.Op.In[0].Rows(), a.Heads, a.HeadDim)
	case graph.AttentionAttr:
		if a.S > 0 {
			return fmt.Sprintf("B%d H%d/%d D%d cache %d", a.B, a.H, a.K, a.D, a.S)
		}
		return fmt.Sprintf("B%d T%d H%d/%d D%d", a.B, a.T, a.H, a.K, a.D)
	case graph.LMLossAttr:
		return fmt.Sprintf("R%d V%d D%d chunks of %d", a.R, a.V, a.D, a.Chunk)
	}
	if len(d.Op.In) > 0 && d.Op.In[0] != nil && len(d.Op.In[0].Shape) == 2 {
		return fmt.Sprintf("%dx%d", d.Op.In[0].Rows(), d.Op.In[0].Width())
	}
	n := 0
	for _, r := range append(d.Reads, d.Writes...) {
		n = max(n, (r.To-r.From)/4)
	}
	return fmt.Sprintf("%d elements", n)
}
