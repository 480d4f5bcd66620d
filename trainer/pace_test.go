package trainer

import (
	"math"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// TestDuration counts the time of a run by hand: 2 GFLOP/s at half share are 1 GFLOP/s.
func TestDuration(t *testing.T) {
	c := DefaultConfig()
	c.Steps, c.Batch, c.EvalEvery = 10, 4, 0
	n, err := c.Estimate()
	if err != nil {
		t.Fatal(err)
	}
	p := Pace{FLOPS: 2e9, Half: float64(c.Model.D)}
	want := n.FLOPs * float64(10*4*c.Model.Seq) / 1e9
	got, ok, err := c.Duration(n, p)
	if err != nil || !ok || math.Abs(got.Seconds()/want-1) > 1e-6 {
		t.Errorf("%v, %v, %v; want %.3f s", got, ok, err, want)
	}
	c.EvalEvery, c.EvalBatches = 5, 3 // 2 validations of 3 batches, each a third of a step: 2 steps more
	if v, _, _ := c.Duration(n, p); math.Abs(v.Seconds()/want-1.2) > 1e-6 {
		t.Errorf("with validation %v, want %.3f s", v, 1.2*want)
	}
	if _, ok, _ := c.Duration(n, Pace{}); ok {
		t.Error("an unknown device has a duration")
	}
	c.Steps = math.MaxInt32
	if v, _, _ := c.Duration(n, Pace{FLOPS: 1}); v <= 0 || v > 1e9*time.Second {
		t.Errorf("a run of ages takes %v", v)
	}
}

// TestPaceSeen: after a run, the estimate of the same run is what it took.
func TestPaceSeen(t *testing.T) {
	c := DefaultConfig()
	c.EvalEvery = 0
	n, err := c.Estimate()
	if err != nil {
		t.Fatal(err)
	}
	const speed = 5000.0
	m1 := chipPace("Apple M1")
	for _, p := range []Pace{{}, {FLOPS: 1e9, Half: halfWidth}, m1} {
		p = p.Seen(&c, n, speed, "run #1")
		got, ok, err := c.Duration(n, p)
		want := float64(c.Steps*c.Batch*c.Model.Seq) / speed
		if err != nil || !ok || math.Abs(got.Seconds()/want-1) > 1e-6 || p.From != "run #1" {
			t.Errorf("%+v: %v, %v, %v; want %.2f s", p, got, ok, err, want)
		}
	}
	if p := m1.Seen(&c, n, 0, "x"); p.Chip == nil {
		t.Error("a run without a speed teaches something")
	}
	slow := Pace{Half: halfWidth}.Seen(&c, n, speed, "run #1")
	c.Model.D, c.Model.FFN = 32, 64 // narrower models reach less
	if n2, err := c.Estimate(); err != nil || slow.share(32) >= slow.share(128) || n2.FLOPs >= n.FLOPs {
		t.Errorf("share %v at 32, %v at 128; %v", slow.share(32), slow.share(128), err)
	}
}

// TestChipPace finds chips by the names Macs give them and predicts a step on them.
func TestChipPace(t *testing.T) {
	for name, want := range map[string]string{
		"Apple M1": "m1", "Apple M3 Max": "m3max", "Apple M2 Ultra": "", "AMD Radeon Pro 5300M": "", "Apple M4 Pro": "m4pro",
	} {
		got := ""
		if p := chipPace(name); p.Chip != nil {
			got = p.Chip.ID
		}
		if got != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
	c := DefaultConfig()
	c.EvalEvery = 0
	n, err := c.Estimate()
	if err != nil {
		t.Fatal(err)
	}
	got, ok, err := c.Duration(n, chipPace("Apple M1"))
	spec, serr := c.ExpectedSpec()
	if err != nil || serr != nil || !ok {
		t.Fatal(ok, err, serr)
	}
	chip, err := gpu.FindChip("m1")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := PlanStep(StepShape{Spec: spec, Seq: c.Model.Seq, Sequences: c.Batch, Micro: 1}, *chip)
	if err != nil {
		t.Fatal(err)
	}
	if want := plan.Seconds * float64(c.Steps); math.Abs(got.Seconds()/want-1) > 1e-6 {
		t.Errorf("%v on M1, the plan of a step says %.2f s", got, want)
	}
}

func TestMeasurePace(t *testing.T) {
	for _, name := range []string{metal.Auto, metal.CPU, metal.Reference} {
		p, err := MeasurePace(t.Context(), name, 1)
		if err != nil || (p.Chip == nil && !(p.FLOPS > 1e6)) || p.From == "" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, err := MeasurePace(t.Context(), "abacus", 1); err == nil {
		t.Error("a device that does not exist has a pace")
	}
}

// TestNormParams counts the norms of HybridNorm* by hand.
func TestNormParams(t *testing.T) {
	c := DefaultConfig() // 5 blocks of width 128, 4 heads of 32
	c.Model.Variant = "hybrid_star"
	s, err := c.ExpectedSpec()
	if err != nil {
		t.Fatal(err)
	}
	blocks, ends := NormParams(s)
	if want := int64((2*128 + 3*32) + 4*(128+3*32)); blocks != want || ends != 128 {
		t.Errorf("%d in blocks and %d at the ends, want %d and 128", blocks, ends, want)
	}
}
