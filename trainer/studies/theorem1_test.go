package studies

import (
	"context"
	"testing"
)

// The exponents of theorem 1: dWq against (Wk, Wv, Wo) is (1, 1, 1) under Pre-Norm, (0, 1, 1) with
// QK-Norm and (0, 0, 1) with QKV-Norm; dWo against Wv is 1, 1, 0.
func TestTheorem1(t *testing.T) {
	s := DefaultTheorem1()
	s.Seeds = 2
	r, err := RunTheorem1(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Curves) != 12 {
		t.Fatalf("%d curves, there are 12", len(r.Curves))
	}
	for _, c := range r.Checks() {
		t.Logf("%s: %s", c.What, c.Values[0])
		if !c.OK {
			t.Errorf("%s: %s, must be %s", c.What, c.Values[0], c.Limit)
		}
	}
}
