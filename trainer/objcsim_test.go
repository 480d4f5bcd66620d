//go:build objcsim && !darwin

package trainer

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/objcsim"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// A thousand steps go trainer, gpu, mtl, darwinkit, Objective-C, shader, two in flight, and the first
// twenty follow the CPU device. Once warm, steps leave no Objective-C object behind and send nothing
// outside a pool.
func TestTrainsThroughDarwinkit(t *testing.T) {
	emu, err := emulator.Open(emulator.Options{Mode: emulator.Fast})
	emutest.Need(t, err)
	defer emu.Close()
	objcsim.Use(emu)
	defer objcsim.Use(nil)
	before := objcsim.Live()
	cpu, err := metal.Open(metal.CPU, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	through, err := metal.Open(metal.GPU, 0)
	if err != nil {
		t.Fatal(err)
	}
	at10 := 0
	want := pipelined(t, cpu, 1, 20, func(int) {})
	began := time.Now()
	got := pipelined(t, through, Depth, 1000, func(step int) {
		switch n := objcsim.Live(); step {
		case 10:
			at10 = n
		case 1000:
			if n != at10 {
				t.Errorf("%d Objective-C objects live after 1,000 steps, %d after 10", n, at10)
			}
		}
	})
	took := time.Since(began)
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= 1e-4) {
			t.Errorf("step %d: loss %.6f, on the CPU device %.6f", i+1, got[i], want[i])
		}
	}
	if got[999] > got[0]-1 {
		t.Errorf("the loss fell from %.3f to %.3f only", got[0], got[999])
	}
	if n := objcsim.WithoutPool(); n != 0 {
		t.Errorf("%d objects were made outside an autorelease pool", n)
	}
	through.Close()
	if n := objcsim.Live(); n > before {
		t.Errorf("%d objects live after the device was closed, %d before it was opened", n, before)
	}
	t.Logf("1,000 steps in %.1f s", took.Seconds())
}

// pipelined trains n steps with depth in flight and returns the losses. look is called after step 10 and
// the last, when nothing is in flight.
func pipelined(t *testing.T, d device.Device, depth, n int, look func(step int)) (losses []float64) {
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
	batch := func(_ int, ids, targets []int32) {
		for k := range ids {
			ids[k] = r.Int32N(20)
			targets[k] = (ids[k]*7 + 3) % 130
		}
	}
	var res StepResult
	for begun, step := 0, 1; step <= n; step++ {
		for ; begun < n && e.InFlight() < depth && (begun != 10 || step > 10); begun++ {
			if err := e.Begin(int64(begun+1), 3e-3, batch); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Finish(&res); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, res.Mean)
		if step == 10 || step == n {
			look(step)
		}
	}
	return losses
}
