package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func softmax64(x []float32) (p []float64, lse float64) {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, float64(v))
	}
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	for _, v := range x {
		p = append(p, math.Exp(float64(v)-top)/sum)
	}
	return p, top + math.Log(sum)
}

func TestCrossEntropy(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		for _, size := range []float32{0, 1, 1e4} {
			z := random(r, 3*n)
			for i := range z {
				z[i] = z[i]*size + size
			}
			targets := []int32{int32(n - 1), -1, 0}
			keep := append([]float32(nil), z...)
			loss := make([]float64, 3)
			s.CrossEntropy(loss, z, targets, 3, n, 0.25, true)
			for i, target := range targets {
				want := make([]float64, n)
				wantLoss := 0.0
				if target >= 0 {
					p, lse := softmax64(keep[i*n : i*n+n])
					wantLoss = lse - float64(keep[i*n+int(target)])
					for j := range want {
						want[j] = 0.25 * p[j]
					}
					want[target] -= 0.25
				}
				if !(math.Abs(loss[i]-wantLoss) <= 1e-6*(1+wantLoss)) {
					t.Fatalf("size %v: loss %v, want %v", size, loss[i], wantLoss)
				}
				near(t, fmt.Sprint("gradient, size ", size), z[i*n:i*n+n], want, 1e-7, 1e-6)
			}
			again := make([]float64, 3)
			s.CrossEntropy(again, keep, targets, 3, n, 0.25, false)
			for i := range loss {
				if again[i] != loss[i] {
					t.Fatalf("the loss is %v with gradient and %v without", loss[i], again[i])
				}
			}
		}
		z := random(r, n)
		z[n/2] = float32(math.NaN())
		loss := make([]float64, 1)
		s.CrossEntropy(loss, z, []int32{0}, 1, n, 1, true)
		if loss[0] == loss[0] || z[0] == z[0] {
			t.Fatal("a NaN in the logits is lost")
		}
	})
}

// TestSoftmaxTiles runs a causal row block over tiles of keys and compares with the softmax at once.
func TestSoftmaxTiles(t *testing.T) {
	each(t, func(t *testing.T, s *Set, keys int, r *rand.Rand) {
		const rows, dv, scale = 4, 3, 0.5
		tile := (keys + 2) / 3
		past := keys - rows // the last row sees all keys
		scores, vals, dp := random(r, rows*keys), random(r, keys*dv), random(r, rows*keys)
		for i := range scores {
			scores[i] *= 5
		}
		m, l, lse := make([]float32, rows), make([]float32, rows), make([]float32, rows)
		o, top := make([]float32, rows*dv), []float32{float32(math.Inf(-1))}
		for k0 := 0; k0 < keys; k0 += tile {
			cols := min(tile, keys-k0)
			part := cut(scores, rows, keys, k0, cols)
			s.SoftmaxTile(part, m, l, top, o, rows, cols, cols, dv, dv, past-k0, scale, k0 == 0)
			for i := range rows {
				for j := range dv {
					if k0 == 0 {
						o[i*dv+j] = 0
					}
					for k := range cols {
						o[i*dv+j] += part[i*cols+k] * vals[(k0+k)*dv+j]
					}
				}
			}
		}
		s.SoftmaxEnd(o, lse, m, l, rows, dv, dv)
		best := math.Inf(-1)
		for i := range rows {
			seen := max(past+i+1, 0)
			if seen == 0 {
				continue // such rows do not occur: a query sees its own key
			}
			scaled := make([]float32, seen)
			for k := range scaled {
				scaled[k] = scale * scores[i*keys+k]
				best = max(best, float64(scaled[k]))
			}
			p, wantLSE := softmax64(scaled)
			want := make([]float64, dv)
			for k, pk := range p {
				for j := range want {
					want[j] += pk * float64(vals[k*dv+j])
				}
			}
			near(t, "o", o[i*dv:i*dv+dv], want, 3e-6, 1e-5)
			near(t, "lse", lse[i:i+1], []float64{wantLSE}, 1e-6, 1e-6)
			tileGrad(t, s, scores[i*keys:][:keys], dp[i*keys:][:keys], p, float32(wantLSE), scale)
		}
		near(t, "top", top, []float64{best}, 0, 1e-6)
	})
}

func cut(x []float32, rows, ld, c0, cols int) []float32 {
	y := make([]float32, 0, rows*cols)
	for i := range rows {
		y = append(y, x[i*ld+c0:][:cols]...)
	}
	return y
}

