package cpu

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/model/graph"
)

// BenchmarkStep is the shape the peer in tools/peer is measured at.
func BenchmarkStep(b *testing.B) {
	m := lm{layers: 6, d: 256, heads: 4, kv: 4, f: 640, v: 4096, b: 8, t: 256}
	j := newJob(b, newCPU(b, Options{}), m)
	ints, floats := m.batch(1), []float32{1, 1e-4, 0.1, 0.1}
	peak := j.dev.(*Device).square(2048)
	step, square := math.Inf(1), math.Inf(1)
	for b.Loop() {
		step = min(step, seconds(func() {
			j.run(b, j.accumulate, ints, nil, j.accMetrics)
			j.run(b, j.update, nil, floats, j.upMetrics)
		}))
		square = min(square, seconds(peak))
	}
	tok := float64(m.b * m.t)
	flops := 6*float64(j.acc.Schema.Count()-int64(m.v*m.d))*tok + 6*float64(m.layers*m.d*m.t)*tok
	b.ReportMetric(step*1e3, "best-ms")
	b.ReportMetric(flops/step/1e9, "GFLOP/s")
	b.ReportMetric(2*2048*2048*2048/square/1e9, "sgemm-GFLOP/s")
	b.ReportMetric(100*flops/step/(2*2048*2048*2048/square), "%sgemm")
	b.ReportMetric(tok/step, "tokens/s")
}

// BenchmarkExperts measures steps of the peer's model and of one with experts that do as much work for
// a token, in turns, so that what else the machine does falls on both.
func BenchmarkExperts(b *testing.B) {
	dense := lm{layers: 6, d: 256, heads: 4, kv: 4, f: 640, v: 4096, b: 8, t: 256}
	sparse := dense
	sparse.f, sparse.experts, sparse.topK = 80, 64, 8
	jobs := []*job{newJob(b, newCPU(b, Options{}), dense), newJob(b, newCPU(b, Options{}), sparse)}
	step, update := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(1), math.Inf(1)}
	ints, floats := dense.batch(1), []float32{1, 1e-4, 0.1, 0.1}
	for b.Loop() {
		for i, j := range jobs {
			acc := seconds(func() { j.run(b, j.accumulate, ints, nil, j.accMetrics) })
			up := seconds(func() { j.run(b, j.update, nil, floats, j.upMetrics) })
			step[i], update[i] = min(step[i], acc+up), min(update[i], up)
		}
	}
	for i, name := range []string{"dense", "experts"} {
		b.ReportMetric(step[i]*1e3, name+"-ms")
		b.ReportMetric(update[i]*1e3, name+"-update-ms")
		b.ReportMetric(float64(jobs[i].acc.Plan.ArenaLen)*4/(1<<20), name+"-arena-MB")
	}
	b.ReportMetric(100*step[0]/step[1], "%dense")
}

// BenchmarkOps runs the steps of BenchmarkExperts op by op and reports the time of each kind.
func BenchmarkOps(b *testing.B) {
	m := lm{layers: 6, d: 256, heads: 4, kv: 4, f: 80, v: 4096, b: 8, t: 256, experts: 64, topK: 8}
	j := newJob(b, newCPU(b, Options{}), m)
	j.run(b, j.accumulate, m.batch(1), nil, nil)
	p := j.accumulate.(*program)
	var ops [][]stage
	for _, op := range p.g.Ops {
		c := &compiler{program: p, st: j.st.(*state), ropes: map[ropeKey]*ropeTable{}}
		lowerings[op.Kind](c, op)
		ops = append(ops, schedule(c.phases))
	}
	best := make([]float64, len(ops))
	for b.Loop() {
		for i, stages := range ops {
			t := seconds(func() {
				for k := range stages {
					p.d.pool.Run(stages[k].parts, &stages[k])
				}
			})
			if best[i] == 0 || t < best[i] {
				best[i] = t
			}
		}
	}
	kinds := map[string]float64{}
	for i, op := range p.g.Ops {
		name := op.Kind.String()
		if a, ok := op.Attr.(graph.ExpertMatMulAttr); ok {
			name += fmt.Sprint("_", a.Layout)
		}
		kinds[name] += best[i]
	}
	for name, t := range kinds {
		b.ReportMetric(t*1e3, name+"-ms")
	}
}

