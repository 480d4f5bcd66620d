package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The kernels of a training step on a tensor of 2,048 rows of 256, or 64 by 256 for tiles.
func BenchmarkKernels(b *testing.B) {
	const rows, n = 2048, 256
	r := rand.New(rand.NewPCG(1, 1))
	t := func() []float32 { return random(r, rows*n) }
	x, y, z, w, u := t(), t(), t(), t(), t()
	rs, ms := make([]float32, rows*n/64), make([]float32, rows)
	gain, dgain := random(r, n), make([]float32, n)
	cs, sn := random(r, 256*32), random(r, 256*32)
	sums := make([]float64, rows)
	targets, places := make([]int32, rows), make([]int32, rows)
	for i := range places {
		places[i] = int32(i * 37 % rows)
	}
	for _, s := range All() {
		for name, f := range map[string]func(){
			"norm":       func() { s.Norm(y, x, gain, nil, rs, nil, rows, n, 1e-5, 1) },
			"norm_head":  func() { s.Norm(y, x, gain, nil, rs, nil, rows*4, n/4, 1e-5, 1) },
			"norm_grad":  func() { s.NormGrad(z, y, x, gain, rs, nil, z, dgain, nil, rows, n, 1) },
			"layernorm":  func() { s.Norm(y, x, gain, gain, rs, ms, rows, n, 1e-5, 1) },
			"rope":       func() { s.Rope(y, x, cs, sn, rows, 4, n/4, 0, 0, 256, 0, 1, false) },
			"swiglu":     func() { s.SwiGLU(y, x, z, rows*n) },
			"swiglu_dx":  func() { s.SwiGLUGrad(y, u, x, z, w, rows*n) },
			"gelu":       func() { s.GELU(y, x, rows*n) },
			"add":        func() { s.Add(y, 1, x, 1, z, rows*n) },
			"col_sum":    func() { s.ColSum(dgain, x, rows, n, n) },
			"loss":       func() { s.CrossEntropy(sums, z, targets, rows/16, n*16, 1, true) },
			"combine":    func() { s.Combine(y, x, rs, places, nil, rows/8, n, 8) },
			"combine_dx": func() { s.CombineGrad(z, ms, y, x, rs, places, rows/8, n, 8) },
			"squares":    func() { s.SumSquares(sums, sums[1:], x, rows*n) },
			"adamw":      func() { s.AdamW(y, x, z, w, rows*n, 1, .9, .1, .9, .1, 1, 1e-9, 1, 1e-8) },
			"softmax":    func() { s.SoftmaxTile(z, rs, rs, nil, nil, rows, n, n, 0, 0, n, .1, true) },
			"softmax_d":  func() { s.SoftmaxTileGrad(z, y, rs, rs, rows, n, n, n, .1) },
		} {
			b.Run(fmt.Sprintf("%s/%s", name, s.Name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/n, "ns/element")
			})
		}
	}
}
