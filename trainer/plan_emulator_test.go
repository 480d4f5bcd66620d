package trainer

import (
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// TestPlanCounts trains a small model of ragged sizes for a step in the emulator and counts: what is
// planned is what runs, and asks for as much.
func TestPlanCounts(t *testing.T) {
	var seen []emulator.Dispatched
	driver, err := emulator.Open(emulator.Options{Observe: func(k emulator.Dispatched) { seen = append(seen, k) }})
	emutest.Need(t, err)
	d := gpu.New(driver, "counting")
	defer d.Close()
	c := model.DefaultConfig()
	c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Seq, c.Vocab = 2, 40, 4, 2, 60, 31, 101
	spec, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	s := StepShape{"small", spec, c.Seq, 4, 2}
	e, err := NewEngine(d, spec, s.Sequences/s.Micro, s.Seq, s.Micro, Optimizer{
		AdamWAttr: graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8}, MaxNorm: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.InitParams(1); err != nil {
		t.Fatal(err)
	}
	const different = 29 // ids of a micro-batch
	batch := func(_ int, ids, targets []int32) {
		for i := range ids {
			ids[i], targets[i] = int32(i%different), int32(i*7%101)
		}
	}
	seen = nil
	var r StepResult
	if err := e.Step(1, 1e-3, batch, &r); err != nil {
		t.Fatal(err)
	}

	chip, err := gpu.FindChip("m1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := PlanStep(s, *chip)
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != p.Launches {
		t.Fatalf("%d dispatches ran, %d are planned", len(seen), p.Launches)
	}
	n := 0
	for m := range s.Micro {
		for i := range p.Dispatches {
			x := &p.Dispatches[i]
			if x.Graph == "update" && m < s.Micro-1 {
				continue
			}
			k := seen[n]
			n++
			if k.Kernel != x.Kernel || k.Groups != x.Groups {
				t.Fatalf("dispatch %d is %s %v, planned as %s %v", n, k.Kernel, k.Groups, x.Kernel, x.Groups)
			}
			cost := x.Cost
			if x.Kernel == "embed_grad" {
				cost = gpu.CostWith(x.Dispatch, gpu.Data{Segments: different})
			}
			for _, v := range []struct {
				what string
				got  float64
				want uint64
			}{
				{"loads", cost.DeviceLoads, k.Counters.DeviceLoads},
				{"bytes loaded", cost.DeviceLoadBytes, k.Counters.DeviceLoadBytes},
				{"stores", cost.DeviceStores, k.Counters.DeviceStores},
				{"bytes stored", cost.DeviceStoreBytes, k.Counters.DeviceStoreBytes},
				{"products", cost.Matrix, k.Counters.Matrix},
			} {
				if math.Abs(v.got-float64(v.want)) > 0.02*float64(v.want) {
					t.Errorf("%s: counted %d %s, planned %.0f", x.Dispatch, v.want, v.what, v.got)
				}
			}
		}
	}
}
