package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// widths are row lengths around every vector width and unrolling.
var widths = []int{1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 128, 4097}

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func source(n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(n), 11)) }

// each runs a test for every set and row length, with a source of its own.
func each(t *testing.T, f func(t *testing.T, s *Set, n int, r *rand.Rand)) {
	for _, s := range All() {
		for _, n := range widths {
			t.Run(fmt.Sprint(s.Name, "/", n), func(t *testing.T) { f(t, s, n, source(n)) })
		}
	}
}

// near fails unless every element is within atol + rtol*|want|; NaN must meet NaN.
func near(t *testing.T, what string, got []float32, want []float64, atol, rtol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := float64(got[i])
		if g == w || g != g && w != w {
			continue
		}
		if !(math.Abs(g-w) <= atol+rtol*math.Abs(w)) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}

const rowsTested = 5

// normCase is one case of a norm in float64.
type normCase struct {
	ln          bool
	eps, scale  float64
	x, gain     []float32
	bias, dy    []float32
	y, dx       []float64
	dgain, dbia []float64
}

func (c *normCase) compute(n int) {
	c.y, c.dx = make([]float64, len(c.x)), make([]float64, len(c.x))
	c.dgain, c.dbia = make([]float64, n), make([]float64, n)
	for at := 0; at < len(c.x); at += n {
		mean, ss, mu, mux := 0.0, 0.0, 0.0, 0.0
		if c.ln {
			for _, v := range c.x[at : at+n] {
				mean += float64(v) / float64(n)
			}
		}
		for _, v := range c.x[at : at+n] {
			ss += (float64(v) - mean) * (float64(v) - mean)
		}
		r := 1 / math.Sqrt(ss/float64(n)+c.eps)
		for j := range n {
			xh, u := (float64(c.x[at+j])-mean)*r, c.scale*float64(c.dy[at+j])*float64(c.gain[j])
			c.y[at+j] = c.scale * (float64(c.gain[j])*xh + float64(c.bias[j]))
			c.dgain[j] += c.scale * float64(c.dy[at+j]) * xh
			c.dbia[j] += c.scale * float64(c.dy[at+j])
			mux += u * xh / float64(n)
			if c.ln {
				mu += u / float64(n)
			}
		}
		for j := range n {
			xh, u := (float64(c.x[at+j])-mean)*r, c.scale*float64(c.dy[at+j])*float64(c.gain[j])
			c.dx[at+j] = r * (u - mu - xh*mux)
		}
	}
}

func TestNorm(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		for _, shift := range []float32{0, 1000} {
			for _, ln := range []bool{false, true} {
				if shift != 0 && (!ln || n < 7) {
					continue
				}
				c := normCase{ln: ln, eps: 1e-5, scale: 0.75, x: random(r, rowsTested*n), gain: random(r, n),
					bias: random(r, n), dy: random(r, rowsTested*n)}
				for i := range c.x {
					c.x[i] += shift
				}
				c.compute(n)
				name := fmt.Sprintf("ln %v shift %v", ln, shift)
				normForward(t, s, &c, name, n)
				normBackward(t, s, &c, name, n, random(r, rowsTested*n))
			}
		}
	})
}

func normForward(t *testing.T, s *Set, c *normCase, name string, n int) {
	t.Helper()
	y, rs := make([]float32, len(c.x)), make([]float32, rowsTested)
	var means []float32
	if c.ln {
		means = make([]float32, rowsTested)
	}
	s.Norm(y, c.x, c.gain, c.bias, rs, means, rowsTested, n, float32(c.eps), float32(c.scale))
	near(t, name+" y", y, c.y, 1e-5, 1e-6)
}

