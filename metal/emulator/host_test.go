package emulator

import (
	"errors"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

const hostSource = `#include <metal_stdlib>
using namespace metal;
struct Args { uint n; float a; };
constant bool kTwice [[function_constant(0)]];
constant float kAdd [[function_constant(3)]];

kernel void scale(device const float* x [[buffer(0)]], device float* y [[buffer(1)]],
                  constant Args& p [[buffer(2)]], uint i [[thread_position_in_grid]]) {
  if (i < p.n) y[i] = x[i] * p.a * (kTwice ? 2.0f : 1.0f) + kAdd;
}
kernel void wide(device const float4* x [[buffer(0)]], device float* y [[buffer(1)]],
                 uint i [[thread_position_in_grid]]) {
  y[i] = x[i].x;
}
kernel void scratch(device float* y [[buffer(0)]], threadgroup float* s [[threadgroup(1)]],
                    uint i [[thread_position_in_grid]]) {
  s[i] = 1.0f;
  y[i] = s[i];
}
kernel void greedy(device float* y [[buffer(0)]], threadgroup float* s [[threadgroup(0)]],
                   uint i [[thread_position_in_grid]]) {
  threadgroup float big[8000];
  big[i] = 1.0f;
  s[i] = big[i];
  y[i] = s[i];
}
kernel void glutton(device float* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
  threadgroup float big[8200];
  big[i] = 1.0f;
  y[i] = big[i];
}
`

var (
	constants = []gpu.Constant{{Index: 0, Value: true}, {Index: 3, Value: float32(1)}}
	oneGroup  = gpu.Size{X: 1, Y: 1, Z: 1}
)

// host is a driver with everything a test of the host side needs.
type host struct {
	*Driver
	lib  gpu.Library
	x, y *tensor[float32]
}

func newHost(t *testing.T, o Options) *host {
	t.Helper()
	h := &host{Driver: open(t, o)}
	var err error
	if h.lib, err = h.Compile("host.metal", hostSource); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.lib.Close)
	h.x, h.y = vec(t, h.Driver, make([]float32, 128)), vec(t, h.Driver, make([]float32, 128))
	return h
}

