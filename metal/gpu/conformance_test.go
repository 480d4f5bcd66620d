package gpu_test

import (
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
)

// TestConformance holds the shaders to the whole table in every mode of the emulator: about four minutes
// of one core, so the modes run side by side, the longest first. In random order each case runs twice,
// the second time in another order of threads and dispatches, with a command buffer for every dispatch
// and NaN in all memory that holds nothing alive, and must give the same bits.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole table in every mode")
	}
	for _, w := range []struct {
		name  string
		twice bool
		o     emulator.Options
	}{
		{"check", false, emulator.Options{Mode: emulator.Check, Random: true, Shuffle: true, Seed: 7, Poison: true}},
		{"random", true, emulator.Options{Mode: emulator.Fast, Random: true, Shuffle: true, Seed: 6, Poison: true}},
		{"strict", false, emulator.Options{Mode: emulator.Strict, Workers: 1}},
		{"fast-math", false, emulator.Options{Mode: emulator.FastMath, Workers: 1}},
		{"fast", false, emulator.Options{Mode: emulator.Fast}},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			driver, err := emulator.Open(w.o)
			emutest.Need(t, err)
			own := gpu.New(driver, "emulator")
			defer own.Close()
			d := device.Device(once{own})
			if w.twice {
				poisoned, _ := emulated(t, w.o, gpu.Poison(), gpu.BufferTime(time.Nanosecond))
				d = &turns{poisoned, own}
			}
			table(t, d, w.o.Mode == emulator.FastMath)
		})
	}
}

// table runs all cases. Fast mathematics may do as it likes with infinity, NaN and denormals, except in
// the count of gradients that are not finite.
func table(t *testing.T, d device.Device, fastMath bool) {
	start, oracle, ran, left := time.Now(), reference.New(), 0, 0
	for _, c := range conformance.Cases() {
		if fastMath && c.Extreme() && !counts(t, &c) {
			left++
			continue
		}
		if r := conformance.Run(d, oracle, c); !r.OK() {
			t.Errorf("%s: %s", &c, r)
		}
		ran++
	}
	t.Logf("%d cases, %d left out, %.1f s", ran, left, time.Since(start).Seconds())
	if left > 40 || left > 0 != fastMath {
		t.Errorf("%d of %d cases were left out", left, left+ran)
	}
}

// counts tells whether a case has the counter of gradients that are not finite.
func counts(t *testing.T, c *conformance.Case) bool {
	t.Helper()
	gs, err := c.Build(c.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gs {
		for _, op := range g.Ops {
			if op.Kind == graph.OpGradNorms {
				return true
			}
		}
	}
	return false
}

// once is a device that promises nothing about a second run, so that cases are run a single time.
type once struct{ device.Device }

func (d once) Info() device.Info {
	info := d.Device.Info()
	info.SameBits = false
	return info
}
