//go:build objcsim && !darwin

package mtl

import (
	"errors"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/objcsim"
)

// prefix adds up each simdgroup's 32 numbers into out, twice: once by the lanes, once through dynamic
// threadgroup memory, and checks the one by the other.
const prefix = `#include <metal_stdlib>
using namespace metal;

constant float scale [[function_constant(0)]];

struct Args { uint N; };

kernel void totals(device const float *x [[buffer(0)]],
                   device float *out [[buffer(1)]],
                   constant Args &args [[buffer(2)]],
                   threadgroup float *shared [[threadgroup(0)]],
                   uint i [[thread_position_in_grid]],
                   uint t [[thread_position_in_threadgroup]],
                   uint lane [[thread_index_in_simdgroup]]) {
    float v = i < args.N ? scale * x[i] : 0.0f;
    shared[t] = v;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    float sum = simd_sum(v);
    if (lane == 0) {
        float again = 0.0f;
        for (uint k = 0; k < 32; k++) again += shared[t + k];
        out[i / 32] = sum == again ? sum : -1.0f;
    }
}
`

// TestEmulator is the whole way: driver, bindings, Objective-C, shader.
func TestEmulator(t *testing.T) {
	options := emulator.Options{Mode: emulator.Check, Poison: true, Cache: t.TempDir()}
	options.Faults.Dispatch = func(n int, _ string) error {
		if n == 1 {
			return emulator.ErrTimeout
		}
		return nil
	}
	backend, err := emulator.Open(options)
	emutest.Need(t, err)
	objcsim.Use(backend)
	before := objcsim.Live()
	t.Cleanup(func() {
		objcsim.Use(toy{})
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
		if n := objcsim.Live(); n != before {
			t.Errorf("%d Metal objects are alive, %d were at the start", n, before)
		}
	})
	d, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := d.Compile("totals.metal", prefix)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := l.Pipeline("totals", gpu.Constant{Index: 0, Value: float32(2)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	x, err := d.Buffer(4 * 128)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	out, err := d.Buffer(4 * 4)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for i := range floats(x) {
		floats(x)[i] = 1
	}
	run := func(offset int) error { // of out, in bytes
		c, err := d.Commands()
		if err != nil {
			t.Fatal(err)
		}
		c.Pipeline(p)
		c.Buffers(0, []gpu.Buffer{x, out}, []int{0, offset})
		c.Bytes(2, []byte{100, 0, 0, 0})
		c.Threadgroup(0, 4*64)
		c.Dispatch(line(2), line(64))
		c.Barrier()
		pending, err := c.Commit()
		if err != nil {
			t.Fatal(err)
		}
		took, err := pending.Wait()
		if err == nil && took <= 0 {
			t.Errorf("GPU time %v", took)
		}
		return err
	}
	if err := run(0); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{64, 64, 64, 8} {
		if got := floats(out)[i]; got != want {
			t.Errorf("total %d is %v, want %v", i, got, want)
		}
	}
	var f *Failure
	if err := run(0); !errors.As(err, &f) || !f.Timeout() {
		t.Errorf("the emulator's timeout arrives as %v", err)
	}
	if err := run(4); err == nil || !strings.Contains(err.Error(), "Address Fault") ||
		!strings.Contains(err.Error(), "totals") {
		t.Errorf("a store beyond the end of a buffer gives %v", err)
	}
	if _, err := d.Compile("totals.metal", strings.Replace(prefix, "simd_sum", "simd_total", 1)); err == nil ||
		!strings.Contains(err.Error(), "rejected shader totals.metal") || !strings.Contains(err.Error(), "simd_total") {
		t.Errorf("a shader that does not compile gives %v", err)
	}
}
