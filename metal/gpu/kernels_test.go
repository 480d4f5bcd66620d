package gpu_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/shaders"
)

// bench holds a driver with one compiled family, and counts nothing but failures.
type bench struct {
	t   testing.TB
	d   gpu.Driver
	lib gpu.Library
}

// eachMode compiles a family once per emulator mode and runs f against it.
func eachMode(t *testing.T, family string, f func(b *bench)) {
	t.Helper()
	source, err := shaders.Source(family)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			d, err := mode.open()
			emutest.Need(t, err)
			defer d.Close()
			lib, err := d.Compile(family+".metal", source)
			if err != nil {
				t.Fatal(err)
			}
			defer lib.Close()
			f(&bench{t: t, d: d, lib: lib})
		})
	}
}

// relative is the same device with another family compiled, until the test ends.
func (b *bench) relative(family string) *bench {
	b.t.Helper()
	source, err := shaders.Source(family)
	if err != nil {
		b.t.Fatal(err)
	}
	lib, err := b.d.Compile(family+".metal", source)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(lib.Close)
	return &bench{t: b.t, d: b.d, lib: lib}
}

func (b *bench) fastMath() bool { return strings.Contains(b.d.Limits().Name, "fast-math") }

// run executes one kernel. Operands are slices of float32, int32 or uint32, bound in order and copied
// back afterwards; nil is an absent operand. Operands that are one slice share one buffer. args is the
// packed struct.
func (b *bench) run(kernel string, g shaders.Grid, args any, consts []any, operands ...any) {
	b.t.Helper()
	var cs []gpu.Constant
	for i, v := range consts {
		if v != nil {
			cs = append(cs, gpu.Constant{Index: i, Value: v})
		}
	}
	p, err := b.lib.Pipeline(kernel, cs...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer p.Close()
	c, err := b.d.Commands()
	if err != nil {
		b.t.Fatal(err)
	}
	c.Pipeline(p)
	var bufs []gpu.Buffer
	shared := map[*byte]gpu.Buffer{}
	for _, o := range operands {
		m := bytesOf(o)
		if len(m) == 0 {
			m = make([]byte, 16)
		}
		buf := shared[&m[0]]
		if buf == nil {
			if buf, err = b.d.Buffer(len(m)); err != nil {
				b.t.Fatal(err)
			}
			defer buf.Close()
			copy(buf.Bytes(), m)
			shared[&m[0]] = buf
		}
		bufs = append(bufs, buf)
	}
	c.Buffers(0, bufs, make([]int, len(bufs)))
	v := reflect.New(reflect.TypeOf(args))
	v.Elem().Set(reflect.ValueOf(args))
	c.Bytes(len(bufs), unsafe.Slice((*byte)(v.UnsafePointer()), v.Elem().Type().Size()))
	c.Dispatch(gpu.Size{X: g.Groups[0], Y: g.Groups[1], Z: g.Groups[2]}, gpu.Size{X: g.Threads, Y: 1, Z: 1})
	w, err := c.Commit()
	if err == nil {
		_, err = w.Wait()
	}
	if err != nil {
		b.t.Fatalf("%s %v: %v", kernel, g, err)
	}
	for i, o := range operands {
		copy(bytesOf(o), bufs[i].Bytes())
	}
}

// bytesOf is the memory of a slice of 4-byte elements.
func bytesOf(o any) []byte {
	if o == nil {
		return nil
	}
	v := reflect.ValueOf(o)
	if v.Len() == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*4)
}

// normal gives n numbers of the normal distribution.
func normal(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// zeros gives n zeros; ones that a kernel must write start as NaN through [blank].
func zeros(n int) []float32 { return make([]float32, n) }

// blank gives n NaNs, so that an element left unwritten shows.
func blank(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

// near holds got against want within abs + rel*largest |want|, and their norms within a factor of 2.
func (b *bench) near(what string, got []float32, want []float64, abs, rel float64) {
	b.t.Helper()
	top, ng, nw := 0.0, 0.0, 0.0
	for i, w := range want {
		top = max(top, math.Abs(w))
		ng += float64(got[i]) * float64(got[i])
		nw += w * w
	}
	limit := abs + rel*top
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= limit) {
			b.t.Fatalf("%s: element %d is %g, want %g: off by %.3g, limit %.3g", what, i, got[i], w, d, limit)
		}
	}
	if nw > limit*limit*float64(len(want)) && !(ng >= nw/4 && ng <= nw*4) {
		b.t.Fatalf("%s: norm %g, want %g", what, math.Sqrt(ng), math.Sqrt(nw))
	}
}

// same asks for equal bits.
func (b *bench) same(what string, got, want []float32) {
	b.t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			b.t.Fatalf("%s: element %d is %g, want the same bits as %g", what, i, got[i], want[i])
		}
	}
}
