package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

func TestNormKernels(t *testing.T) {
	const scale, eps = 0.7, 1e-5
	shapes := [][2]int{{1, 1}, {7, 31}, {9, 32}, {8, 63}, {17, 65}, {3, 128}, {5, 512}, {2, 513}, {3, 1028},
		{2, 4097}, {33, 8}}
	eachMode(t, "norm", func(b *bench) {
		for i, s := range shapes {
			for _, ln := range []bool{false, true} {
				b.norm(s[0], s[1], ln, i%3 != 2, i%2 == 0, float32(eps), float32(scale))
			}
		}
	})
}

// norm holds one shape's forward, backward and weight partials against float64.
func (b *bench) norm(rows, n int, ln, gain, carry bool, eps, scale float32) {
	b.t.Helper()
	name := fmt.Sprintf("%dx%d ln %t gain %t carry %t ", rows, n, ln, gain, carry)
	x, g, bias, dy, c := normal(1, rows*n), normal(2, n), normal(3, n), normal(4, rows*n), normal(5, rows*n)
	for i := range x {
		if ln {
			x[i] += 10
		}
	}
	bi := ln && gain
	consts := []any{ln, gain, bi, carry, n%4 == 0, false}
	y, r, m, dx := blank(rows*n), blank(rows), blank(rows), blank(rows*n)
	fw, bw := shaders.NormKernels(n)
	args := shaders.NormArgs{Rows: uint32(rows), Width: uint32(n), Eps: eps, Scale: scale}
	b.run(fw, shaders.NormGrid(rows, n), args, consts, x, g, bias, y, r, m)
	b.run(bw, shaders.NormGrid(rows, n), args, consts, dy, x, g, r, m, c, dx)
	blocks, per := shaders.RowBlocks(rows)
	pg, pb := blank(blocks*n), blank(blocks*n)
	b.run("norm_weights", shaders.ColumnGrid(rows, n), shaders.NormWeightArgs{Rows: uint32(rows),
		Width: uint32(n), BlockRows: uint32(per), Scale: scale}, consts, dy, x, r, m, pg, pb)

	wy, wdx, wg, wb := make([]float64, rows*n), make([]float64, rows*n), make([]float64, n), make([]float64, n)
	for row := range rows {
		mean, ss := 0.0, 0.0
		for i := range n {
			mean += float64(x[row*n+i]) / float64(n)
		}
		if !ln {
			mean = 0
		}
		for i := range n {
			d := float64(x[row*n+i]) - mean
			ss += d * d
		}
		rs := 1 / math.Sqrt(ss/float64(n)+float64(eps))
		a, cu := 0.0, 0.0
		u, xh := make([]float64, n), make([]float64, n)
		for i := range n {
			at := row*n + i
			xh[i] = (float64(x[at]) - mean) * rs
			u[i] = float64(scale) * float64(dy[at])
			wg[i] += u[i] * xh[i]
			wb[i] += u[i]
			v := xh[i]
			if gain {
				u[i] *= float64(g[i])
				v *= float64(g[i])
			}
			if bi {
				v += float64(bias[i])
			}
			wy[at] = float64(scale) * v
			a += u[i] * xh[i] / float64(n)
			if ln {
				cu += u[i] / float64(n)
			}
		}
		for i := range n {
			wdx[row*n+i] = rs * (u[i] - cu - xh[i]*a)
			if carry {
				wdx[row*n+i] += float64(c[row*n+i])
			}
		}
	}
	abs := 1e-5
	if n < 8 {
		abs = 1e-2 // a row of one is its own mean: r is 1/sqrt(eps), and rounding shows
	}
	b.near(name+"y", y, wy, abs, 0)
	b.near(name+"dx", dx, wdx, abs, 2e-5)
	fold := func(parts []float32) []float32 {
		s := zeros(n)
		for i := range parts {
			s[i%n] += parts[i]
		}
		return s
	}
	b.near(name+"dgain", fold(pg), wg, abs, 2e-5)
	if bi {
		b.near(name+"dbias", fold(pb), wb, abs, 2e-5)
	}
}

func TestColumnSums(t *testing.T) {
	eachMode(t, "memory", func(b *bench) {
		for _, s := range [][2]int{{1, 1}, {33, 65}, {4100, 3}} {
			rows, n := s[0], s[1]
			x := normal(1, rows*n)
			blocks, per := shaders.RowBlocks(rows)
			parts, sum := blank(blocks*n), zeros(n)
			b.run("column_sums", shaders.ColumnGrid(rows, n),
				shaders.ColumnArgs{Rows: uint32(rows), Width: uint32(n), BlockRows: uint32(per)}, []any{true}, x, parts)
			b.run("fold", shaders.FoldGrid(n), shaders.FoldArgs{Count: uint32(n), Parts: uint32(blocks),
				Stride: uint32(n)}, []any{true}, parts, sum)
			want := make([]float64, n)
			for i := range x {
				want[i%n] += float64(x[i])
			}
			b.near("column sums", sum, want, 1e-5, 2e-6)
		}
	})
}

