package emulator

import (
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

type matmulArgs struct {
	m, n, k, lda, ldb, ldc uint32
	alpha, beta            float32
}

func matmul(a, b []float32, m, n, k int, ta, tb bool) []float32 {
	c := make([]float32, m*n)
	for i := range m {
		for j := range n {
			s := 0.0
			for l := range k {
				x, y := i*k+l, l*n+j
				if ta {
					x = l*m + i
				}
				if tb {
					y = j*k + l
				}
				s += float64(a[x]) * float64(b[y])
			}
			c[i*n+j] = float32(s)
		}
	}
	return c
}

func TestMatmul(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			d := open(t, mode.o)
			for _, c := range []struct {
				m, n, k int
				ta, tb  bool
			}{{64, 64, 64, false, false}, {70, 50, 33, false, true}, {65, 130, 40, true, false}, {1, 1, 1, true, true}} {
				p := build(t, d, "matmul.metal", source(t, "matmul.metal"), "matmul_f32",
					gpu.Constant{Index: 0, Value: c.ta}, gpu.Constant{Index: 1, Value: c.tb},
					gpu.Constant{Index: 2, Value: false})
				x, y := random(c.m*c.k, 1), random(c.k*c.n, 2)
				a, b, out := vec(t, d, x), vec(t, d, y), vec(t, d, make([]float32, c.m*c.n))
				args := matmulArgs{uint32(c.m), uint32(c.n), uint32(c.k), uint32(c.k), uint32(c.n), uint32(c.n), 1, 0}
				if c.ta {
					args.lda = args.m
				}
				if c.tb {
					args.ldb = args.k
				}
				err := launch(d, p, gpu.Size{X: (c.n + 63) / 64, Y: (c.m + 63) / 64, Z: 1}, gpu.Size{X: 128, Y: 1, Z: 1},
					raw(&args), a, b, out)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "c", out.data, matmul(x, y, c.m, c.n, c.k, c.ta, c.tb), 1e-4)
			}
		})
	}
}

func TestRMSNorm(t *testing.T) {
	const rows, dim = 7, 200
	x, g, dy := random(rows*dim, 1), random(dim, 2), random(rows*dim, 3)
	wantY, wantX, wantG := make([]float32, rows*dim), make([]float32, rows*dim), make([]float32, dim)
	for r := range rows {
		ss, s := 0.0, 0.0
		for i := range dim {
			v := float64(x[r*dim+i])
			ss += v * v
			s += float64(g[i]) * float64(dy[r*dim+i]) * v
		}
		rs := 1 / math.Sqrt(ss/dim+1e-5)
		for i := range dim {
			o := r*dim + i
			wantY[o] = float32(float64(x[o]) * rs * float64(g[i]))
			wantX[o] = float32(rs*float64(g[i])*float64(dy[o]) - float64(x[o])*s*rs*rs*rs/dim)
			wantG[i] += float32(float64(dy[o]) * float64(x[o]) * rs)
		}
	}
	args := struct {
		rows, dim uint32
		eps       float32
	}{rows, dim, 1e-5}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			d := open(t, mode.o)
			text := source(t, "rmsnorm.metal")
			bx, bg, bdy := vec(t, d, x), vec(t, d, g), vec(t, d, dy)
			zero := make([]float32, rows*dim)
			y, rstd, dx, dg := vec(t, d, zero), vec(t, d, zero[:rows]), vec(t, d, zero), vec(t, d, zero[:dim])
			forward := build(t, d, "rmsnorm.metal", text, "rmsnorm_fwd")
			backward := build(t, d, "rmsnorm.metal", text, "rmsnorm_bwd")
			grid, threads := gpu.Size{X: rows, Y: 1, Z: 1}, gpu.Size{X: 128, Y: 1, Z: 1}
			c, err := d.Commands()
			if err != nil {
				t.Fatal(err)
			}
			c.Pipeline(forward)
			c.Buffers(0, plain(bx, bg, y, rstd), make([]int, 4))
			c.Bytes(4, raw(&args))
			c.Dispatch(grid, threads)
			c.Barrier()
			c.Pipeline(backward)
			c.Buffers(0, plain(bx, bg, bdy, rstd, dx, dg), make([]int, 6))
			c.Bytes(6, raw(&args))
			c.Dispatch(grid, threads)
			w, err := c.Commit()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Wait(); err != nil {
				t.Fatal(err)
			}
			near(t, "y", y.data, wantY, 1e-5)
			near(t, "dx", dx.data, wantX, 1e-5)
			near(t, "dg", dg.data, wantG, 1e-5)
		})
	}
}

func TestAttention(t *testing.T) {
	const seq, heads, hd = 70, 2, 32
	const n = seq * heads * hd
	q, k, v, want := random(n, 1), random(n, 2), random(n, 3), make([]float32, n)
	args := struct {
		seq, heads, hd uint32
		scale          float32
	}{seq, heads, hd, float32(1 / math.Sqrt(hd))}
	for i := range heads * seq {
		h, w, sum := i/seq*seq, make([]float64, i%seq+1), 0.0
		for j := range w {
			s := 0.0
			for e := range hd {
				s += float64(q[i*hd+e]) * float64(k[(h+j)*hd+e])
			}
			w[j] = math.Exp(s * float64(args.scale))
			sum += w[j]
		}
		for e := range hd {
			s := 0.0
			for j := range w {
				s += w[j] / sum * float64(v[(h+j)*hd+e])
			}
			want[i*hd+e] = float32(s)
		}
	}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			d := open(t, mode.o)
			p := build(t, d, "attention.metal", source(t, "attention.metal"), "attention_fwd")
			o, lse := vec(t, d, make([]float32, n)), vec(t, d, make([]float32, seq*heads))
			err := launch(d, p, gpu.Size{X: (seq + 31) / 32, Y: heads, Z: 1}, gpu.Size{X: 128, Y: 1, Z: 1},
				raw(&args), vec(t, d, q), vec(t, d, k), vec(t, d, v), o, lse)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "o", o.data, want, 1e-5)
		})
	}
}

func TestRouter(t *testing.T) {
	const tokens, experts, topk = 37, 40, 4
	logits := random(tokens*experts, 1)
	args := struct{ tokens, experts, topk uint32 }{tokens, experts, topk}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			d := open(t, mode.o)
			p := build(t, d, "router.metal", source(t, "router.metal"), "router_topk")
			none := make([]uint32, tokens*topk)
			index, slot, count := vec(t, d, none), vec(t, d, none), vec(t, d, none[:experts])
			err := launch(d, p, gpu.Size{X: (tokens + 3) / 4, Y: 1, Z: 1}, gpu.Size{X: 128, Y: 1, Z: 1}, raw(&args),
				vec(t, d, logits), vec(t, d, make([]float32, tokens*experts)), index,
				vec(t, d, make([]float32, tokens*topk)), count, slot)
			if err != nil {
				t.Fatal(err)
			}
			total := uint32(0)
			for _, c := range count.data {
				total += c
			}
			if total != tokens*topk {
				t.Fatalf("%d slots given out, want %d", total, tokens*topk)
			}
			for i := range tokens {
				row, used := logits[i*experts:(i+1)*experts], map[int]bool{}
				for k := range topk {
					best := -1
					for e := range experts {
						if !used[e] && (best < 0 || row[e] > row[best]) {
							best = e
						}
					}
					used[best] = true
					if got := index.data[i*topk+k]; got != uint32(best) {
						t.Fatalf("token %d choice %d: expert %d, want %d", i, k, got, best)
					}
				}
			}
		})
	}
}
