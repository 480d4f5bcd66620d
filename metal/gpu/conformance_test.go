package gpu_test

import (
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/reference"
)

// The table every device is held to, through the shaders in the emulator: all of it in the fast mode,
// with dispatches between barriers in random order, and a share of it in the slow ones.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole table")
	}
	ways := []struct {
		name  string
		every int
		o     emulator.Options
	}{
		{"fast", 1, emulator.Options{Mode: emulator.Fast, Shuffle: true, Seed: 5, Poison: true}},
		{"strict", 7, emulator.Options{Mode: emulator.Strict, Random: true, Seed: 6, Poison: true}},
		{"check", 13, emulator.Options{Mode: emulator.Check, Random: true, Shuffle: true, Seed: 7, Poison: true}},
	}
	devices := make([]*gpu.Device, len(ways))
	for i, w := range ways {
		driver, err := emulator.Open(w.o)
		if err != nil {
			t.Fatal(err)
		}
		devices[i] = gpu.New(driver, w.name)
		defer devices[i].Close()
	}
	oracle := reference.New()
	for n, c := range conformance.Cases() {
		want, err := conformance.Expect(oracle, c)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for i, w := range ways {
			if n%w.every != 0 {
				continue
			}
			if r := want.Check(devices[i]); !r.OK() {
				t.Errorf("%s: %s: %s", w.name, c.Name, r)
			}
		}
	}
}