func normBackward(t *testing.T, s *Set, c *normCase, name string, n int, carry []float32) {
	t.Helper()
	y, dx, rs := make([]float32, len(c.x)), make([]float32, len(c.x)), make([]float32, rowsTested)
	var means []float32
	if c.ln {
		means = make([]float32, rowsTested)
	}
	s.Norm(y, c.x, c.gain, c.bias, rs, means, rowsTested, n, float32(c.eps), float32(c.scale))
	dgain, dbias := random(source(1), n), random(source(2), n) // must be overwritten
	s.NormGrad(dx, c.dy, c.x, c.gain, rs, means, nil, dgain, dbias, rowsTested, n, float32(c.scale))
	largest := 1.0
	for _, v := range c.dx {
		largest = max(largest, math.Abs(v))
	}
	near(t, name+" dx", dx, c.dx, 1e-5*largest, 1e-5)
	near(t, name+" dgain", dgain, c.dgain, 2e-5, 1e-5)
	near(t, name+" dbias", dbias, c.dbia, 1e-5, 1e-6)
	// The carry is added, in place too, and partial sums are optional.
	want := make([]float64, len(dx))
	for i := range want {
		want[i] = float64(dx[i]) + float64(carry[i])
	}
	s.NormGrad(carry, c.dy, c.x, c.gain, rs, means, carry, nil, nil, rowsTested, n, float32(c.scale))
	near(t, name+" carry", carry, want, 1e-6*largest, 1e-6)
}

func TestNormWithoutGain(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		x, dy, ones := random(r, n), random(r, n), make([]float32, n)
		for i := range ones {
			ones[i] = 1
		}
		rs, got, want := make([]float32, 1), make([]float32, n), make([]float32, n)
		s.Norm(got, x, nil, nil, rs, nil, 1, n, 1e-5, 1)
		s.Norm(want, x, ones, nil, rs, nil, 1, n, 1e-5, 1)
		near(t, "y", got, wide(want), 0, 0)
		s.NormGrad(got, dy, x, nil, rs, nil, nil, nil, nil, 1, n, 1)
		s.NormGrad(want, dy, x, ones, rs, nil, nil, nil, nil, 1, n, 1)
		near(t, "dx", got, wide(want), 0, 0)
	})
}

func wide(x []float32) []float64 {
	w := make([]float64, len(x))
	for i, v := range x {
		w[i] = float64(v)
	}
	return w
}

func TestRope(t *testing.T) {
	each(t, func(t *testing.T, s *Set, half int, r *rand.Rand) {
		const rows, heads, period, first, offset = 5, 2, 3, 4, 2
		cs, sn := random(r, (period+offset)*half), random(r, (period+offset)*half)
		for c := range 4 {
			inter, skip := c&1 != 0, c&2*3
			n := 2*half + skip
			x := random(r, rows*heads*n)
			want := wide(x)
			for i := range want {
				row, base, j := i/(heads*n), i/n*n+skip, i%n-skip
				if j < 0 {
					continue
				}
				at := ((first+row)%period + offset) * half
				p, q, k, low := j, j+half, j, j < half
				if inter {
					p, q, k, low = j/2*2, j/2*2+1, j/2, j%2 == 0
				} else if !low {
					p, q, k = j-half, j, j-half
				}
				a, b := float64(x[base+p]), float64(x[base+q])
				co, si := float64(cs[at+k]), -float64(sn[at+k])
				want[i] = b*co + a*si
				if low {
					want[i] = a*co - b*si
				}
			}
			name := fmt.Sprint("interleaved ", inter, " skip ", skip)
			y := make([]float32, len(x))
			s.Rope(y, x, cs, sn, rows, heads, n, skip, first, period, offset, -1, inter)
			near(t, name, y, want, 1e-6, 1e-6)
			s.Rope(x, x, cs, sn, rows, heads, n, skip, first, period, offset, -1, inter)
			near(t, name+" in place", x, want, 1e-6, 1e-6)
		}
	})
}

