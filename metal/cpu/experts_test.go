package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/model/graph"
)

// TestExpertPanels multiplies matrices so large that they are cut in both directions, with an expert
// that has no rows, one with nearly all and one with few.
func TestExpertPanels(t *testing.T) {
	const rows, n, k, experts3 = 700, 300, 270, 3
	offsets := []int32{0, 0, 690, rows}
	r := rand.New(rand.NewPCG(5, 5))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	for _, l := range []graph.Layout{graph.NT, graph.NN, graph.TN} {
		for _, carried := range []bool{false, true} {
			d := newCPU(t, Options{Threads: 2})
			c := &compiler{program: &program{d: d}}
			at := graph.ExpertMatMulAttr{Layout: l, E: experts3, Rows: rows, N: n, K: k}
			x := &experts{ExpertMatMulAttr: at, lib: d.lib, k: d.k, offsets: offsets}
			x.a, x.b, x.c = random(rows*k), random(experts3*n*k), random(rows*n)
			if l == graph.TN {
				x.a, x.b, x.c = random(rows*n), random(rows*k), random(experts3*n*k)
			}
			want := make([]float32, len(x.c))
			if carried && l != graph.TN {
				x.carry = random(rows * n)
				copy(want, x.carry)
			} else if l == graph.TN {
				copy(want, x.c)
			}
			for e := range experts3 {
				r0, m := int(offsets[e]), int(offsets[e+1]-offsets[e])
				if l == graph.TN {
					d.lib.Gemm(true, false, n, k, m, 1, x.a[r0*n:], n, x.b[r0*k:], k, 1, want[e*n*k:], k)
					continue
				}
				ld := n
				if l == graph.NT {
					ld = k
				}
				d.lib.Gemm(false, l == graph.NT, m, n, k, 1, x.a[r0*k:], k, x.b[e*n*k:], ld, 1, want[r0*n:], n)
			}
			x.add(c)
			s := schedule(c.phases)
			if x.cols.count() < 2 || s[0].parts < 4 {
				t.Fatalf("%v: cut into %d parts, %d of columns", l, s[0].parts, x.cols.count())
			}
			d.pool.Run(s[0].parts, &s[0])
			for i, w := range want {
				if diff := math.Abs(float64(x.c[i] - w)); !(diff <= 2e-4) {
					t.Fatalf("%v carried %v: element %d is %v, want %v", l, carried, i, x.c[i], w)
				}
			}
		}
	}
}

// TestExpertCuts asks that blocks cover the rows of every expert once, and that there are enough.
func TestExpertCuts(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 500 {
		e := 1 + r.IntN(9)
		x := &experts{offsets: make([]int32, e+1)}
		x.E = e
		for i := range e {
			x.offsets[i+1] = x.offsets[i] + int32(r.IntN([]int{1, 20, 300, 9000}[r.IntN(4)]))
		}
		x.Rows = int(x.offsets[e])
		at := 0
		for i := range x.Rows/expertRows + min(e, x.Rows) + 2 {
			ex, from, to := x.cut(i)
			if from == to {
				continue
			}
			if from != at || to-from > expertRows || from < int(x.offsets[ex]) || to > int(x.offsets[ex+1]) ||
				i >= x.Rows/expertRows+min(e, x.Rows) {
				t.Fatalf("offsets %v: block %d is %d to %d of expert %d", x.offsets, i, from, to, ex)
			}
			at = to
		}
		if at != x.Rows {
			t.Fatalf("offsets %v: blocks end at %d", x.offsets, at)
		}
	}
}

// TestWideLatents samples with the head size of DeepSeek's models, which is larger than any of the
// common table.
func TestWideLatents(t *testing.T) {
	normal := func(_ *conformance.Rand, dst []float32) {
		r := rand.New(rand.NewPCG(uint64(len(dst)), 3))
		for i := range dst {
			dst[i] = float32(r.NormFloat64())
		}
	}
	for _, pure := range []bool{false, true} {
		conform(t, newCPU(t, Options{Threads: 2, Pure: pure}), []conformance.Case{{
			Op:   graph.OpAttentionCached,
			Name: fmt.Sprint("wide latents, pure ", pure),
			Params: []conformance.Param{
				{Name: "q", Shape: []int{70, 2 * 576}, Value: normal},
				{Name: "k", Shape: []int{70, 576}, Value: normal},
			},
			Caches: []graph.CacheSpec{{Name: "latents", Shape: []int{1, 100, 576}}},
			Graphs: []func(*graph.Builder){func(b *graph.Builder) {
				row := func(name string) *graph.Tensor {
					ids := b.Input(name+".ids", 0, 70, 70)
					return b.Embed(name, graph.EmbedAttr{T: 70, Scale: 1}, ids, b.Param(name), nil, nil)
				}
				pos := b.Input("pos", 0, 31, 1)
				a := graph.AttentionAttr{B: 1, T: 70, H: 2, K: 1, D: 576, DV: 512, S: 100, Scale: 1.0 / 24, Latent: true}
				b.Keep("o", b.AttentionCached("attention", a, row("q"), row("k"), nil, b.Cache(0), nil, pos))
			}},
			Limits: conformance.Limits{Output: conformance.Limit{Abs: 1e-5}},
		}})
	}
}
