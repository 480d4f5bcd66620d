package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCRMS(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		const eps, scale = 1e-5, 0.75
		x, dy, carry := random(r, rowsTested*n), random(r, rowsTested*n), random(r, rowsTested*n)
		y, dx, want := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
		for at := 0; at < len(x); at += n {
			var sum, ss, dot float64
			for j := at; j < at+n; j++ {
				sum += float64(x[j])
				ss += float64(x[j]) * float64(x[j])
				dot += scale * float64(dy[j]) * float64(x[j])
			}
			f := 1 / math.Sqrt((ss+sum*sum)/float64(n+1)+eps)
			for j := at; j < at+n; j++ {
				y[j] = scale * float64(x[j]) * f
				dx[j] = f*scale*float64(dy[j]) - f*f*f*dot/float64(n+1)*(float64(x[j])+sum)
				want[j] = dx[j] + float64(carry[j])
			}
		}
		got, rs, sums := make([]float32, len(x)), make([]float32, rowsTested), make([]float32, rowsTested)
		s.CRMS(got, x, rs, sums, rowsTested, n, eps, scale)
		near(t, "y", got, y, 1e-5, 1e-6)
		s.CRMSGrad(got, dy, x, rs, sums, nil, rowsTested, n, scale)
		near(t, "dx", got, dx, 2e-5, 1e-5)
		s.CRMSGrad(carry, dy, x, rs, sums, carry, rowsTested, n, scale)
		near(t, "dx with carry", carry, want, 2e-5, 1e-5)
	})
}

func TestCenter(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		for _, shift := range []float32{0, 1000} {
			x, carry := random(r, rowsTested*n), random(r, rowsTested*n)
			y, want := make([]float64, len(x)), make([]float64, len(x))
			for at := 0; at < len(x); at += n {
				mean := 0.0
				for j := at; j < at+n; j++ {
					x[j] += shift
					mean += float64(x[j]) / float64(n)
				}
				for j := at; j < at+n; j++ {
					y[j] = float64(x[j]) - mean
					want[j] = y[j] + float64(carry[j])
				}
			}
			got := make([]float32, len(x))
			s.Center(got, x, nil, rowsTested, n)
			near(t, fmt.Sprint("shift ", shift), got, y, 1e-6, 1e-6)
			s.Center(carry, x, carry, rowsTested, n)
			near(t, fmt.Sprint("carry, shift ", shift), carry, want, 1e-6, 1e-6)
			s.Center(x, x, nil, rowsTested, n)
			near(t, fmt.Sprint("in place, shift ", shift), x, y, 1e-6, 1e-6)
		}
	})
}

// routed is one row of a router in float64.
type routed struct {
	probs, gates, grad []float64
	lse                float64
	index              []int32
}

func routeRow(x, dgates, extra []float32, k int, z float64, renorm bool) routed {
	o := routed{probs: wide(x), grad: make([]float64, len(x))}
	sum, share, mean := 0.0, 0.0, 0.0
	for _, v := range o.probs {
		sum += math.Exp(v)
	}
	o.lse = math.Log(sum)
	for i, v := range o.probs {
		o.probs[i] = math.Exp(v - o.lse)
		o.index = append(o.index, int32(i))
	}
	slices.SortStableFunc(o.index, func(a, b int32) int {
		if d := x[b] - x[a]; d != 0 {
			return int(math.Copysign(1, float64(d)))
		}
		return 0
	})
	o.index = o.index[:k]
	for _, e := range o.index {
		share += o.probs[e]
	}
	if !renorm {
		share = 1
	}
	dp := wide(extra)
	for j, e := range o.index {
		o.gates = append(o.gates, o.probs[e]/share)
		if renorm {
			mean += float64(dgates[j]) * o.gates[j]
		}
	}
	for j, e := range o.index {
		dp[e] += (float64(dgates[j]) - mean) / share
	}
	dot := 0.0
	for e, p := range o.probs {
		dot += p * dp[e]
	}
	for e, p := range o.probs {
		o.grad[e] = p * (dp[e] - dot + z*o.lse)
	}
	return o
}