// tileGrad checks one row of SoftmaxTileGrad that sees len(p) keys.
func tileGrad(t *testing.T, s *Set, scores, dp []float32, p []float64, lse, scale float32) {
	t.Helper()
	n := len(scores)
	got, ds := append([]float32(nil), scores...), append([]float32(nil), dp...)
	s.SoftmaxTileGrad(got, ds, []float32{lse}, []float32{0.3}, 1, n, n, len(p)-1, scale)
	wantP, wantS := make([]float64, n), make([]float64, n)
	for k := range p {
		wantP[k] = p[k]
		wantS[k] = p[k] * (float64(dp[k]) - 0.3) * float64(scale)
	}
	near(t, "p", got, wantP, 1e-7, 4e-6)
	near(t, "dS", ds, wantS, 1e-6, 1e-5)
}

func TestRowsAndColumns(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		const rows = 70
		ld := n + 2
		a, b := random(r, rows*ld), random(r, rows*ld)
		dots, sums, size := make([]float64, rows), make([]float64, n), make([]float64, rows)
		for i := range rows {
			for j := range n {
				x := float64(a[i*ld+j]) * float64(b[i*ld+j])
				dots[i] += x
				size[i] += math.Abs(x)
				sums[j] += float64(a[i*ld+j])
			}
		}
		d := make([]float32, rows)
		s.RowDot(d, a, b, rows, n, ld)
		for i := range d {
			near(t, "dot", d[i:i+1], dots[i:i+1], 1e-6*size[i], 0)
		}
		c := make([]float32, n)
		c[0] = 7
		sums[0] += 7
		s.ColSum(c, a, rows, n, ld)
		near(t, "column sums", c, sums, 1e-5, 1e-6)

		y := random(r, rows*ld)
		keep := append([]float32(nil), y...)
		s.AddBias(y, b, a, rows, n, ld, ld)
		for i := range y {
			want := float64(keep[i])
			if i%ld < n {
				want = float64(b[i%ld] + a[i])
			}
			near(t, "bias and carry", y[i:i+1], []float64{want}, 0, 0)
		}
		s.AddBias(y, nil, nil, rows, n, ld, 0)
		if y[0] != 0 || y[n-1] != 0 || y[ld] != 0 || y[n] != keep[n] {
			t.Fatal("without bias and carry the rows must become zero")
		}
	})
}

func TestGatherScatter(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		ids := []int32{3, 0, 3, 3, 1}
		table, positions := random(r, 4*n), random(r, 4*n)
		y := make([]float32, len(ids)*n)
		s.Gather(y, table, ids, positions, len(ids), n, 2, 3, 1, 0.5)
		for i, id := range ids {
			for j := range n {
				want := 0.5*float64(table[int(id)*n+j]) + float64(positions[((2+i)%3+1)*n+j])
				near(t, "gather", y[i*n+j:][:1], []float64{want}, 1e-6, 1e-6)
			}
		}
		got, want := append([]float32(nil), table...), wide(table)
		c0, c1 := n/3, n-n/4
		s.Scatter(got, ids, y, len(ids), n, c0, c1, 2)
		for i, id := range ids {
			for j := c0; j < c1; j++ {
				want[int(id)*n+j] += 2 * float64(y[i*n+j])
			}
		}
		near(t, "scatter", got, want, 2e-6, 1e-6)
	})
}

func TestAdamW(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		p, g, m, v := random(r, n), random(r, n), random(r, n), random(r, n)
		for i := range v {
			v[i] *= v[i]
		}
		wp, wm, wv := wide(p), wide(m), wide(v)
		const clip, b1, b2, decay, step, root2, eps = 0.5, 0.9, 0.999, 1e-5, 1e-3, 1.25, 1e-8
		for i := range wp {
			gc := clip * float64(g[i])
			wm[i] = b1*wm[i] + (1-b1)*gc
			wv[i] = b2*wv[i] + (1-b2)*gc*gc
			wp[i] -= decay*wp[i] + step*wm[i]/(math.Sqrt(wv[i])*root2+eps)
		}
		s.AdamW(p, g, m, v, n, clip, b1, 1-b1, b2, 1-b2, decay, step, root2, eps)
		near(t, "m", m, wm, 1e-7, 1e-6)
		near(t, "v", v, wv, 1e-9, 1e-6)
		near(t, "p", p, wp, 2e-7, 1e-6)
	})
}
