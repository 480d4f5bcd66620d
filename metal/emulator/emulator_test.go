package emulator

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// modes are the ways every kernel is tested in.
var modes = []struct {
	name string
	o    Options
}{
	{"strict", Options{}},
	{"strict random", Options{Random: true, Poison: true, Seed: 7}},
	{"fast", Options{Mode: Fast}},
	{"fast-math", Options{Mode: FastMath}},
	{"check", Options{Mode: Check, Poison: true}},
	{"check random", Options{Mode: Check, Random: true, Poison: true, Shuffle: true, Seed: 7}},
}

func open(t testing.TB, o Options) *Driver {
	t.Helper()
	d, err := Open(o)
	emutest.Need(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func source(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func build(t testing.TB, d *Driver, name, text, kernel string, constants ...gpu.Constant) gpu.Pipeline {
	t.Helper()
	l, err := d.Compile(name, text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	p, err := l.Pipeline(kernel, constants...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// vec makes a buffer that holds values.
func vec[T float32 | uint32](t testing.TB, d *Driver, values []T) *tensor[T] {
	t.Helper()
	b, err := d.Buffer(4 * len(values))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	v := &tensor[T]{b, unsafe.Slice((*T)(unsafe.Pointer(&b.Bytes()[0])), len(values))}
	copy(v.data, values)
	return v
}

type tensor[T any] struct {
	gpu.Buffer
	data []T
}

func (v *tensor[T]) plain() gpu.Buffer { return v.Buffer }

// plain takes the driver's own buffers out of tensors.
func plain(buffers ...gpu.Buffer) []gpu.Buffer {
	for i, b := range buffers {
		if v, ok := b.(interface{ plain() gpu.Buffer }); ok {
			buffers[i] = v.plain()
		}
	}
	return buffers
}

func raw[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// launch runs one dispatch with buffers from index 0 on and arguments at the next index.
func launch(d *Driver, p gpu.Pipeline, groups, threads gpu.Size, args []byte, buffers ...gpu.Buffer) error {
	c, err := d.Commands()
	if err != nil {
		return err
	}
	c.Pipeline(p)
	c.Buffers(0, plain(buffers...), make([]int, len(buffers)))
	if args != nil {
		c.Bytes(len(buffers), args)
	}
	c.Dispatch(groups, threads)
	w, err := c.Commit()
	if err != nil {
		return err
	}
	_, err = w.Wait()
	return err
}

func random(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 0))
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// near compares with a limit that a NaN fails.
func near(t *testing.T, name string, got, want []float32, limit float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(float64(got[i])-float64(want[i])) < limit) {
			t.Fatalf("%s[%d] = %g, want %g within %g", name, i, got[i], want[i], limit)
		}
	}
}