func TestAddKernel(t *testing.T) {
	eachMode(t, "add", func(b *bench) {
		for i, n := range []int{1, 7, 32, 1023, 1025} {
			x, f, y := normal(1, n), normal(2, n), blank(n)
			args := shaders.AddArgs{Count: uint32(n), Alpha: 1.5, Beta: -0.25}
			b.run("add_scaled", shaders.Elementwise(n), args, []any{i%2 == 0}, x, f, y)
			want := make([]float64, n)
			for e := range want {
				want[e] = 1.5 * float64(x[e])
				if i%2 == 0 {
					want[e] -= 0.25 * float64(f[e])
				}
			}
			b.near("add", y, want, 1e-6, 0)
		}
	})
}

func TestActivationKernels(t *testing.T) {
	eachMode(t, "activation", func(b *bench) {
		for _, n := range []int{1, 7, 33, 1027} {
			g, u, d := normal(1, n), normal(2, n), normal(3, n)
			for i := range g {
				g[i] *= 3
				if i == 5 {
					g[i] = -200
				}
				if i == 6 {
					g[i] = 200
				}
			}
			args := shaders.ActivationArgs{Count: uint32(n)}
			y, dg, du, z, dz := blank(n), blank(n), blank(n), blank(n), blank(n)
			b.run("swiglu", shaders.Elementwise(n), args, nil, g, u, y)
			b.run("swiglu_grad", shaders.Elementwise(n), args, []any{false}, g, u, d, dg, du)
			b.run("gelu", shaders.Elementwise(n), args, nil, g, z)
			b.run("gelu_grad", shaders.Elementwise(n), args, nil, g, d, dz)
			var w [5][]float64
			for i := range g {
				x, up, dy := float64(g[i]), float64(u[i]), float64(d[i])
				s := 1 / (1 + math.Exp(-x))
				cdf, pdf := 0.5*math.Erfc(-x/math.Sqrt2), math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
				for k, v := range []float64{x * s * up, dy * up * s * (1 + x*(1-s)), dy * x * s, x * cdf,
					dy * (cdf + x*pdf)} {
					w[k] = append(w[k], v)
				}
			}
			for k, got := range [][]float32{y, dg, du, z, dz} {
				b.near([]string{"swiglu", "dgate", "dup", "gelu", "gelu grad"}[k], got, w[k], 2e-6, 1e-6)
			}
		}
	})
}

func TestRopeKernel(t *testing.T) {
	const B, T, theta = 2, 5, 10000
	eachMode(t, "rope", func(b *bench) {
		for i, s := range [][2]int{{1, 2}, {3, 8}, {2, 64}, {5, 30}} {
			heads, D := s[0], s[1]
			x, y, back := normal(1, B*T*heads*D), blank(B*T*heads*D), blank(B*T*heads*D)
			offset := []int32{int32(i * 1021)}
			args := shaders.RopeArgs{Rows: B * T, T: T, Heads: uint32(heads), HeadDim: uint32(D)}
			turns, g, between := shaders.RopeTurns(theta, D), shaders.RopeGrid(B*T, heads, D, 0), i%2 == 1
			consts := func(inverse bool) []any { return []any{between, inverse, true, nil, nil, nil, nil, false, false} }
			b.run("rope", g, args, consts(false), x, offset, turns, y)
			b.run("rope", g, args, consts(true), y, offset, turns, back)
			want, orig := make([]float64, len(x)), make([]float64, len(x))
			for e := range x {
				orig[e] = float64(x[e])
				row, d := e/(heads*D), e%D
				k, pair, sign := d%(D/2), e-d+(d+D/2)%D, -1.0
				if between {
					k, pair = d/2, e-d+(d^1)
				}
				if pair < e {
					sign = 1
				}
				a := float64(row%T+int(offset[0])) * math.Pow(theta, -2*float64(k)/float64(D))
				want[e] = float64(x[e])*math.Cos(a) + sign*float64(x[pair])*math.Sin(a)
			}
			b.near("rope", y, want, 2e-6, 0)
			b.near("rope and back", back, orig, 2e-6, 0)
		}
	})
}
