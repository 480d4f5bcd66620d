package gpu_test

import (
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/shaders"
)

func chip(t *testing.T, id string) *gpu.Chip {
	t.Helper()
	c, err := gpu.FindChip(id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestChips checks the table for slips: ids once each, clocks and balances that a GPU can have.
func TestChips(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range gpu.Chips {
		clock := c.TFLOPS * 1e12 / float64(c.Cores) / 256
		if seen[c.ID] || clock < 1.2e9 || clock > 1.85e9 {
			t.Errorf("%s: seen before %t, or a clock of %.2g Hz", c.ID, seen[c.ID], clock)
		}
		if ridge := c.TFLOPS * 1e3 / c.GBs; ridge < 20 || ridge > 55 {
			t.Errorf("%s: %.1f operations a byte", c.ID, ridge)
		}
		if c.Family < 7 || c.Family > 9 || c.MemoryGB[0] > c.MemoryGB[1] {
			t.Errorf("%s: family %d, memory %v", c.ID, c.Family, c.MemoryGB)
		}
		seen[c.ID] = true
	}
	if _, err := gpu.FindChip("m0"); err == nil {
		t.Error("there is a chip m0")
	}
}

// TestEstimate computes the three roofs and what fills a core by hand.
func TestEstimate(t *testing.T) {
	m1 := chip(t, "m1")
	product := func(m, n, k int, tile shaders.Tile) *gpu.Dispatch {
		a := shaders.MatMulArgs{M: uint32(m), N: uint32(n), K: uint32(k), LdA: uint32(k), LdB: uint32(k),
			LdC: uint32(n), Alpha: 1}
		g := a.Lay(tile, 1, 1)
		va, vb, whole, wholeK := a.Flags(tile, false, true)
		return described(tile.Kernel(), g, a, []any{false, true, false, false, va, vb, whole, wholeK, false})
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got/want-1) > 0.02 {
			t.Errorf("%s: %g, want %g", what, got, want)
		}
	}
	// 1,024 tiles are 128 a core; 60 KB would hold 6 threadgroups of 10,240 bytes, 208 KB of registers hold
	// 5 of 72 a lane: 20 simdgroups of the 12 needed.
	d := product(2048, 2048, 2048, shaders.Staged)
	c := gpu.CostOf(d)
	e := m1.Estimate(d, &c)
	near("a large product", e.Seconds, 2*math.Pow(2048, 3)/(2.6e12*0.6))
	if e.Bound != "flops" || e.Simdgroups != 20 || e.Limit != "registers" {
		t.Errorf("a large product: %+v", e)
	}
	// 4 tiles keep 4 of the 8 cores busy with 4 simdgroups of the 12 needed.
	d = product(128, 128, 512, shaders.Staged)
	c = gpu.CostOf(d)
	e = m1.Estimate(d, &c)
	near("a small product", e.FLOPs/e.Seconds, 0.5*4/12)
	if e.Limit != "grid" {
		t.Errorf("a small product: %+v", e)
	}
	// A dispatch that moves 64 MB.
	const n = 16 << 20
	d = described("fill_memory", shaders.Elementwise(n), shaders.MemoryArgs{Count: n}, nil)
	d.Writes = []gpu.Region{{Buffer: 1, From: 0, To: 4 * n}}
	c = gpu.CostOf(d)
	e = m1.Estimate(d, &c)
	near("a fill", e.Seconds, 4*n/(68.25e9*0.78))
	if c.Bytes != 4*n || e.Bound != "memory" {
		t.Errorf("a fill: %g bytes, %+v", c.Bytes, e)
	}
}

// TestUniqueBytes counts overlapping reads once, and what is read and written twice.
func TestUniqueBytes(t *testing.T) {
	d := described("add_scaled", shaders.Elementwise(100), shaders.AddArgs{Count: 100}, []any{true})
	d.Reads = []gpu.Region{
		{Buffer: 2, From: 100, To: 500}, {Buffer: 1, From: 0, To: 400}, {Buffer: 2, From: 0, To: 300},
	}
	d.Writes = []gpu.Region{{Buffer: 1, From: 0, To: 400}}
	if c := gpu.CostOf(d); c.Bytes != 500+400+400 {
		t.Errorf("%g bytes, want 1300", c.Bytes)
	}
}

// TestSchedule: dispatches that may run side by side fill each other's gaps, and those with barriers
// between them do not.
func TestSchedule(t *testing.T) {
	m1 := chip(t, "m1")
	a := shaders.MatMulArgs{M: 128, N: 128, K: 512, LdA: 512, LdB: 512, LdC: 128, Alpha: 1}
	g := a.Lay(shaders.Staged, 1, 1)
	d := described("matmul_staged", g, a, make([]any, 9))
	p := &gpu.Plan{Dispatches: []gpu.Dispatch{*d, *d, *d}, Barriers: []bool{false, false, false}}
	costs := p.Costs()
	sum := func(p *gpu.Plan) float64 {
		_, seconds := m1.Schedule(p, costs)
		t := 0.0
		for _, s := range seconds {
			t += s
		}
		return t - p.Overhead()
	}
	alone := m1.Estimate(d, &costs[0])
	beside := sum(p)
	p.Barriers = []bool{false, true, true}
	after := sum(p)
	if want := max(alone.Seconds, 3*alone.Full()); math.Abs(beside/want-1) > 1e-9 {
		t.Errorf("side by side %g s, want %g", beside, want)
	}
	if want := 3 * alone.Seconds; math.Abs(after/want-1) > 1e-9 {
		t.Errorf("one after the other %g s, want %g", after, want)
	}
}
