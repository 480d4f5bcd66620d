package emulator

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

const chainSource = `#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;
kernel void increment(device const float* x [[buffer(0)]], device float* y [[buffer(1)]],
                      uint i [[thread_position_in_grid]]) {
  y[i] = x[i] + 1.0f;
}
kernel void count(device atomic_uint* c [[buffer(0)]]) {
  atomic_fetch_add_explicit(c, 1u, memory_order_relaxed);
}
kernel void square(device const float* x [[buffer(0)]], device float* y [[buffer(1)]],
                   constant uint& n [[buffer(2)]]) {
  threadgroup float s[64];
  simdgroup_float8x8 a, r = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  simdgroup_load(a, x, 8);
  for (uint i = 0; i < n; i++) simdgroup_multiply_accumulate(r, a, a, r);
  simdgroup_store(r, s, 8);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_load(a, s, 8);
  simdgroup_store(a, y, 8);
}
`

// chain runs y = x + 1, z = y + 1, with a barrier between or without.
func chain(t *testing.T, d *Driver, barrier bool) (z []float32, err error) {
	t.Helper()
	p := build(t, d, "chain.metal", chainSource, "increment")
	zero := make([]float32, 64)
	a, b, c := vec(t, d, zero), vec(t, d, zero), vec(t, d, zero)
	k, err := d.Commands()
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][]gpu.Buffer{plain(a, b), plain(b, c)} {
		k.Pipeline(p)
		k.Buffers(0, pair, []int{0, 0})
		k.Dispatch(gpu.Size{X: 2, Y: 1, Z: 1}, gpu.Size{X: 32, Y: 1, Z: 1})
		if barrier {
			k.Barrier()
		}
	}
	w, err := k.Commit()
	if err != nil {
		return nil, err
	}
	_, err = w.Wait()
	return c.data, err
}

// TestMissingDispatchBarrier shows the two ways in which a missing barrier between dispatches is
// found: the checker names it, and a random order gives wrong results.
func TestMissingDispatchBarrier(t *testing.T) {
	d := open(t, Options{Mode: Check})
	_, err := chain(t, d, false)
	want := "read after write: device memory buffer(0) x+0, thread 0 of threadgroup 0 against an " +
		"earlier dispatch with no barrier between the two"
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "chain.metal:6: ") {
		t.Errorf("want %q at line 6, got %v", want, err)
	}
	if _, err := chain(t, d, true); err != nil {
		t.Error(err)
	}
	wrong := 0
	for seed := range uint64(8) {
		z, err := chain(t, open(t, Options{Shuffle: true, Seed: seed}), false)
		if err != nil {
			t.Fatal(err)
		}
		if z[0] != 2 {
			wrong++
		}
	}
	if wrong == 0 || wrong == 8 {
		t.Errorf("%d of 8 random orders show the missing barrier", wrong)
	}
	z, err := chain(t, open(t, Options{Shuffle: true}), true)
	if err != nil || z[0] != 2 {
		t.Errorf("with barriers: %g, %v", z[0], err)
	}
}

// TestAtomicsAcrossDispatches are no race, though no barrier orders them.
func TestAtomicsAcrossDispatches(t *testing.T) {
	d := open(t, Options{Mode: Check})
	p := build(t, d, "chain.metal", chainSource, "count")
	n := vec(t, d, []uint32{0})
	c, err := d.Commands()
	if err != nil {
		t.Fatal(err)
	}
	c.Pipeline(p)
	c.Buffers(0, plain(n), []int{0})
	for range 3 {
		c.Dispatch(gpu.Size{X: 2, Y: 1, Z: 1}, gpu.Size{X: 32, Y: 1, Z: 1})
	}
	w, err := c.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Wait(); err != nil || n.data[0] != 192 {
		t.Errorf("counted %d, want 192: %v", n.data[0], err)
	}
}

// TestExtent keeps a kernel inside its part of a larger buffer.
func TestExtent(t *testing.T) {
	d := open(t, Options{Mode: Check})
	p := build(t, d, "chain.metal", chainSource, "increment")
	arena := vec(t, d, make([]float32, 256))
	run := func(extent int) error {
		c, err := d.Commands()
		if err != nil {
			t.Fatal(err)
		}
		c.Pipeline(p)
		c.Buffers(0, plain(arena, arena), []int{0, 512})
		c.(*commands).Extent(0, extent)
		c.(*commands).Extent(1, 256)
		c.Dispatch(gpu.Size{X: 2, Y: 1, Z: 1}, gpu.Size{X: 32, Y: 1, Z: 1})
		w, err := c.Commit()
		if err != nil {
			return err
		}
		_, err = w.Wait()
		return err
	}
	if err := run(256); err != nil {
		t.Error(err)
	}
	if err := run(252); err == nil || !strings.Contains(err.Error(), "out of bounds read of 4 bytes, thread 31 of threadgroup 1") {
		t.Errorf("one element less: %v", err)
	}
}

func TestCounters(t *testing.T) {
	for _, o := range []Options{{}, {Mode: Check}} {
		var got []Dispatched
		o.Observe = func(k Dispatched) { got = append(got, k) }
		d := open(t, o)
		p := build(t, d, "chain.metal", chainSource, "square")
		n := uint32(3)
		x := vec(t, d, random(64, 1))
		if err := launch(d, p, gpu.Size{X: 1, Y: 1, Z: 1}, gpu.Size{X: 32, Y: 1, Z: 1}, raw(&n), x,
			vec(t, d, make([]float32, 64))); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].Kernel != "square" {
			t.Fatalf("observed %v", got)
		}
		c := got[0].Counters
		if c.Matrix != 3 || c.DeviceLoadBytes != 256 || c.DeviceStoreBytes != 256 ||
			c.ThreadgroupLoadBytes != 256 || c.ThreadgroupStoreBytes != 256 || c.Barriers != 32 {
			t.Errorf("mode %v: %+v", o.Mode, c)
		}
	}
}
