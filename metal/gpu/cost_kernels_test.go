package gpu_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/shaders"
)

// family compiles one family of shaders on the counting emulator.
func (o *observer) compile(t *testing.T, family string) *bench {
	t.Helper()
	source, err := shaders.Source(family)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := o.driver.Compile(family+".metal", source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lib.Close)
	return &bench{t: t, d: o.driver, lib: lib}
}

// described is a launch as a dispatch.
func described(kernel string, g shaders.Grid, args any, consts []any) *gpu.Dispatch {
	d := &gpu.Dispatch{
		Kernel: kernel, Groups: gpu.Size{X: g.Groups[0], Y: g.Groups[1], Z: g.Groups[2]},
		Threads: gpu.Size{X: g.Threads, Y: 1, Z: 1},
	}
	var err error
	if d.Args, err = binary.Append(nil, binary.LittleEndian, args); err != nil {
		panic(err) // structs of fixed size only
	}
	for i, v := range consts {
		d.Consts = append(d.Consts, gpu.Constant{Index: i, Value: v})
	}
	return d
}

// TestCostOfMoves counts forward attention on logits that are known, and with them how often the
// running maximum of a simdgroup moves.
func TestCostOfMoves(t *testing.T) {
	o := observe(t, 7)
	b := o.compile(t, "attention")
	for _, c := range []struct {
		hd, T  int
		values string
	}{
		{20, 75, "normal"}, {20, 75, "equal"}, {32, 70, "rising"}, {48, 70, "normal"},
		{70, 50, "normal"}, {12, 257, "normal"},
	} {
		const H = 2
		D, T := c.hd, c.T
		a := shaders.AttentionArgs{B: 1, T: uint32(T), H: H, K: 1, D: uint32(D), DV: uint32(D),
			Blocks: uint32(shaders.AttentionBlocks(T)), Scale: 0.3}
		q, k := normal(1, T*H*D), normal(2, T*D)
		for i := range k {
			switch c.values {
			case "equal":
				k[i] = 1
			case "rising":
				k[i] = float32(i / D)
			}
		}
		if c.values == "rising" {
			for i := range q {
				q[i] = 1
			}
		}
		consts := []any{D%4 == 0, false}
		kernel, grid := shaders.AttentionKernel("forward", D, D), shaders.AttentionGrid(1, T, H)
		o.seen = nil
		b.run(kernel, grid, a, consts, q, k, normal(3, T*D), blank(T*H*D), blank(T*H), blank(4*H*int(a.Blocks)))
		d := described(kernel, grid, a, consts)
		known := gpu.Data{Moves: movesOf(q, k, T, H, D)}
		compare(t, fmt.Sprint(kernel, c), gpu.CostWith(d, known), o.seen[0].Counters)
		if expected := gpu.Assume(d).Moves; c.T == 257 && math.Abs(known.Moves/expected-1) > 0.1 {
			t.Errorf("%v: %g moves, expected %.1f", c, known.Moves, expected)
		}
	}
}

// movesOf counts the simdgroups of 8 rows and blocks of keys behind the first in which a row's largest
// logit moves.
func movesOf(q, k []float32, T, H, D int) float64 {
	bk := 32
	if D > 64 {
		bk = 16
	}
	n := 0.0
	for h := range H {
		for row0 := 0; row0 < T; row0 += 8 {
			moved := make([]bool, T)
			for row := row0; row < min(T, row0+8); row++ {
				top := math.Inf(-1)
				for key := range row + 1 {
					s := float32(0)
					for i := range D {
						s += q[(row*H+h)*D+i] * k[key*D+i]
					}
					if float64(s) > top {
						top = float64(s)
						moved[key/bk] = key >= bk || moved[key/bk]
					}
				}
			}
			for _, m := range moved {
				if m {
					n++
				}
			}
		}
	}
	return n
}

// TestCostOfOthers counts kernels in forms that no lowering launches in the table of cases, and the
// threadgroup memory of all that have some.
func TestCostOfOthers(t *testing.T) {
	o := observe(t, 7)
	check := func(b *bench, kernel string, g shaders.Grid, args any, consts []any, operands ...any) {
		t.Helper()
		o.seen = nil
		b.run(kernel, g, args, consts, operands...)
		compare(t, kernel, gpu.CostOf(described(kernel, g, args, consts)), o.seen[0].Counters)
	}
	memory := o.compile(t, "memory")
	for _, n := range []int{1, 1030, 2048} {
		check(memory, "copy_memory", shaders.Elementwise(n), shaders.MemoryArgs{Count: uint32(n)}, []any{false},
			normal(1, n), blank(n))
	}
	check(memory, "calibrate_fma", shaders.Grid{Groups: [3]int{3, 1, 1}, Threads: 256},
		shaders.CalibrateArgs{Rounds: 5, Factor: 0.5, Addend: 1}, []any{false}, blank(3*256))

}

