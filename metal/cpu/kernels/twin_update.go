package kernels

import "math"

func goSumSquares(sum, bad []float64, x []float32, n int) {
	sum[0], bad[0] = 0, 0
	for _, v := range x[:n] {
		sum[0] += float64(v) * float64(v)
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			bad[0]++
		}
	}
}

func goAdamW(p, g, m, v []float32, n int, clip, b1, c1, b2, c2, decay, step, root2, eps float32) {
	for j := range n {
		gc := clip * g[j]
		m[j] = b1*m[j] + c1*gc
		v[j] = b2*v[j] + c2*gc*gc
		p[j] -= decay*p[j] + step*m[j]/(float32(math.Sqrt(float64(v[j])))*root2+eps)
	}
}
