package conformance

import (
	"math"
	"strings"
	"testing"
)

func TestExtreme(t *testing.T) {
	for v, want := range map[float32]bool{
		0: false, 1: false, -3e38: false, 0x1p-126: false, -0x1p-126: false,
		0x1p-127: true, -0x1p-149: true, float32(inf): true, float32(-inf): true,
	} {
		if extreme(v) != want {
			t.Errorf("extreme(%g) is %t", v, !want)
		}
	}
	if !extreme(float32(nan)) || extreme(float32(math.Copysign(0, -1))) {
		t.Error("NaN is extreme, and negative zero is not")
	}
	// In the table the names tell.
	found := 0
	for _, c := range Cases() {
		name := strings.ToLower(c.Name)
		want := strings.Contains(name, "nan") || strings.Contains(name, "inf") || strings.Contains(name, "denormal")
		got := c.Extreme()
		if got != want {
			t.Errorf("%s: extreme %t", &c, got)
		}
		if got {
			found++
		}
	}
	if found < 20 {
		t.Errorf("only %d cases of the table are extreme", found)
	}
}
