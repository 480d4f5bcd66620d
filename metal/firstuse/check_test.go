package firstuse

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/doctor"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// mistaken is a GPU whose compiler, or whose maker, got one place of the shaders wrong.
type mistaken struct {
	gpu.Driver
	right, wrong string
	hit          bool
}

func (m *mistaken) Compile(name, source string) (gpu.Library, error) {
	if strings.Contains(source, m.right) {
		m.hit = true
		source = strings.Replace(source, m.right, m.wrong, 1)
	}
	return m.Driver.Compile(name, source)
}

// TestWrongKernelsAreRefused: mistakes that neither crash nor give NaN, each of which would train
// silently, are found by the short table, and the refusal names the kernel and the error.
func TestWrongKernelsAreRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a wrong library for each mistake")
	}
	cpu := open(t, metal.CPU)
	for _, m := range []struct{ kernel, right, wrong string }{
		{"swiglu_grad", "(1.0f + g * rest)", "(1.0f + g)"},
		{"norm_", "ss / float(n)) + p.eps)", "ss / float(n)))"},
		{"attention_forward", "key <= row ? mine[e] * c", "key < row || key == 0 ? mine[e] * c"},
		{"embed_grad", "read4(dy, order[s], c, p.width) * p.scale", "read4(dy, order[s], c, p.width)"},
		{"adamw", "p.rest2 * (g * g)", "p.rest1 * (g * g)"},
		{"lm_loss", "v - p.scale : v", "v - 1.001f * p.scale : v"},
		{"rope", "precise::sin(angle)", "precise::sin(-angle)"},
	} {
		driver, err := emulator.Open(emulator.Options{Mode: emulator.Fast})
		emutest.Need(t, err)
		wrong := &mistaken{Driver: driver, right: m.right, wrong: m.wrong}
		d := gpu.New(wrong, "gpu")
		err = checkCases(t.Context(), d, cpu, launching(t, cpu, m.kernel), nil)
		var found *Mismatch
		switch {
		case !errors.As(err, &found) && !wrong.hit:
			t.Errorf("%s has no %q to get wrong", m.kernel, m.right)
		case !errors.As(err, &found):
			t.Errorf("%s with %q in the place of %q: %v", m.kernel, m.wrong, m.right, err)
		case !strings.Contains(found.What, m.kernel) || !strings.Contains(err.Error(), "use the cpu device"):
			t.Errorf("%s is wrong, yet: %v", m.kernel, err)
		default:
			t.Log(err)
		}
		d.Close()
	}
}

// launching picks the cases of the short table that launch a kernel.
func launching(t *testing.T, cpu device.Device, kernel string) (picked []conformance.Case) {
	t.Helper()
	for _, c := range doctor.Short() {
		mine := func(k string) bool { return strings.HasPrefix(k, kernel) }
		own, others := launched(cpu, &c)
		if slices.ContainsFunc(append(own, others...), mine) {
			picked = append(picked, c)
		}
	}
	if picked == nil {
		t.Fatalf("no case launches %s", kernel)
	}
	return picked
}

func open(t *testing.T, name string) device.Device {
	t.Helper()
	d, err := metal.Open(name, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestCancelled: a check that is called off has no verdict.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cpu := open(t, metal.CPU)
	parts := 0
	err := Check(ctx, cpu, cpu, nil, func(done, total int) {
		if parts++; parts == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || parts != 3 {
		t.Errorf("after %d parts: %v", parts, err)
	}
}
