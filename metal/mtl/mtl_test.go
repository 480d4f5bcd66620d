package mtl

import (
	"errors"
	"runtime"
	"slices"
	"testing"
)

// TestDevices holds both builds to one contract: a described device or a reason.
func TestDevices(t *testing.T) {
	list, err := Devices()
	if err != nil {
		if len(list) != 0 {
			t.Errorf("Devices returned %v together with error %q", list, err)
		}
		if runtime.GOOS != "darwin" && !errors.Is(err, ErrNoMetal) {
			t.Errorf("error %q off macOS, want ErrNoMetal", err)
		}
		return
	}
	if len(list) == 0 {
		t.Fatal("Devices returned neither a device nor an error")
	}
	for _, d := range list {
		if d.Name == "" || d.Memory == 0 || d.MaxBuffer == 0 || len(d.Families) == 0 {
			t.Errorf("device is not fully described: %+v", d)
		}
	}
}

func TestSupported(t *testing.T) {
	has := func(value int) bool { return value == 1008 || value == 3003 || value == 5001 }
	want := []string{"apple8", "common3", "metal3"}
	if got := supported(has); !slices.Equal(got, want) {
		t.Errorf("supported = %v, want %v", got, want)
	}
}

// TestFamiliesUnique: a value or name entered twice would list a family twice.
func TestFamiliesUnique(t *testing.T) {
	values, names := map[int]string{}, map[string]int{}
	for _, f := range families {
		if prev, ok := values[f.value]; ok {
			t.Errorf("value %d names both %s and %s", f.value, prev, f.name)
		}
		if prev, ok := names[f.name]; ok {
			t.Errorf("name %s stands for both %d and %d", f.name, prev, f.value)
		}
		values[f.value], names[f.name] = f.name, f.value
	}
}
