package gpu_test

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
)

// second runs the cases for which want is true through a device with given choices, every n-th of them
// in check mode too.
func second(t *testing.T, c gpu.Choices, n int, want func(c *conformance.Case) bool) {
	t.Helper()
	oracle := reference.New()
	for _, o := range []emulator.Options{
		{Mode: emulator.Fast, Shuffle: true, Seed: 11, Poison: true},
		{Mode: emulator.Check, Random: true, Shuffle: true, Seed: 12, Poison: true},
	} {
		driver, err := emulator.Open(o)
		emutest.Need(t, err)
		d := gpu.New(driver, "emulator", gpu.Choose(c), gpu.Poison())
		seen := 0
		for _, c := range conformance.Cases() {
			if !want(&c) {
				continue
			}
			if seen++; o.Mode == emulator.Check && seen%n != 0 {
				continue
			}
			if r := conformance.Run(d, oracle, c); !r.OK() {
				t.Errorf("%s: %s: %s", o.Mode, &c, r)
			}
		}
		if seen < n {
			t.Errorf("only %d cases were run", seen)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func normed(c *conformance.Case) bool {
	return c.Op == graph.OpRope && strings.HasPrefix(c.Name, "norm ")
}

// Both ways to norm and turn heads are within the limits of the oracle.
func TestUnfusedNormRope(t *testing.T) { second(t, gpu.Choices{Unfused: true}, 9, normed) }
func TestFusedNormRope(t *testing.T)   { second(t, gpu.Choices{}, 9, normed) }

// Which pairs become one dispatch, by what else is done with the tensors in between.
func TestFusions(t *testing.T) {
	count := func(p *gpu.Plan, kernel string) (n int) {
		for i := range p.Dispatches {
			if p.Dispatches[i].Kernel == kernel {
				n++
			}
		}
		return n
	}
	fused := 0
	for _, c := range conformance.Cases() {
		if !normed(&c) {
			continue
		}
		gs, err := c.Build(c.Schema())
		if err != nil {
			t.Fatal(err)
		}
		p, err := gpu.Lower(gs[0], 7)
		if err != nil {
			t.Fatal(err)
		}
		apart, err := gpu.LowerAs(gs[0], 7, gpu.Choices{Unfused: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := gpu.CheckBarriers(p.Dispatches, p.Barriers); err != nil {
			t.Errorf("%s: %v", &c, err)
		}
		forward, backward := 1, 1
		switch other := c.Name[strings.LastIndex(c.Name, "offset"):]; {
		case strings.Contains(other, "norm "), strings.Contains(other, "wider"), strings.Contains(c.Name, "D258"):
			forward, backward = 0, 0
			// The gradient of the norm's output is the rotation's alone unless the output was used.
			if strings.Contains(other, "kept") || strings.Contains(other, "probed") {
				backward = 1
			}
		case strings.Contains(other, "input used"):
			backward = 0 // another gradient is carried in
		}
		f, b := count(p, "norm_rope"), count(p, "norm_rope_grad")
		if f != forward || b != backward {
			t.Errorf("%s: %d fused forwards and %d backwards, want %d and %d", &c, f, b, forward, backward)
		}
		if n := len(apart.Dispatches) - len(p.Dispatches); n != f+b || count(p, "rope") != 2-f-b {
			t.Errorf("%s: %d dispatches saved and %d rotations left", &c, n, count(p, "rope"))
		}
		fused += f + b
	}
	if fused == 0 {
		t.Error("no pair was fused")
	}
}
