package gpu_test

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/shaders"
)

// Cases of the table that mistakes are held to.
const (
	tiedRows    = "route/R65 E13 K3 renorm false levels"
	renormed    = "route/R65 E64 K8 renorm true levels"
	oneExpert   = "swiglu R65 E7 K1 renorm false one"
	expertRows  = "linear NT 65x11->17"
	manyExperts = "swiglu R65 E256 K8"
)

// expertMistakes is what a mixture of experts is known to go wrong by, as a change of a shader's text, and
// a case that must notice it.
var expertMistakes = []struct{ family, what, right, wrong, noticed string }{
	{"route", "the higher expert of a tie",
		"simd_min(best == high ? at : ~0u)", "simd_max(best == high ? at : 0u)", tiedRows},
	{"route", "places against the order of tokens",
		"p.experts + e];\n  for (uint c = first; c < end; c++)",
		"p.experts + e];\n  for (uint c = end; c-- > first;)", tiedRows},
	{"route", "one place for all of an expert", "      next++;\n", "", tiedRows},
	{"route", "no barrier in the scan",
		"threadgroup_barrier(mem_flags::mem_threadgroup);\n  for (uint s", "for (uint s", tiedRows},
	{"route", "a scan that begins with the second block",
		"b = 0; b < p.blocks; b++) {\n      const uint here",
		"b = 1; b < p.blocks; b++) {\n      const uint here", tiedRows},
	{"route", "no renormalisation in the gradient",
		"(dgates[choices + j] - shift)", "dgates[choices + j]", renormed},
	{"route", "a mean that cancels the gradient of the chosen", "- origin;", ";", oneExpert},
	{"experts", "the wrong expert at the edge of a tile", "nth < at + tiles ?", "nth <= at + tiles ?", expertRows},
	{"experts", "experts counted from 0 in each 32", "expert = e0 + holder;", "expert = holder;", manyExperts},
	{"experts", "a tile that goes on into the next expert's rows",
		"w.rowEnd = simd_shuffle(to, ushort(holder));", "w.rowEnd = w.row0 + side;", expertRows},
	{"experts", "a gradient that is not added",
		"direct_product(A, B, A, C, C, w", "direct_product(A, B, A, A, C, w", expertRows},
	{"experts", "a row too few in a gradient",
		"w.kEnd = uint(offsets[tgp.z + 1]);", "w.kEnd = uint(offsets[tgp.z + 1]) - 1;", expertRows},
	{"gather", "tokens by the wrong division",
		"uint(source[place]) / p.chosen", "uint(source[place]) % (p.rows / p.chosen)", tiedRows},
	{"gather", "gates in the order of places",
		"const float gate = gates[choice];", "const float gate = gates[place];", tiedRows},
}

// Every mistake is noticed by its results or named by the checking emulator.
func TestExpertMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a shader for each mistake")
	}
	cases := conformance.Cases()
	for _, m := range expertMistakes {
		source, err := shaders.Source(m.family)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(source, m.right); n != 1 {
			t.Errorf("%s: %q stands %d times in the text", m.what, m.right, n)
			continue
		}
		driver, err := emulator.Open(emulator.Options{Mode: emulator.Check, Poison: true})
		emutest.Need(t, err)
		d := gpu.New(&altered{driver, m.family, strings.Replace(source, m.right, m.wrong, 1)}, "emulator")
		ran := 0
		for _, c := range cases {
			if !strings.Contains(c.String(), m.noticed) {
				continue
			}
			ran++
			r := conformance.Run(once{d}, reference.New(), c)
			if r.OK() {
				t.Errorf("%s: %s notices nothing: %s", m.what, &c, r)
			} else if r.Err != nil && !strings.Contains(r.Err.Error(), "failed: dispatch") {
				t.Errorf("%s: %s did not run: %s", m.what, &c, r)
			}
		}
		if ran != 1 {
			t.Errorf("%d cases are called %q", ran, m.noticed)
		}
		d.Close()
	}
}
