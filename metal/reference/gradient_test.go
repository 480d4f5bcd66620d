package reference_test

import (
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/reference"
)

// TestGradients holds every gradient rule of model/graph, with each combination of optional operands,
// to finite differences in float64.
func TestGradients(t *testing.T) {
	for _, c := range conformance.GradCases() {
		if r := conformance.GradCheck(reference.New(), c, 40); !r.OK() {
			t.Errorf("%s: %s", &c, r)
		} else if testing.Verbose() {
			t.Logf("%s: %s", &c, r)
		}
	}
}
