package gpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// observer is an emulator that counts, with a GPU device on it.
type observer struct {
	*gpu.Device
	driver gpu.Driver
	family int
	seen   []emulator.Dispatched

	plan    *gpu.Plan // what runs, as p
	p       device.Program
	experts map[int][]int // rows of each expert, by dispatch
}

// see takes down a dispatch that just ran, and what is in memory that a later one may overwrite.
func (o *observer) see(k emulator.Dispatched) {
	i := len(o.seen)
	o.seen = append(o.seen, k)
	if !strings.HasPrefix(k.Kernel, "expert_") || o.p == nil || i >= len(o.plan.Dispatches) {
		return
	}
	offsets := gpu.Integers(o.p, o.plan.Dispatches[i].Bindings[2])
	for e, end := range offsets[1:] {
		o.experts[i] = append(o.experts[i], int(end-offsets[e]))
	}
}

func observe(t *testing.T, family int) *observer {
	t.Helper()
	o := &observer{family: family}
	driver, err := emulator.Open(emulator.Options{
		Limits:  gpu.Limits{Family: family},
		Observe: o.see,
	})
	emutest.Need(t, err)
	o.driver = driver
	o.Device = gpu.New(driver, "counting")
	t.Cleanup(func() { o.Close() })
	return o
}