func TestRoute(t *testing.T) {
	each(t, func(t *testing.T, s *Set, e int, r *rand.Rand) {
		if e > 256 {
			return
		}
		for _, k := range []int{1, (e + 1) / 2, e} {
			for _, renorm := range []bool{false, true} {
				const z = 0.25
				x, dg, extra := random(r, rowsTested*e), random(r, rowsTested*k), random(r, e)
				for i := range x[:e] {
					x[i] = float32(i % 3) // ties
				}
				x[2*e] = 30 // p almost 1
				probs, grad := make([]float32, len(x)), make([]float32, len(x))
				gates, lse := make([]float32, len(dg)), make([]float32, rowsTested)
				index := make([]int32, len(dg))
				s.Route(probs, gates, lse, index, x, rowsTested, e, k, renorm)
				s.RouteGrad(grad, dg, probs, gates, lse, index, extra, rowsTested, e, k, z, renorm)
				for i := range rowsTested {
					name := fmt.Sprintf("k %d renorm %v row %d ", k, renorm, i)
					want := routeRow(x[i*e:][:e], dg[i*k:][:k], extra, k, z, renorm)
					if got := index[i*k:][:k]; !slices.Equal(got, want.index) {
						t.Fatalf("%s: chosen are %v, want %v", name, got, want.index)
					}
					near(t, name+"p", probs[i*e:][:e], want.probs, 1e-7, 2e-6)
					near(t, name+"gates", gates[i*k:][:k], want.gates, 1e-7, 2e-6)
					near(t, name+"lse", lse[i:i+1], []float64{want.lse}, 1e-6, 1e-6)
					near(t, name+"gradient", grad[i*e:][:e], want.grad, 2e-6, 1e-5)
				}
			}
		}
	})
}

// TestRouteChoosesWithoutOrder asks for distinct choices where numbers cannot be compared.
func TestRouteChoosesWithoutOrder(t *testing.T) {
	nan := float32(math.NaN())
	for _, s := range All() {
		x := []float32{1, nan, 2, 5, 4}
		probs, gates, lse, index := make([]float32, 5), make([]float32, 3), make([]float32, 1), make([]int32, 3)
		s.Route(probs, gates, lse, index, x, 1, 5, 3, true)
		if !slices.Equal(index, []int32{0, 1, 2}) || probs[0] == probs[0] || gates[2] == gates[2] {
			t.Errorf("%s: chosen are %v with p %v and gates %v", s.Name, index, probs, gates)
		}
	}
}

func TestCombine(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		const k = 3
		x, dy := random(r, rowsTested*k*n), random(r, rowsTested*n)
		gates, carry := random(r, rowsTested*k), random(r, rowsTested*n)
		pos := make([]int32, rowsTested*k)
		for i, p := range r.Perm(len(pos)) {
			pos[i] = int32(p)
		}
		sum := func(gates, carry []float32) []float64 {
			y := make([]float64, len(dy))
			for i := range y {
				for c := i / n * k; c < (i/n+1)*k; c++ {
					v := float64(x[int(pos[c])*n+i%n])
					if gates != nil {
						v *= float64(gates[c])
					}
					y[i] += v
				}
				if carry != nil {
					y[i] += float64(carry[i])
				}
			}
			return y
		}
		y := make([]float32, len(dy))
		s.Combine(y, x, gates, pos, nil, rowsTested, n, k)
		near(t, "y", y, sum(gates, nil), 1e-6, 1e-6)
		s.Combine(y, x, nil, pos, carry, rowsTested, n, k)
		near(t, "y without gates", y, sum(nil, carry), 2e-6, 1e-6)
		want := sum(gates, carry)
		s.Combine(carry, x, gates, pos, carry, rowsTested, n, k)
		near(t, "y in place of the carry", carry, want, 1e-6, 1e-6)

		dx, dgates := make([]float32, len(x)), make([]float32, len(gates))
		wantX, wantGates := make([]float64, len(x)), make([]float64, len(gates))
		for c, p := range pos {
			for j := range n {
				d := float64(dy[c/k*n+j])
				wantX[int(p)*n+j] = float64(gates[c]) * d
				wantGates[c] += d * float64(x[int(p)*n+j])
			}
		}
		s.CombineGrad(dx, dgates, dy, x, gates, pos, rowsTested, n, k)
		near(t, "dx", dx, wantX, 0, 1e-6)
		near(t, "dgates", dgates, wantGates, 2e-5, 1e-5)
	})
}
