package gpu_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

// The fused kernels equal norm then rope, and rope back then the norm's gradient, which have tests of
// their own.
func TestNormRopeKernels(t *testing.T) {
	const B, T = 2, 5
	const eps, scale = 1e-5, 0.8
	type result struct{ y, r, m, back, dx []float32 }
	cases := [][2]int{{1, 2}, {3, 8}, {2, 64}, {5, 30}, {2, 96}, {1, 256}}
	at := func(i int) (heads, D int, between, ln, gain bool, x, g, bias, dy []float32) {
		heads, D = cases[i][0], cases[i][1]
		n := B * T * heads * D
		return heads, D, i%2 == 1, i%3 != 0, i%4 != 2, normal(1, n), normal(2, D), normal(3, D), normal(4, n)
	}
	offset := []int32{900}
	eachMode(t, "rope", func(b *bench) {
		nb := b.relative("norm")
		for i := range cases {
			heads, D, between, ln, gain, x, g, bias, dy := at(i)
			rows, n := B*T*heads, len(x)
			name := fmt.Sprint(cases[i], " ln ", ln, " gain ", gain, " ")
			turns := shaders.RopeTurns(10000, D)
			w := result{blank(n), blank(rows), blank(rows), blank(n), blank(n)}
			z := blank(n)
			na := shaders.NormArgs{Rows: uint32(rows), Width: uint32(D), Eps: eps, Scale: scale}
			nc := []any{ln, gain, ln && gain, false, D%4 == 0, false}
			ra := shaders.RopeArgs{Rows: B * T, T: T, Heads: uint32(heads), HeadDim: uint32(D)}
			nb.run("norm_rows", shaders.NormGrid(rows, D), na, nc, x, g, bias, z, w.r, w.m)
			rc := func(inverse bool) []any { return []any{between, inverse, true, nil, nil, nil, nil, false, false} }
			b.run("rope", shaders.RopeGrid(B*T, heads, D, 0), ra, rc(false), z, offset, turns, w.y)
			b.run("rope", shaders.RopeGrid(B*T, heads, D, 0), ra, rc(true), dy, offset, turns, w.back)
			nb.run("norm_grad_rows", shaders.NormGrid(rows, D), na, nc, w.back, x, g, w.r, w.m, nil, w.dx)

			got := result{blank(n), blank(rows), blank(rows), blank(n), blank(n)}
			args := shaders.NormRopeArgs{Rows: B * T, T: T, Heads: uint32(heads), HeadDim: uint32(D),
				Eps: eps, Scale: scale}
			cs := []any{between, nil, true, ln, gain, ln && gain, true, nil, false}
			b.run("norm_rope", shaders.NormRopeGrid(B*T, heads), args, cs, x, g, bias, offset, turns, got.y, got.r, got.m)
			b.run("norm_rope_grad", shaders.NormRopeGrid(B*T, heads), args, cs, dy, x, g, got.r, got.m, offset,
				turns, got.dx, got.back)
			over, dx := slices.Clone(dy), blank(n)
			cs[shaders.RopeInPlace] = true
			b.run("norm_rope_grad", shaders.NormRopeGrid(B*T, heads), args, cs, nil, x, g, got.r, got.m, offset,
				turns, dx, over)
			b.same(name+"dx in place", dx, got.dx)
			b.same(name+"dy turned back in place", over, got.back)
			b.near(name+"y", got.y, wide(w.y), 1e-5, 0)
			b.near(name+"r", got.r, wide(w.r), 1e-6, 1e-5)
			if ln {
				b.near(name+"mean", got.m, wide(w.m), 1e-6, 0)
			}
			b.near(name+"dy turned back", got.back, wide(w.back), 1e-6, 0)
			b.near(name+"dx", got.dx, wide(w.dx), 1e-5, 2e-5)
		}
	})
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