// run runs a graph once on random parameters and compares every dispatch with its cost.
func (o *observer) run(t *testing.T, s *graph.Schema, g *graph.Graph) {
	t.Helper()
	plan, err := gpu.Lower(g, o.family)
	if err != nil {
		t.Fatal(err)
	}
	st, err := o.NewState(s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for i := range s.Params {
		if err := st.Write(device.Params, i, normal(uint64(i), s.Params[i].Len())); err != nil {
			t.Fatal(err)
		}
	}
	p, err := o.Compile(g, st)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	o.seen, o.plan, o.p, o.experts = nil, plan, p, map[int][]int{}
	defer func() { o.p = nil }()
	ints := inputs(g)
	ticket, err := p.Submit(ints, make([]float32, g.Floats))
	if err == nil {
		err = p.Wait(ticket, nil)
	}
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	if len(o.seen) != len(plan.Dispatches) {
		t.Fatalf("%s: %d dispatches ran of %d in the plan", g.Name, len(o.seen), len(plan.Dispatches))
	}
	for i, k := range o.seen {
		d := &plan.Dispatches[i]
		if k.Kernel != d.Kernel || k.Groups != d.Groups {
			t.Fatalf("%s: dispatch %d is %s %v, planned as %s %v", g.Name, i, k.Kernel, k.Groups, d, d.Groups)
		}
		name := fmt.Sprintf("%s dispatch %d %s %v", g.Name, i, d.Kernel, d.Consts)
		known := known(plan.Data(i), d, ints)
		if strings.HasPrefix(d.Kernel, "attention_forward") {
			known.Moves = moves(t, name, d, known, k.Counters.Matrix)
		}
		if rows, ok := o.experts[i]; ok {
			known.Experts = rows
		}
		c := gpu.CostWith(d, known)
		compare(t, name, c, k.Counters)
		// What passes between memory and chip at least cannot be more than what was asked for, but for
		// the padding of arenas.
		if asked := c.DeviceLoadBytes + c.DeviceStoreBytes; d.Family != "optimizer" && c.Bytes > asked {
			t.Errorf("%s: %.0f bytes of traffic, and only %.0f are asked for", name, c.Bytes, asked)
		}
	}
}

// inputs draws integers within their bounds.
func inputs(g *graph.Graph) []int32 {
	r := rand.New(rand.NewPCG(1, 2))
	ints := make([]int32, g.Ints)
	for _, t := range g.Inputs {
		if t.DType == graph.I32 {
			for i := range t.Len() {
				ints[t.Offset+i] = t.Low + r.Int32N(t.High-t.Low)
			}
		}
	}
	return ints
}

// known fills in what a dispatch does not tell from the integers that a graph is given.
func known(k gpu.Data, d *gpu.Dispatch, ints []int32) gpu.Data {
	of := func(t *graph.Tensor) []int32 { return ints[t.Offset : t.Offset+t.Len()] }
	switch d.Kernel {
	case "embed_grad":
		ids := map[int32]bool{}
		for _, id := range of(d.Op.In[0]) {
			ids[id] = true
		}
		k.Segments = len(ids)
	case "lm_loss_rows":
		from := d.Bindings[1].Offset/4 - d.Op.In[2].Offset // of the chunk's targets
		for _, y := range of(d.Op.In[2])[from : from+d.Groups.X] {
			if y < 0 {
				k.Ignored++
			}
		}
	case "cache_write":
		k.Position = int(of(d.Op.In[2])[0])
	case "attention_cached", "attention_latent":
		k.Position = int(of(d.Op.In[3])[0])
	}
	return k
}

// moves finds how often the running maximum moved from the products counted, since the logits inside a
// graph are not known. It must be a whole number between none and all there can be;
// TestCostOfMoves knows the logits.
func moves(t *testing.T, name string, d *gpu.Dispatch, k gpu.Data, counted uint64) float64 {
	t.Helper()
	k.Moves = 0
	none := gpu.CostWith(d, k).Matrix
	k.Moves = 1
	n := (float64(counted) - none) / (gpu.CostWith(d, k).Matrix - none)
	if n != math.Trunc(n) || n < 0 || n > none {
		t.Errorf("%s: %g moves", name, n)
	}
	return n
}

// compare holds a cost against counters: within 2 %, and where there is little, within 4 lanes. All
// products must be there.
func compare(t *testing.T, name string, c gpu.Cost, n emulator.Counters) {
	t.Helper()
	for _, x := range []struct {
		what string
		want uint64
		got  float64
		room float64
	}{
		{"loads", n.DeviceLoads, c.DeviceLoads, 4},
		{"bytes loaded", n.DeviceLoadBytes, c.DeviceLoadBytes, 16},
		{"stores", n.DeviceStores, c.DeviceStores, 4},
		{"bytes stored", n.DeviceStoreBytes, c.DeviceStoreBytes, 16},
		{"bytes loaded from threadgroup memory", n.ThreadgroupLoadBytes, c.GroupLoadBytes, 16},
		{"bytes stored to threadgroup memory", n.ThreadgroupStoreBytes, c.GroupStoreBytes, 16},
	} {
		if off := math.Abs(x.got - float64(x.want)); off > x.room && off > 0.02*float64(x.want) {
			t.Errorf("%s: %s: counted %d, computed %.0f", name, x.what, x.want, x.got)
		}
	}
	if c.Matrix != float64(n.Matrix) {
		t.Errorf("%s: counted %d products, computed %.0f", name, n.Matrix, c.Matrix)
	}
}

// size is how much there is to emulate in a graph.
func size(p *gpu.Plan) float64 {
	n := 0.0
	for _, c := range p.Costs() {
		n += c.DeviceLoads + c.DeviceStores + 100*c.Matrix
	}
	return n
}

// TestCostOfCases counts a share of the table of cases that has every kernel with every combination of
// function constants that the whole table has, the smallest of each and some of the others. The staged
// product, which takes large grids, has a test of its own.
func TestCostOfCases(t *testing.T) {
	type built struct {
		s    *graph.Schema
		g    *graph.Graph
		plan *gpu.Plan
		size float64
	}
	seen := map[string]bool{}
	for _, f := range [][2]int{{7, 20}, {9, 60}} {
		family, every := f[0], f[1]
		o := observe(t, family)
		var graphs []built
		for _, c := range conformance.Cases() {
			s := c.Schema()
			gs, err := c.Build(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range gs {
				plan, err := gpu.Lower(g, family)
				if err != nil {
					t.Fatal(err)
				}
				graphs = append(graphs, built{s, g, plan, size(plan)})
			}
		}
		slices.SortStableFunc(graphs, func(a, b built) int { return int(a.size - b.size) })
		for n, b := range graphs {
			run := n%every == 7 && b.size < 1e6
			for i := range b.plan.Dispatches {
				d := &b.plan.Dispatches[i]
				key := fmt.Sprint(d.Kernel, d.Consts)
				if small := b.size < 4e6 || d.Kernel != "matmul_staged"; small && !seen[key] {
					seen[key], run = true, true
				}
			}
			if run {
				o.run(t, b.s, b.g)
			}
		}
	}
}

// TestEveryKernelHasACost: nothing that a lowering can launch is left out.
func TestEveryKernelHasACost(t *testing.T) {
	for _, family := range shaders.Families() {
		kernels, err := shaders.Kernels(family)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kernels {
			if !gpu.HasCost(k) {
				t.Errorf("kernel %s of family %s has no cost", k, family)
			}
		}
	}
}
