package cpu

import (
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"
)

func cpuNow() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func TestTmpRatio(t *testing.T) {
	dense := lm{layers: 6, d: 256, heads: 4, kv: 4, f: 640, v: 4096, b: 8, t: 256}
	sparse := dense
	sparse.f, sparse.experts, sparse.topK = 80, 64, 8
	jobs := []*job{newJob(t, newCPU(t, Options{Threads: 1}), dense), newJob(t, newCPU(t, Options{Threads: 1}), sparse)}
	ints, floats := dense.batch(1), []float32{1, 1e-4, 0.1, 0.1}
	var acc, up [2]float64
	for i := range acc {
		acc[i], up[i] = math.Inf(1), math.Inf(1)
	}
	for range 8 {
		for i, j := range jobs {
			a := cpuNow()
			j.run(t, j.accumulate, ints, nil, j.accMetrics)
			b := cpuNow()
			j.run(t, j.update, nil, floats, j.upMetrics)
			c := cpuNow()
			acc[i], up[i] = min(acc[i], b-a), min(up[i], c-b)
		}
	}
	fmt.Printf("dense %.0f+%.0f experts %.0f+%.0f ratio %.1f%%\n", acc[0]*1e3, up[0]*1e3, acc[1]*1e3, up[1]*1e3, 100*(acc[0]+up[0])/(acc[1]+up[1]))
}
