package gpu_test

import (
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// modes are the ways the emulator runs the kernels under test.
var modes = []struct {
	name string
	open func() (gpu.Driver, error)
}{
	{"strict", with(emulator.Options{Mode: emulator.Strict})},
	{"fast", with(emulator.Options{Mode: emulator.Fast, Random: true, Seed: 1, Poison: true})},
	{"fast-math", with(emulator.Options{Mode: emulator.FastMath, Random: true, Seed: 2, Poison: true})},
	{"check", with(emulator.Options{Mode: emulator.Check, Random: true, Seed: 3, Poison: true})},
}

func with(o emulator.Options) func() (gpu.Driver, error) {
	return func() (gpu.Driver, error) { return emulator.Open(o) }
}
