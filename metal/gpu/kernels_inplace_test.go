package gpu_test

import (
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

// Outputs that the graph lets share memory with an input must come out with the same bits.
func TestKernelsInPlace(t *testing.T) {
	const rows, n = 9, 66
	x, y, z := normal(1, rows*n), normal(2, rows*n), normal(3, rows*n)
	g, r, m := normal(4, n), normal(5, rows), zeros(rows)
	eachMode(t, "norm", func(b *bench) {
		args := shaders.NormArgs{Rows: rows, Width: n, Eps: 1e-5, Scale: 1}
		consts := []any{false, true, false, true, false, false}
		apart, carry := blank(rows*n), slices.Clone(z)
		b.run("norm_grad_rows", shaders.NormGrid(rows, n), args, consts, x, y, g, r, m, z, apart)
		b.run("norm_grad_rows", shaders.NormGrid(rows, n), args, consts, x, y, g, r, m, carry, carry)
		b.same("norm_grad over carry", carry, apart)
	})
	eachMode(t, "add", func(b *bench) {
		args := shaders.AddArgs{Count: rows * n, Alpha: 2, Beta: 3}
		apart, overX, overF := blank(rows*n), slices.Clone(x), slices.Clone(y)
		b.run("add_scaled", shaders.Elementwise(rows*n), args, []any{true}, x, y, apart)
		b.run("add_scaled", shaders.Elementwise(rows*n), args, []any{true}, overX, y, overX)
		b.run("add_scaled", shaders.Elementwise(rows*n), args, []any{true}, x, overF, overF)
		b.same("add over x", overX, apart)
		b.same("add over f", overF, apart)
	})
	eachMode(t, "activation", func(b *bench) {
		args, grid := shaders.ActivationArgs{Count: rows * n}, shaders.Elementwise(rows*n)
		dg, du, gate, up := blank(rows*n), blank(rows*n), slices.Clone(x), slices.Clone(y)
		b.run("swiglu_grad", grid, args, []any{false}, x, y, z, dg, du)
		b.run("swiglu_grad", grid, args, []any{true}, nil, up, z, gate, up)
		b.same("dgate over gate", gate, dg)
		b.same("dup over up", up, du)
		apart, overX, overD := blank(rows*n), slices.Clone(x), slices.Clone(z)
		b.run("gelu_grad", grid, args, nil, x, z, apart)
		b.run("gelu_grad", grid, args, nil, overX, z, overX)
		b.run("gelu_grad", grid, args, nil, x, overD, overD)
		b.same("gelu_grad over x", overX, apart)
		b.same("gelu_grad over dy", overD, apart)
	})
	eachMode(t, "rope", func(b *bench) {
		args := shaders.RopeArgs{Rows: rows, T: rows, Heads: 3, HeadDim: n / 3}
		turns, apart, over := shaders.RopeTurns(10000, n/3), blank(rows*n), slices.Clone(x)
		grid := shaders.RopeGrid(rows, 3, n/3, 0)
		consts := []any{false, false, false, nil, nil, nil, nil, false, false}
		b.run("rope", grid, args, consts, x, nil, turns, apart)
		consts[shaders.RopeInPlace] = true
		b.run("rope", grid, args, consts, nil, nil, turns, over)
		b.same("rope over x", over, apart)
	})
	eachMode(t, "matmul", func(b *bench) {
		for tile := range shaders.Direct + 1 {
			args := matMulArgs(rows, n, n, false, false)
			grid := args.Lay(tile, 1, 1)
			w, bias := normal(6, n*n), normal(7, n)
			consts := matMulConsts(args, tile, false, false, true, true)
			apart, over := blank(rows*n), slices.Clone(z)
			b.run(tile.Kernel(), grid, args, consts, x, w, bias, z, apart)
			consts[shaders.MatMulInPlace] = true
			b.run(tile.Kernel(), grid, args, consts, x, w, bias, nil, over)
			b.same("product over carry", over, apart)
		}
	})
}
