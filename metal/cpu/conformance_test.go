package cpu

import (
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/cpu/kernels"
	"github.com/evenkeel/evenkeel/metal/reference"
)

// share is n where only every n-th case of the common table is run.
var share = 1

// TestConformance holds the device, with and without compiled code, to the common table.
func TestConformance(t *testing.T) {
	for _, pure := range []bool{false, true} {
		d := newCPU(t, Options{Threads: 2, Pure: pure})
		t.Run(d.k.Name, func(t *testing.T) { conform(t, d, every(share, 0)) })
	}
}

// every is each n-th case, starting at the given one.
func every(n, first int) []conformance.Case {
	var cs []conformance.Case
	for i, c := range conformance.Cases() {
		if i%n == first%n {
			cs = append(cs, c)
		}
	}
	return cs
}

// TestConformanceOfSets runs a share of the table on the kernel sets that this processor would not
// choose; the tests of the kernels themselves cover them in full.
func TestConformanceOfSets(t *testing.T) {
	for i, set := range kernels.All() {
		d := newCPU(t, Options{Threads: 2})
		d.k = set
		t.Run(set.Name, func(t *testing.T) { conform(t, d, every(5*share, i)) })
	}
}

func conform(t *testing.T, d *Device, cases []conformance.Case) {
	oracle := reference.New()
	for _, c := range cases {
		if r := conformance.Run(d, oracle, c); !r.OK() {
			t.Errorf("%s: %s", c.String(), r)
		}
	}
}