func (h *host) pipeline(t *testing.T, kernel string) gpu.Pipeline {
	t.Helper()
	var c []gpu.Constant
	if kernel == "scale" {
		c = constants
	}
	p, err := h.lib.Pipeline(kernel, c...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// encode runs what f encodes and gives the first error.
func (h *host) encode(t *testing.T, f func(c *commands)) error {
	t.Helper()
	c, err := h.Commands()
	if err != nil {
		t.Fatal(err)
	}
	f(c.(*commands))
	w, err := c.Commit()
	if err != nil {
		return err
	}
	_, err = w.Wait()
	return err
}

// refusalsCaught makes the mistakes of a host that Metal's debug layer would stop at, or worse, not.
func refusalsCaught(t *testing.T) (caught int) {
	h := newHost(t, Options{})
	scale, wide := h.pipeline(t, "scale"), h.pipeline(t, "wide")
	scratch, greedy := h.pipeline(t, "scratch"), h.pipeline(t, "greedy")
	args := struct {
		n uint32
		a float32
	}{32, 1}
	xy := plain(h.x, h.y)
	for _, c := range []struct {
		name, want string
		encode     func(c *commands)
	}{
		{"unbound", "buffer(1) y is not bound", func(c *commands) {
			c.Pipeline(scale)
			c.Buffers(0, xy[:1], []int{0})
			c.Bytes(2, raw(&args))
		}},
		{"wrong index", "buffer(2) p is not bound", func(c *commands) {
			c.Pipeline(scale)
			c.Buffers(0, xy, []int{0, 0})
			c.Bytes(3, raw(&args))
		}},
		{"surplus", "buffer(3) is bound and the kernel has no such argument", func(c *commands) {
			c.Pipeline(scale)
			c.Buffers(0, append(xy[:2:2], xy[0], xy[0]), []int{0, 0, 0, 0})
			c.Bytes(2, raw(&args))
		}},
		{"argument size", "4 bytes are set, Args has 8", func(c *commands) {
			c.Pipeline(scale)
			c.Buffers(0, xy, []int{0, 0})
			c.Bytes(2, raw(&args.n))
		}},
		{"4096 bytes", "4096 bytes of arguments", func(c *commands) { c.Bytes(2, make([]byte, 4096)) }},
		{"misaligned", "offset 4 is not a multiple of 16, as float4 needs", func(c *commands) {
			c.Pipeline(wide)
			c.Buffers(0, xy, []int{4, 0})
		}},
		{"odd offset", "offset 2 is not a multiple of 4", func(c *commands) {
			c.Pipeline(wide)
			c.Buffers(0, xy, []int{0, 2})
		}},
		{"outside", "offset 512 is outside the buffer of 512 bytes", func(c *commands) {
			c.Buffers(0, xy, []int{512, 0})
		}},
		{"index", "buffer index 31 is not in 0 to 30", func(c *commands) { c.Buffers(30, xy, []int{0, 0}) }},
		{"threads", "1056 threads a threadgroup, the pipeline takes 1024", func(c *commands) {
			c.Pipeline(wide)
			c.Buffers(0, xy, []int{0, 0})
			c.Dispatch(oneGroup, gpu.Size{X: 33, Y: 32, Z: 1})
		}},
		{"empty grid", "every number must be positive", func(c *commands) {
			c.Pipeline(wide)
			c.Buffers(0, xy, []int{0, 0})
			c.Dispatch(gpu.Size{X: 0, Y: 1, Z: 1}, oneGroup)
		}},
		{"threadgroup length", "a length of 24 bytes; it must be a multiple of 16", func(c *commands) {
			c.Pipeline(scratch)
			c.Threadgroup(1, 24)
		}},
		{"no threadgroup length", "threadgroup(1) s has no length", func(c *commands) {
			c.Pipeline(scratch)
			c.Buffers(0, xy[:1], []int{0})
		}},
		{"surplus length", "threadgroup(0) has a length and the kernel has no such argument", func(c *commands) {
			c.Pipeline(scratch)
			c.Buffers(0, xy[:1], []int{0})
			c.Threadgroup(0, 64)
			c.Threadgroup(1, 64)
		}},
		{"threadgroup memory", "33024 bytes of threadgroup memory (32000 static), the limit is 32768", func(c *commands) {
			c.Pipeline(greedy)
			c.Buffers(0, xy[:1], []int{0})
			c.Threadgroup(0, 1024)
		}},
		{"stale binding", "buffer(1) y is not bound", func(c *commands) {
			c.Pipeline(scale)
			c.Buffers(0, xy, []int{0, 0})
			c.Bytes(2, raw(&args))
			c.Dispatch(oneGroup, gpu.Size{X: 32, Y: 1, Z: 1})
			c.Pipeline(wide)
			c.Buffers(0, xy[:1], []int{0})
		}},
		{"no pipeline", "no pipeline is set", func(*commands) {}},
	} {
		err := h.encode(t, func(k *commands) {
			c.encode(k)
			k.Dispatch(oneGroup, gpu.Size{X: 32, Y: 1, Z: 1})
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, err)
		} else {
			caught++
		}
	}
	return caught
}

func TestBufferBeyondTheLimit(t *testing.T) {
	h := newHost(t, Options{})
	if _, err := h.Buffer(int(h.Limits().MaxBuffer) + 1); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a buffer beyond the limit: %v", err)
	}
}

// pipelinesCaught asks for pipelines that cannot be.
func pipelinesCaught(t *testing.T) (caught int) {
	h := newHost(t, Options{})
	for _, c := range []struct {
		name, kernel, want string
		constants          []gpu.Constant
	}{
		{"unknown", "none", "host.metal has no kernel none", nil},
		{"missing constant", "scale", "function constant kAdd (3) has no value", constants[:1]},
		{"wrong type", "scale", "kAdd (3) is of type float and cannot take a int32",
			[]gpu.Constant{constants[0], {Index: 3, Value: int32(1)}}},
		{"surplus constant", "scale", "no function constant 9", []gpu.Constant{{Index: 9, Value: true}}},
		{"twice", "scale", "given twice", []gpu.Constant{constants[0], constants[0]}},
		{"threadgroup memory", "glutton", "32800 bytes of threadgroup memory, the limit is 32768", nil},
	} {
		if _, err := h.lib.Pipeline(c.kernel, c.constants...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, err)
		} else {
			caught++
		}
	}
	return caught
}

