package trainer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// A few steps of every variant, by turns with plain attention, both kinds of latent attention, and with
// ReLU, go through the shaders in the emulator as on the CPU device: losses, norms of gradients, and what
// the parameters, gates with their own clip among them, have become.
func TestEmulatorFollowsEverySystem(t *testing.T) {
	if testing.Short() {
		t.Skip("the emulator's own tests cover its concurrency")
	}
	onCPU, emulator := opened(t, metal.CPU), opened(t, metal.Emulator)
	worst := 0.0
	for i := range model.Variants {
		c := model.DefaultConfig()
		c.Variant, c.Layers, c.D, c.Heads, c.FFN, c.Vocab, c.Seq = model.Variants[i].ID, 2, 24, 2, 20, 37, 9
		switch i % 4 {
		case 1:
			c.MLAKVLora = 10
		case 2:
			c.MLAKVLora, c.MLAQLora, c.MLANope, c.MLAV = 9, 7, 5, 6
		case 3:
			c.Act = model.ReLU
		}
		s, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		want, got := fewSteps(t, onCPU, s), fewSteps(t, emulator, s)
		for k := range want {
			d := math.Abs(got[k]-want[k]) / max(1, math.Abs(want[k]))
			if !(d <= 1e-4) {
				t.Errorf("%s (form %d): number %d is %.7g, on the CPU device %.7g", c.Variant, i%4, k, got[k], want[k])
			}
			worst = max(worst, d)
		}
		if slices.ContainsFunc(want, math.IsNaN) {
			t.Errorf("%s: %v", c.Variant, want)
		}
	}
	t.Logf("largest difference %.2g", worst)
}

func opened(t *testing.T, name string) device.Device {
	t.Helper()
	d, err := metal.Open(name, 0)
	if name == metal.Emulator {
		emutest.Need(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// fewSteps trains a little and gives losses and norms of gradients of every step, and the sum of squares
// of all parameters at the end.
func fewSteps(t *testing.T, d device.Device, s *model.Spec) (numbers []float64) {
	t.Helper()
	e, err := NewEngine(d, s, 2, s.T, 1, Optimizer{
		AdamWAttr: graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-6, WeightDecay: 0.1}, MaxNorm: 1, MaxGate: 0.01,
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
		for i := range ids {
			ids[i] = r.Int32N(20)
			targets[i] = (ids[i]*7 + 3) % 37
		}
	}
	var res StepResult
	for step := range int64(3) {
		if err := e.Step(step+1, 1e-3, batch, &res); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, res.Mean, res.GradNorm)
	}
	squares := 0.0
	for _, v := range params(t, e) {
		squares += float64(v) * float64(v)
	}
	return append(numbers, squares)
}
