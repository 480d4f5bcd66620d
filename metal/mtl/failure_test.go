package mtl

import "testing"

func TestFailure(t *testing.T) {
	for _, c := range []struct {
		failure         Failure
		want            string
		timeout, memory bool
	}{
		{Failure{"the GPU rejected kernel k", "", "", 0}, "the GPU rejected kernel k; Metal gives no reason", false, false},
		{Failure{"it ended", "Timeout", "MTLCommandBufferErrorDomain", 2},
			"it ended: Timeout (MTLCommandBufferErrorDomain 2)", true, false},
		{Failure{"it ended", "Impacting Interactivity (0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)",
			"MTLCommandBufferErrorDomain", 1},
			"it ended: Impacting Interactivity (0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity) " +
				"(MTLCommandBufferErrorDomain 1)", true, false},
		{Failure{"it ended", "Memory", "MTLCommandBufferErrorDomain", 8},
			"it ended: Memory (MTLCommandBufferErrorDomain 8)", false, true},
		{Failure{"no", "Name", "MTLLibraryErrorDomain", 2}, "no: Name (MTLLibraryErrorDomain 2)", false, false},
	} {
		f := c.failure
		if got := f.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if f.Timeout() != c.timeout || f.OutOfMemory() != c.memory {
			t.Errorf("%q: timeout %v, out of memory %v", c.want, f.Timeout(), f.OutOfMemory())
		}
	}
}

// TestConstantType holds MTLDataType's values, which Metal would misread silently.
func TestConstantType(t *testing.T) {
	for v, want := range map[any]int{float32(1): 3, int32(1): 29, uint32(1): 33, true: 53} {
		if got, err := constantType(v); got != want || err != nil {
			t.Errorf("%T: type %d, error %v, want %d", v, got, err, want)
		}
	}
	for _, v := range []any{1, 1.0, int64(1), "1", nil} {
		if _, err := constantType(v); err == nil {
			t.Errorf("a constant of type %T is taken", v)
		}
	}
}

func TestApple(t *testing.T) {
	m2 := func(value int) bool { return value >= 1001 && value <= 1008 || value == 2002 || value == 5001 }
	if got := apple(m2); got != 8 {
		t.Errorf("family %d, want 8", got)
	}
	if got := apple(func(value int) bool { return value == 2002 }); got != 0 {
		t.Errorf("family %d for a GPU that is not Apple's, want 0", got)
	}
}