func TestPipelines(t *testing.T) {
	h := newHost(t, Options{PipelineThreads: func(string) int { return 256 }})
	p := h.pipeline(t, "greedy")
	if p.Threadgroup() != 32000 || p.MaxThreads() != 256 {
		t.Errorf("%d bytes and %d threads, want 32000 and 256", p.Threadgroup(), p.MaxThreads())
	}
	limited, err := h.Compile("limited.metal", "#include <metal_stdlib>\nusing namespace metal;\n"+
		"[[max_total_threads_per_threadgroup(64)]]\n"+
		"kernel void k(device float* o [[buffer(0)]]) { o[0] = 1.0f; }\n")
	if err != nil {
		t.Fatal(err)
	}
	defer limited.Close()
	if p, err := limited.Pipeline("k"); err != nil || p.MaxThreads() != 64 {
		t.Errorf("a kernel whose attribute allows 64 threads gives %v, %v", p, err)
	}
	_, err = h.Compile("broken.metal", "#include <metal_stdlib>\nusing namespace metal;\n"+
		"kernel void k(device float* o [[buffer(0)]]) { o[0] = nothing; }\n")
	if err == nil || !strings.Contains(err.Error(), "broken.metal:3:") {
		t.Errorf("the error of a broken source gives no line: %v", err)
	}
}

// TestConstants runs two pipelines of one library with different constants in one command buffer.
func TestConstants(t *testing.T) {
	h := newHost(t, Options{})
	args := struct {
		n uint32
		a float32
	}{64, 3}
	z := vec(t, h.Driver, make([]float32, 128))
	for i := range h.x.data {
		h.x.data[i] = float32(i)
	}
	other, err := h.lib.Pipeline("scale", gpu.Constant{Index: 0, Value: false}, gpu.Constant{Index: 3, Value: float32(-1)})
	if err != nil {
		t.Fatal(err)
	}
	err = h.encode(t, func(c *commands) {
		for i, p := range []gpu.Pipeline{h.pipeline(t, "scale"), other} {
			c.Pipeline(p)
			c.Buffers(0, plain(h.x, []gpu.Buffer{h.y, z}[i]), []int{0, 128})
			c.Bytes(2, raw(&args))
			c.Dispatch(gpu.Size{X: 4, Y: 1, Z: 1}, gpu.Size{X: 16, Y: 1, Z: 1})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		if h.y.data[32+i] != float32(6*i+1) || z.data[32+i] != float32(3*i-1) {
			t.Fatalf("element %d: %g and %g, want %d and %d", i, h.y.data[32+i], z.data[32+i], 6*i+1, 3*i-1)
		}
	}
}

func TestFaults(t *testing.T) {
	rejected := errors.New("Compiler encountered an internal error")
	h := newHost(t, Options{Faults: Faults{
		Pipeline: func(k string) error {
			if k == "wide" {
				return rejected
			}
			return nil
		},
		Buffer: func(n, _ int) error {
			if n == 2 {
				return ErrOutOfMemory
			}
			return nil
		},
		Dispatch: func(n int, _ string) error {
			if n == 1 {
				return ErrTimeout
			}
			return nil
		},
	}})
	if _, err := h.lib.Pipeline("wide"); !errors.Is(err, rejected) {
		t.Errorf("pipeline: %v", err)
	}
	if _, err := h.Buffer(16); !errors.Is(err, ErrOutOfMemory) {
		t.Errorf("buffer: %v", err)
	}
	p := h.pipeline(t, "scratch")
	run := func() error {
		return h.encode(t, func(c *commands) {
			c.Pipeline(p)
			c.Buffers(0, plain(h.y), []int{0})
			c.Threadgroup(1, 128)
			c.Dispatch(oneGroup, gpu.Size{X: 32, Y: 1, Z: 1})
		})
	}
	if err := run(); err != nil {
		t.Error(err)
	}
	if err := run(); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "dispatch 0 (scratch)") {
		t.Errorf("dispatch: %v", err)
	}
	if err := run(); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

func TestSentences(t *testing.T) {
	if _, err := Open(Options{Clang: "no-such-clang"}); err == nil {
		t.Error("a compiler that does not exist is taken")
	}
	if _, err := ParseMode("quick"); err == nil || !strings.Contains(err.Error(), "use strict, fast") {
		t.Errorf("unknown mode: %v", err)
	}
	if m, err := ParseMode("fast-math"); m != FastMath || err != nil {
		t.Error(m, err)
	}
}
