package cpu

import (
	"math"
	"time"

	"github.com/evenkeel/evenkeel/model/graph"
)

// SgemmGFLOPS is the speed of the device's own roof: the best of tries products of square matrices of
// size n on all workers, in 10^9 floating-point operations a second.
func (d *Device) SgemmGFLOPS(n, tries int) float64 {
	run, best := d.square(n), math.Inf(1)
	for range tries {
		t := time.Now()
		run()
		best = min(best, time.Since(t).Seconds())
	}
	return 2 * float64(n) * float64(n) * float64(n) / best / 1e9
}

// square returns a function that multiplies two square matrices on all workers.
func (d *Device) square(n int) func() {
	matrix := func() []float32 {
		v := make([]float32, n*n)
		for i := range v {
			v[i] = float32(i%17) - 8
		}
		return v
	}
	c := &compiler{program: &program{d: d}}
	c.product(graph.NN, n, n, n, matrix(), matrix(), matrix()).add(c)
	s := schedule(c.phases)
	return func() { d.pool.Run(s[0].parts, &s[0]) }
}