func TestElementwise(t *testing.T) {
	each(t, func(t *testing.T, s *Set, n int, r *rand.Rand) {
		a, b, c := random(r, n), random(r, n), random(r, n)
		for i := range a {
			a[i] *= 4
		}
		y, z := make([]float32, n), make([]float32, n)
		want := func(f func(a, b, c float64) float64) []float64 {
			w := make([]float64, n)
			for i := range w {
				w[i] = f(float64(a[i]), float64(b[i]), float64(c[i]))
			}
			return w
		}
		sig := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
		s.SwiGLU(y, a, b, n)
		near(t, "swiglu", y, want(func(a, b, _ float64) float64 { return a * sig(a) * b }), 1e-7, 1e-6)
		s.SwiGLUGrad(y, z, a, b, c, n)
		near(t, "dgate", y, want(func(a, b, c float64) float64 {
			return c * b * sig(a) * (1 + a*(1-sig(a)))
		}), 1e-6, 2e-6)
		near(t, "dup", z, want(func(a, _, c float64) float64 { return c * a * sig(a) }), 1e-7, 1e-6)
		s.GELU(y, a, n)
		near(t, "gelu", y, want(func(a, _, _ float64) float64 { return a * normalCDF(a) }), 1e-38, 4e-6)
		s.GELUGrad(y, a, c, n)
		near(t, "gelu'", y, want(func(a, _, c float64) float64 {
			return c * (normalCDF(a) + a*math.Exp(-a*a/2)/math.Sqrt(2*math.Pi))
		}), 5e-7, 2e-6)
		s.ReLU(y, a, n)
		near(t, "relu", y, want(func(a, _, _ float64) float64 { return max(a, 0) }), 0, 0)
		s.ReLUGrad(y, a, c, n)
		near(t, "relu'", y, want(func(a, _, c float64) float64 {
			if a > 0 {
				return c
			}
			return 0
		}), 0, 0)
		s.Add(y, 1.5, a, -0.5, b, n)
		near(t, "add", y, want(func(a, b, _ float64) float64 { return 1.5*a - 0.5*b }), 1e-6, 1e-6)
		s.Add(a, 0.5, a, 3, nil, n)
		near(t, "scale", a, want(func(a, _, _ float64) float64 { return a }), 0, 0)
	})
}

// TestSpecialValues asks that NaN and infinities come out as the formulas say.
func TestSpecialValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, s := range All() {
		x := []float32{nan, inf, -inf, 0, 1, -1, 88, -88, 100, -100, -200, 1e-30, 3, 4, 5, 6, 7, nan}
		one := make([]float32, len(x))
		for i := range one {
			one[i] = 1
		}
		y, z := make([]float32, len(x)), make([]float32, len(x))
		want := make([]float64, len(x))
		s.SwiGLU(y, x, one, len(x))
		for i, v := range x {
			a := float64(v)
			want[i] = a / (1 + math.Exp(-a))
		}
		near(t, s.Name+" silu", y, want, 2e-37, 1e-6)
		s.GELU(y, x, len(x))
		for i, v := range x {
			want[i] = float64(v) * normalCDF(float64(v))
		}
		near(t, s.Name+" gelu", y, want, 2e-37, 2e-6)
		s.ReLU(y, x, len(x))
		for i, v := range x {
			want[i] = max(float64(v), 0)
		}
		near(t, s.Name+" relu", y, want, 0, 0)
		s.Maximum(z, x, len(x))
		if z[0] == z[0] {
			t.Errorf("%s: the maximum loses NaN: %v", s.Name, z[0])
		}
		if s.Maximum(z, x[1:17], 16); z[0] != inf {
			t.Errorf("%s: the maximum is %v", s.Name, z[0])
		}
		sum, bad := make([]float64, 1), make([]float64, 1)
		if s.SumSquares(sum, bad, x, len(x)); bad[0] != 4 {
			t.Errorf("%s: %v elements are not finite, want 4", s.Name, bad[0])
		}
		big := []float32{1e30, 1e30, -1e-30}
		if s.SumSquares(sum, bad, big, 3); math.Abs(sum[0]/2e60-1) > 1e-6 || bad[0] != 0 {
			t.Errorf("%s: sum of squares %v, %v bad", s.Name, sum[0], bad[0])
		}
	}
}
