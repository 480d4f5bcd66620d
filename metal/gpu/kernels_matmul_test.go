package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

// product is op(a) op(b) in float64, with the sums of absolute products for the limit.
func product(a, b []float32, m, n, k int, ta, tb bool) (c, mag []float64) {
	c, mag = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for l := range k {
				x, y := i*k+l, l*n+j
				if ta {
					x = l*m + i
				}
				if tb {
					y = j*k + l
				}
				v := float64(a[x]) * float64(b[y])
				c[i*n+j] += v
				mag[i*n+j] += math.Abs(v)
			}
		}
	}
	return c, mag
}

func matMulArgs(m, n, k int, ta, tb bool) shaders.MatMulArgs {
	a := shaders.MatMulArgs{M: uint32(m), N: uint32(n), K: uint32(k), LdA: uint32(k), LdB: uint32(n),
		LdC: uint32(n), Alpha: 1}
	if ta {
		a.LdA = a.M
	}
	if tb {
		a.LdB = a.K
	}
	return a
}

func matMulConsts(a shaders.MatMulArgs, t shaders.Tile, ta, tb, bias, carry bool) []any {
	va, vb, mn, k := a.Flags(t, ta, tb)
	return []any{ta, tb, bias, carry, va, vb, mn, k, false}
}

func TestMatMulKernels(t *testing.T) {
	shapes := [][3]int{{64, 64, 32}, {1, 1, 1}, {7, 65, 31}, {65, 7, 33}, {33, 31, 65}, {97, 63, 8},
		{128, 64, 16}, {31, 97, 63}, {260, 12, 20}, {8, 32, 4}, {9, 12, 2048}, {17, 35, 2069}}
	eachMode(t, "matmul", func(b *bench) {
		for i, s := range shapes {
			m, n, k := s[0], s[1], s[2]
			for _, layout := range []struct {
				name   string
				ta, tb bool
			}{{"NT", false, true}, {"NN", false, false}, {"TN", true, false}} {
				name := fmt.Sprintf("%s %v", layout.name, s)
				x, y := normal(1, m*k), normal(2, n*k)
				bias, carry := normal(3, n), normal(4, m*n)
				want, mag := product(x, y, m, n, k, layout.ta, layout.tb)
				var first []float32
				for _, tile := range []shaders.Tile{shaders.Staged, shaders.Direct} {
					out := blank(m * n)
					args := matMulArgs(m, n, k, layout.ta, layout.tb)
					g := args.Lay(tile, 1, 1)
					with := i%2 == 0
					b.run(tile.Kernel(), g, args,
						matMulConsts(args, tile, layout.ta, layout.tb, with, with), x, y, bias, carry, out)
					for e, got := range out {
						w, limit := want[e], 1e-6*mag[e]
						if with {
							w += float64(bias[e%n]) + float64(carry[e])
							limit += 1e-6 * (math.Abs(float64(bias[e%n])) + math.Abs(float64(carry[e])))
						}
						if d := math.Abs(float64(got) - w); !(d <= limit+1e-12) {
							b.t.Fatalf("%s %s: element %d is %g, want %g", tile.Kernel(), name, e, got, w)
						}
					}
					if first == nil {
						first = out
					}
					b.same(tile.Kernel()+" "+name, out, first)
				}
			}
		}
	})
}

// A long K is cut into parts that fold adds in order.
func TestMatMulSplit(t *testing.T) {
	m, n, k := 20, 33, 300
	x, y := normal(1, m*k), normal(2, n*k)
	want, mag := product(x, y, m, n, k, true, false)
	var parts [2][]float32
	splits := shaders.MatMulSplits(m, n, k)
	if splits < 2 {
		t.Fatalf("%d parts", splits)
	}
	eachMode(t, "matmul", func(b *bench) {
		for tile := range shaders.Direct + 1 {
			parts[tile] = blank(splits * m * n)
			args := matMulArgs(m, n, k, true, false)
			g := args.Lay(tile, 1, splits)
			b.run(tile.Kernel(), g, args, matMulConsts(args, tile, true, false, false, false), x, y,
				nil, nil, parts[tile])
		}
		b.same("parts", parts[1], parts[0])
	})
	eachMode(t, "memory", func(b *bench) {
		dw := normal(5, m*n)
		sum := append([]float32(nil), dw...)
		b.run("fold", shaders.FoldGrid(m*n), shaders.FoldArgs{Count: uint32(m * n),
			Parts: uint32(splits), Stride: uint32(m * n)}, []any{true}, parts[0], sum)
		for e, got := range sum {
			if d := math.Abs(float64(got) - want[e] - float64(dw[e])); !(d <= 1e-6*mag[e]) {
				b.t.Fatalf("element %d is %g, want %g", e, got, want[e]+float64(dw[e]))
			}
		}
	})
}

// Two sequences of three heads that share one B, heads side by side in a row.
func TestMatMulBatched(t *testing.T) {
	const B, T, H, D = 2, 37, 3, 12
	x, y := normal(1, B*T*H*D), normal(2, B*T*D)
	eachMode(t, "matmul", func(b *bench) {
		for tile := range shaders.Direct + 1 {
			out := blank(B * H * T * T)
			args := shaders.MatMulArgs{M: T, N: T, K: D, LdA: H * D, LdB: D, LdC: T, Inner: H, GroupB: 3,
				OuterA: T * H * D, InnerA: D, OuterB: T * D, InnerB: D, OuterC: H * T * T, InnerC: T * T,
				Alpha: 0.5}
			g := args.Lay(tile, B*H, 1)
			b.run(tile.Kernel(), g, args, matMulConsts(args, tile, false, true, false, false), x, y,
				nil, nil, out)
			want := make([]float64, len(out))
			for i := range B {
				for h := range H {
					for r := range T {
						for c := range T {
							for d := range D {
								want[((i*H+h)*T+r)*T+c] += 0.5 * float64(x[(i*T+r)*H*D+h*D+d]) *
									float64(y[(i*T+c)*D+d])
							}
						}
					}
				}
			}
			b.near("batched", out, want, 1e-5, 0)
		}
	})
}

func TestMemoryKernels(t *testing.T) {
	eachMode(t, "memory", func(b *bench) {
		for _, n := range []int{1, 3, 4, 31, 1023, 1025} {
			x, y := normal(1, n), blank(n)
			b.run("copy_memory", shaders.Elementwise(n), shaders.MemoryArgs{Count: uint32(n)}, nil, x, y)
			b.same("copy", y, x)
			b.run("fill_memory", shaders.Elementwise(n), shaders.MemoryArgs{Count: uint32(n), Value: 2}, nil, y)
			for i := range y {
				if y[i] != 2 {
					b.t.Fatalf("fill %d: element %d is %g", n, i, y[i])
				}
			}
		}
		y := blank(64)
		b.run("calibrate_fma", shaders.Grid{Groups: [3]int{1, 1, 1}, Threads: 64},
			shaders.CalibrateArgs{Rounds: 3, Factor: 0.5, Addend: 1}, nil, y)
		for i := range y {
			want := 0.0
			for _, v := range []float64{float64(i), float64(i) + 0.5} {
				for range 6 {
					v = v*0.5 + 1
				}
				want += 4 * v
			}
			if math.Abs(float64(y[i])-want) > 1e-4 {
				b.t.Fatalf("calibrate_fma: thread %d gives %g, want %g", i, y[i], want)
			}
		}
	})
}