// TestCostOfProducts counts both tiles in every layout, at sizes that fit tiles, float4s and neither,
// with batches two deep whose groups share B, and with more splits than there is depth for.
func TestCostOfProducts(t *testing.T) {
	o := observe(t, 7)
	b := o.compile(t, "matmul")
	for _, tile := range shaders.Tiles() {
		for _, size := range [][3]int{{64, 128, 32}, {72, 68, 20}, {45, 67, 51}, {1, 1, 1}, {5, 8, 2060}} {
			for way := range 12 {
				m, n, k := size[0], size[1], size[2]
				transA, transB, splits := way%4 >= 2, way%2 == 1, 1+way/4*3
				a := shaders.MatMulArgs{M: uint32(m), N: uint32(n), K: uint32(k), LdA: uint32(k), LdB: uint32(n),
					LdC: uint32(n), Alpha: 1}
				if transA {
					a.LdA = a.M
				}
				if transB {
					a.LdB = a.K
				}
				batch, shared := 1, 1
				if splits == 1 {
					batch, shared = 4, 2
					a.Inner, a.GroupB = 4, 2
					a.InnerA, a.InnerB, a.InnerC = a.M*a.K, a.N*a.K, a.M*a.N
				}
				g := a.Lay(tile, batch, splits)
				va, vb, whole, wholeK := a.Flags(tile, transA, transB)
				consts := []any{transA, transB, way%3 == 0, way%3 == 1, va, vb, whole, wholeK, false}
				o.seen = nil
				b.run(tile.Kernel(), g, a, consts, normal(1, batch*m*k), normal(2, batch/shared*n*k), normal(3, n),
					normal(4, batch*m*n), blank(batch*splits*m*n))
				compare(t, fmt.Sprint(tile.Kernel(), size, consts, splits),
					gpu.CostOf(described(tile.Kernel(), g, a, consts)), o.seen[0].Counters)
			}
		}
	}
}

// TestThreadgroupMemory holds the formulas against what the sources declare.
func TestThreadgroupMemory(t *testing.T) {
	o := observe(t, 7)
	for _, k := range []struct {
		family, kernel string
		consts         int
		args           any
		threads        int
	}{
		{"matmul", "matmul_staged", 9, shaders.MatMulArgs{Splits: 1, GroupB: 1}, 128},
		{"matmul", "matmul_direct", 9, shaders.MatMulArgs{Splits: 1, GroupB: 1}, 32},
		{"attention", "attention_forward_32", 2, shaders.AttentionArgs{K: 1}, 128},
		{"attention", "attention_forward_64", 2, shaders.AttentionArgs{K: 1}, 128},
		{"attention", "attention_forward_128", 2, shaders.AttentionArgs{K: 1}, 128},
		{"attention_grad", "attention_dq_32", 1, shaders.AttentionArgs{K: 1}, 128},
		{"attention_grad", "attention_dq_64", 1, shaders.AttentionArgs{K: 1}, 128},
		{"attention_grad", "attention_dq_128", 1, shaders.AttentionArgs{K: 1}, 256},
		{"attention_grad", "attention_dkv_32", 1, shaders.AttentionArgs{K: 1}, 128},
		{"attention_grad", "attention_dkv_64", 1, shaders.AttentionArgs{K: 1}, 128},
		{"attention_grad", "attention_dkv_128", 1, shaders.AttentionArgs{K: 1}, 256},
		{"attention_cached", "attention_cached", 1, shaders.AttentionArgs{K: 1}, 128},
		{"attention_cached", "attention_latent", 1, shaders.AttentionArgs{K: 1}, 128},
		{"gate", "gate_parts", 0, shaders.GateArgs{}, 256},
		{"gate", "gate_total", 0, shaders.GateArgs{}, 256},
		{"norm", "norm_loop", 6, shaders.NormArgs{}, 256},
		{"norm", "norm_grad_loop", 6, shaders.NormArgs{}, 256},
		{"norm", "norm_weights", 5, shaders.NormWeightArgs{}, 256},
		{"memory", "column_sums", 1, shaders.ColumnArgs{}, 256},
		{"lm_loss", "lm_loss_rows", 2, shaders.LossArgs{}, 256},
		{"optimizer", "grad_chunks", 1, shaders.OptimizerArgs{}, 256},
		{"probe", "probe_parts", 1, shaders.ProbeArgs{}, 256},
	} {
		consts := make([]any, k.consts)
		for i := range consts {
			consts[i] = false
		}
		d := described(k.kernel, shaders.Grid{Groups: [3]int{1, 1, 1}, Threads: k.threads}, k.args, consts)
		p, err := o.compile(t, k.family).lib.Pipeline(k.kernel, d.Consts...)
		if err != nil {
			t.Error(err)
			continue
		}
		if c := gpu.CostOf(d); c.Threadgroup != p.Threadgroup() {
			t.Errorf("%s: %d bytes of threadgroup memory, computed %d", k.kernel, p.Threadgroup(), c.Threadgroup)
		}
		p.Close()
	}
}
