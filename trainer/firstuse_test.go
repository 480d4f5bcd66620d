package trainer

import (
	"errors"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/firstuse"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// misread is a GPU whose compiler reads one place of the shaders otherwise.
type misread struct {
	gpu.Driver
	right, wrong string
}

func (m misread) Compile(name, source string) (gpu.Library, error) {
	return m.Driver.Compile(name, strings.Replace(source, m.right, m.wrong, 1))
}

// The step that a GPU is checked with before its first use passes on the shaders as they are. Mistakes
// that a run would survive, and learn something else, are found in it by name of the tensor.
func TestFirstStep(t *testing.T) {
	if testing.Short() {
		t.Skip("metal/firstuse covers its concurrency")
	}
	cpu, err := metal.Open(metal.CPU, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	step, err := firstStep()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ right, wrong, finds string }{
		{"", "", ""},
		{"v[c] -= p.scale", "v[c] -= 1.01f * p.scale", "the gradient of emb"},
		{"(1.0f + g * rest)", "(1.0f + g)", "the gradient of"},
		{"m = p.beta1 * m + p.rest1 * g", "m = p.beta1 * m + g", "moment of"},
		{"w -= rate", "w += rate", "the new "},
	} {
		driver, err := emulator.Open(emulator.Options{Mode: emulator.Fast})
		emutest.Need(t, err)
		d := gpu.New(misread{driver, c.right, c.wrong}, "gpu")
		err = step.Check(d, cpu)
		var found *firstuse.Mismatch
		switch {
		case c.finds == "" && err != nil:
			t.Errorf("the shaders as they are: %v", err)
		case c.finds != "" && (!errors.As(err, &found) || !strings.Contains(found.Detail, c.finds)):
			t.Errorf("%q in the place of %q: %v; want %q", c.wrong, c.right, err, c.finds)
		case err != nil:
			t.Log(found.Detail)
		}
		d.Close()
	}
}
