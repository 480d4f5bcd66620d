package doctor

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// launched is every kernel of the cases on each GPU family.
func launched(t *testing.T, cases []conformance.Case) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	for i := range cases {
		gs, err := cases[i].Build(cases[i].Schema())
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range gs {
			for _, family := range []int{7, 8, 9, 10} {
				plan, err := gpu.Lower(g, family)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range plan.Dispatches {
					seen[fmt.Sprint(d.Kernel, " on family ", family)] = true
				}
			}
		}
	}
	return seen
}

func TestShortReachesEveryKernel(t *testing.T) {
	short := Short()
	got, want := launched(t, short), launched(t, conformance.Cases())
	for k := range want {
		if !got[k] {
			t.Errorf("no case of Short launches %s", k)
		}
	}
	if len(short) < 30 || len(short) > 110 {
		t.Errorf("Short has %d cases", len(short))
	}
	t.Logf("%d cases launch %d kernels", len(short), len(want))
}

// The largest tiles and the cut of a weight gradient are reached by more than a sliver.
func TestShortHasLargeProducts(t *testing.T) {
	for _, family := range families {
		cut, layouts := false, map[string]bool{}
		for _, c := range Short() {
			gs, err := c.Build(c.Schema())
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range gs {
				plan, err := gpu.Lower(g, family)
				if err != nil {
					t.Fatal(err)
				}
				for i := range plan.Dispatches {
					d := &plan.Dispatches[i]
					p, ok := d.Product()
					if ok && (d.Kernel == "matmul_staged" || family >= 9) && p.M > 64 && p.N > 64 && p.K > 100 {
						layouts[p.String()[:2]] = true
						cut = cut || p.Splits > 1
					}
				}
			}
		}
		if len(layouts) != 3 || !cut {
			t.Errorf("family %d: large products in the layouts %v, one cut along K: %t", family, layouts, cut)
		}
	}
}
