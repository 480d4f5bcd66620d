package trainer

import (
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

func planned(t *testing.T, s StepShape, id string) *StepPlan {
	t.Helper()
	chip, err := gpu.FindChip(id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := PlanStep(s, *chip)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlanStep holds a plan against the benchmark's formula of operations and against itself.
func TestPlanStep(t *testing.T) {
	o := DefaultBench()
	s, err := o.Shape()
	if err != nil {
		t.Fatal(err)
	}
	p := planned(t, s, "m1")
	if want := o.flops(p.Params); math.Abs(p.FLOPs/want-1) > 0.02 {
		t.Errorf("%g operations, the formula says %g", p.FLOPs, want)
	}
	if p.OfPeak <= 0.1 || p.OfPeak >= 0.6 {
		t.Errorf("%.1f %% of peak; at most 60 can be predicted", 100*p.OfPeak)
	}
	if least := 7 * 4 * float64(p.Params); p.Bytes < least || float64(p.Memory) < 16*float64(p.Params) {
		t.Errorf("%g bytes of traffic and %d of memory; AdamW alone moves %g", p.Bytes, p.Memory, least)
	}
	total, count := 0.0, 0
	for _, g := range p.Groups() {
		total, count = total+g.Takes, count+g.Count
	}
	parts := 0.0
	for _, k := range p.Parts() {
		parts += k.Seconds
	}
	if math.Abs(total/p.Seconds-1) > 1e-9 || math.Abs(parts/p.Seconds-1) > 1e-9 || count != p.Launches {
		t.Errorf("groups make %g s in %d dispatches, parts %g s; the step has %g s and %d",
			total, count, parts, p.Seconds, p.Launches)
	}
	if n := p.Messages; n < 3*p.Launches+p.Barriers || n > 5*p.Launches+8*p.Buffers {
		t.Errorf("%d messages for %d dispatches and %d barriers", n, p.Launches, p.Barriers)
	}
	if fast := planned(t, s, "m4max"); fast.TokensPerSec < 3*p.TokensPerSec {
		t.Errorf("%.0f tokens/s on M4 Max, %.0f on M1", fast.TokensPerSec, p.TokensPerSec)
	}
}

// TestPlanMicro: micro-batches repeat the first graph and not the second, and take less memory.
func TestPlanMicro(t *testing.T) {
	whole, err := PresetShape("tiny", 1, 8)
	if err != nil {
		t.Fatal(err)
	}
	a := planned(t, whole, "m2")
	whole.Micro = 4
	b := planned(t, whole, "m2")
	updates := 0
	for _, d := range a.Dispatches {
		if d.Graph == "update" {
			updates++
		}
	}
	if b.Launches <= 3*a.Launches || (b.Launches-updates)%4 != 0 {
		t.Errorf("%d dispatches in 4 micro-batches, %d in one, %d of them the update's",
			b.Launches, a.Launches, updates)
	}
	if b.Memory >= a.Memory || b.Seconds <= a.Seconds {
		t.Errorf("4 micro-batches take %d bytes and %g s, one takes %d and %g",
			b.Memory, b.Seconds, a.Memory, a.Seconds)
	}
	whole.Micro = 3
	if _, err := PlanStep(whole, gpu.Chips[0]); err == nil {
		t.Error("16 sequences were cut into 3 equal micro-batches")
	}
}

// TestPresetShape cuts a step that does not fit.
func TestPresetShape(t *testing.T) {
	for _, c := range []struct {
		id         string
		gb         int
		cut, whole bool
	}{{"tiny", 8, false, true}, {"medium", 2, true, false}} {
		s, err := PresetShape(c.id, 0, c.gb)
		if err != nil {
			t.Fatal(err)
		}
		if (s.Micro > 1) != c.cut || s.Sequences%s.Micro != 0 {
			t.Errorf("%s in %d GB: %d micro-batches of %d sequences", c.id, c.gb, s.Micro, s.Sequences)
		}
	}
	if _, err := PresetShape("huge", 0, 8); err == nil {
		t.Error("there is a preset huge")
	}
}
