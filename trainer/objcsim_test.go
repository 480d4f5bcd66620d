//go:build objcsim && !darwin

package trainer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/mtl"
	"github.com/evenkeel/evenkeel/metal/objcsim"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Twenty steps go trainer, gpu, mtl, darwinkit, Objective-C, shader, and follow the CPU device. Once
// warm, steps leave no Objective-C object behind and send nothing outside a pool.
func TestTrainsThroughDarwinkit(t *testing.T) {
	emu, err := emulator.Open(emulator.Options{Mode: emulator.Fast})
	if err != nil {
		t.Fatal(err)
	}
	objcsim.Use(emu)
	defer objcsim.Use(nil)
	driver, err := mtl.Open()
	if err != nil {
		t.Fatal(err)
	}
	cpu, err := metal.Open(metal.CPU, 0)
	if err != nil {
		t.Fatal(err)
	}
	through := gpu.New(driver, "gpu")
	want, got := twenty(t, cpu, nil), twenty(t, through, func() int { return objcsim.Live() })
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= 1e-4) {
			t.Errorf("step %d: loss %.6f, on the CPU device %.6f", i+1, got[i], want[i])
		}
	}
	if n := objcsim.WithoutPool(); n != 0 {
		t.Errorf("%d objects were made outside an autorelease pool", n)
	}
	through.Close()
	cpu.Close()
}

// twenty trains 20 steps and returns the losses. live, which may be nil, counts Objective-C objects; the
// count must not grow after the tenth step.
func twenty(t *testing.T, d device.Device, live func() int) []float64 {
	t.Helper()
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.FFN, c.Vocab, c.Seq = "hybrid_star", 1, 32, 4, 48, 130, 16
	s, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEngine(d, s, 2, s.T, 1, Optimizer{
		AdamWAttr: graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}, MaxNorm: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.InitParams(11); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var losses []float64
	var res StepResult
	at10 := 0
	for i := range int64(20) {
		err := e.Step(i+1, 3e-3, func(_ int, ids, targets []int32) {
			for k := range ids {
				ids[k] = r.Int32N(20)
				targets[k] = (ids[k]*7 + 3) % 130
			}
		}, &res)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, res.Mean)
		if live != nil && i == 9 {
			at10 = live()
		}
	}
	if live != nil {
		if n := live(); n != at10 {
			t.Errorf("%d Objective-C objects live after 20 steps, %d after 10", n, at10)
		}
	}
	return losses
}
