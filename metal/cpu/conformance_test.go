package cpu

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/cpu/kernels"
	"github.com/evenkeel/evenkeel/metal/reference"
)

// TestConformance holds every kernel set of this machine, with and without the BLAS library, to the
// common table.
func TestConformance(t *testing.T) {
	devices := map[string]*Device{"pure": newCPU(t, Options{Threads: 2, Pure: true})}
	for _, set := range kernels.All() {
		d := newCPU(t, Options{Threads: 2})
		d.k = set
		devices[set.Name] = d
	}
	for name, d := range devices {
		for _, c := range conformance.Cases() {
			t.Run(fmt.Sprintf("%s/%s", name, c.String()), func(t *testing.T) {
				if r := conformance.Run(d, reference.New(), c); !r.OK() {
					t.Error(r)
				}
			})
		}
	}
}