// BenchmarkProduct measures the panels on the shapes of a training step against a square product.
func BenchmarkProduct(b *testing.B) {
	d := newCPU(b, Options{})
	square := d.square(2048)
	for _, p := range []struct {
		l       graph.Layout
		m, n, k int
	}{
		{graph.NT, 2048, 256, 256}, {graph.NN, 2048, 256, 256}, {graph.TN, 256, 256, 2048},
		{graph.NT, 2048, 640, 256}, {graph.NN, 2048, 640, 256}, {graph.TN, 640, 256, 2048},
		{graph.NT, 2048, 256, 640}, {graph.NN, 2048, 256, 640}, {graph.TN, 256, 640, 2048},
		{graph.NT, 512, 4096, 256}, {graph.NN, 512, 256, 4096}, {graph.TN, 4096, 256, 512},
	} {
		b.Run(fmt.Sprint(p), func(b *testing.B) {
			c := &compiler{program: &program{d: d}}
			x := make([]float32, p.m*p.k)
			y := make([]float32, p.n*p.k)
			z := make([]float32, p.m*p.n)
			c.product(p.l, p.m, p.n, p.k, x, y, z).add(c)
			s := schedule(c.phases)
			peak, best := math.Inf(1), math.Inf(1)
			for b.Loop() {
				best = min(best, seconds(func() { d.pool.Run(s[0].parts, &s[0]) }))
			}
			for range 5 {
				peak = min(peak, seconds(square))
			}
			b.ReportMetric(2*float64(p.m*p.n*p.k)/best/1e9, "GFLOP/s")
			b.ReportMetric(100*float64(p.m*p.n*p.k)/best/(2048*2048*2048/peak), "%sgemm")
		})
	}
}

// BenchmarkAttention measures forward and gradient of the peer's attention on one worker.
func BenchmarkAttention(b *testing.B) {
	for _, t := range []int{256, 1024} {
		b.Run(fmt.Sprint(t), func(b *testing.B) {
			c := &compiler{program: &program{d: newCPU(b, Options{Threads: 1})}}
			a := graph.AttentionAttr{B: 1, T: t, H: 4, K: 4, D: 64, DV: 64, Scale: 0.125}
			x := make([]float32, 8*t*256)
			at := func(i int) []float32 { return x[i*t*256:][:t*256] }
			lse := make([]float32, 4*t)
			h := &heads{AttentionAttr: a, lib: c.d.lib, k: c.d.k, scratch: &c.scratch, q: at(0), o: at(3),
				keys: at(1), vals: at(2), ldv: 256, stride: t, lse: lse, past: func() int { return 0 }}
			g := &headsGrad{AttentionAttr: a, lib: c.d.lib, k: c.d.k, scratch: &c.scratch, q: at(0),
				keys: at(1), vals: at(2), o: at(3), lse: lse, do: at(4), dq: at(5), dk: at(6), dv: at(7)}
			c.scratch = [][]float32{make([]float32, t+2*tileQ*tileK+2*tileQ)}
			for i := range x[:3*t*256] {
				x[i] = float32(i%13-6) / 8
			}
			forward, back := math.Inf(1), math.Inf(1)
			for b.Loop() {
				forward = min(forward, seconds(func() {
					for i := range 4 * h.tiles() {
						h.forward(0, i)
					}
				}))
				back = min(back, seconds(func() {
					for i := range 4 {
						g.run(0, i)
					}
				}))
			}
			b.ReportMetric(forward*1e6, "forward-us")
			b.ReportMetric(back*1e6, "gradient-us")
		})
	}
}

func seconds(f func()) float64 {
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}
