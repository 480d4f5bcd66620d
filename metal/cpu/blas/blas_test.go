package blas

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func libraries() []*Library {
	ls := []*Library{Go()}
	if l := Open(); l.Name() != "pure Go" {
		ls = append(ls, l)
	}
	return ls
}

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// pick reads element (i, j) of op(X).
func pick(x []float32, ld int, t bool, i, j int) float64 {
	if t {
		i, j = j, i
	}
	return float64(x[i*ld+j])
}

func TestGemm(t *testing.T) {
	sizes := [][3]int{
		{1, 1, 1}, {1, 7, 1}, {7, 31, 33}, {32, 32, 32}, {33, 1, 65}, {63, 65, 97}, {5, 128, 3},
		{129, 130, 131}, {2, 4, 257}, {64, 64, 0},
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, l := range libraries() {
		for _, s := range sizes {
			for op := range 4 {
				for _, beta := range []float32{0, 1, 0.5} {
					ta, tb := op&1 != 0, op&2 != 0
					name := fmt.Sprint(l.Name(), s, ta, tb, beta)
					gemmCase(t, r, name, l, ta, tb, s[0], s[1], s[2], beta)
				}
			}
		}
	}
}

func gemmCase(t *testing.T, r *rand.Rand, name string, l *Library, ta, tb bool, m, n, k int,
	beta float32) {
	t.Helper()
	lda, ldb, ldc := max(m, k)+3, max(n, k)+1, n+2
	a, b := random(r, (max(m, k)+1)*lda), random(r, (max(n, k)+1)*ldb)
	c := random(r, m*ldc)
	before := append([]float32(nil), c...)
	if beta == 0 {
		for i := range c {
			c[i] = float32(math.NaN()) // must not be read
		}
	}
	l.Gemm(ta, tb, m, n, k, 0.75, a, lda, b, ldb, beta, c, ldc)
	for i := range m {
		for j := range n {
			want, size := 0.0, 0.0
			for p := range k {
				x := pick(a, lda, ta, i, p) * pick(b, ldb, tb, p, j)
				want += x
				size += math.Abs(x)
			}
			want = 0.75*want + float64(beta)*float64(before[i*ldc+j])
			limit := 1e-6*(size+math.Abs(float64(before[i*ldc+j]))) + 1e-7
			if got := float64(c[i*ldc+j]); !(math.Abs(got-want) <= limit) {
				t.Fatalf("%s: element %d %d is %v, want %v", name, i, j, got, want)
			}
		}
	}
	for i := range c {
		if i%ldc >= n && beta != 0 && c[i] != before[i] {
			t.Fatalf("%s: wrote past a row of C", name)
		}
	}
}

func TestGemmSpreadsNaN(t *testing.T) {
	for _, l := range libraries() {
		a, b, c := random(rand.New(rand.NewPCG(3, 4)), 64), make([]float32, 64), make([]float32, 64)
		a[9], b[0] = float32(math.NaN()), float32(math.Inf(1))
		l.Gemm(false, false, 8, 8, 8, 1, a, 8, b, 8, 0, c, 8)
		if c[8] == c[8] || c[15] == c[15] {
			t.Errorf("%s: a NaN in A is lost", l.Name())
		}
	}
}

func TestGemmPanicsOnShortOperand(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an operand that is too short is accepted")
		}
	}()
	short, x := make([]float32, 3), make([]float32, 4)
	Go().Gemm(false, false, 2, 2, 2, 1, short, 2, x, 2, 0, x, 2)
}

func TestGemmAllocatesNothing(t *testing.T) {
	a, b, c := make([]float32, 4096), make([]float32, 4096), make([]float32, 4096)
	for _, l := range libraries() {
		n := testing.AllocsPerRun(20, func() { l.Gemm(false, true, 64, 64, 64, 1, a, 64, b, 64, 0, c, 64) })
		if n != 0 {
			t.Errorf("%s: a product allocates %v times", l.Name(), n)
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, l := range libraries() {
		for _, s := range [][3]int{{64, 64, 64}, {256, 256, 256}, {256, 768, 256}} {
			for op := range 3 {
				b.Run(fmt.Sprint(l.Name(), s, [...]string{"NN", "TN", "NT"}[op]), func(b *testing.B) {
					m, n, k := s[0], s[1], s[2]
					x, y, z := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
					lda, ldb := k, n
					if op == 1 {
						lda = m
					}
					if op == 2 {
						ldb = k
					}
					for b.Loop() {
						l.Gemm(op == 1, op == 2, m, n, k, 1, x, lda, y, ldb, 0, z, n)
					}
					b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
