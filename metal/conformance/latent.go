package conformance

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// latentCases are the parts of MLA: rotation of the end of a head, head sizes above 128, the whole
// branch with its gradient, and sampling from cached latents.
func latentCases() []Case {
	var cs []Case
	for i, skip := range []int{1, 2, 24, 31, 128, 160} {
		for _, pairing := range []graph.Pairing{graph.Halves, graph.Interleaved} {
			cs = append(cs, rotateTail(pairing, 2, 9, 1+i%3, skip, 2+2*(i%4), i%2 == 0))
		}
	}
	for i, size := range [][2]int{{136, 136}, {192, 128}, {160, 64}, {144, 160}, {24, 16}, {256, 256}} {
		a := graph.AttentionAttr{B: 1, T: []int{37, 33}[i%2], H: 2, K: 1 + i%2, D: size[0], DV: size[1]}
		cs = append(cs, attend(a, i%2 == 0, "normal"))
	}
	cs = append(cs, latentBranch(latentSizes{B: 1, T: 1, H: 1, C: 3, N: 1, R: 2, V: 1}),
		latentBranch(latentSizes{B: 2, T: 17, H: 3, C: 24, N: 16, R: 8, V: 12}),
		latentBranch(latentSizes{B: 1, T: 35, H: 2, C: 33, N: 128, R: 64, V: 128}))
	return append(cs, latentCachedCases()...)
}

func latentGradCases() []Case {
	return []Case{
		latentBranch(latentSizes{B: 2, T: 3, H: 2, C: 3, N: 3, R: 2, V: 2}),
		rotateTail(graph.Halves, 2, 3, 2, 3, 4, false), rotateTail(graph.Interleaved, 1, 3, 2, 1, 2, true),
	}
}

// rotateTail is a rotation of the last turn elements of heads of skip+turn.
func rotateTail(pairing graph.Pairing, B, T, heads, skip, turn int, offset bool) Case {
	width := heads * (skip + turn)
	return Case{
		Op:   graph.OpRope,
		Name: fmt.Sprintf("pairing %d B%d T%d H%d skip %d+%d offset %t", pairing, B, T, heads, skip, turn, offset),
		Params: []Param{
			{Name: "x", Shape: []int{B * T, width}, Value: normal(1)},
			head(width),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			var pos *graph.Tensor
			if offset {
				pos = b.Input("pos", 0, 1000, 1)
			}
			at := graph.RopeAttr{
				T: T, Heads: heads, HeadDim: skip + turn, Skip: skip, Theta: 1e4, Pairing: pairing,
			}
			y := b.Add("y", 1, b.Rope("rope", at, feed(b, "x"), pos), 0, nil)
			b.Keep("y", y)
			score(b, y, 0.1)
		}},
		Limits: unit,
	}
}

// latentSizes of an MLA: latent C, head sizes N without and R with positions, V of values.
type latentSizes struct{ B, T, H, C, N, R, V int }

// latentBranch is MLA's attention from projected rows to the concatenated heads.
func latentBranch(z latentSizes) Case {
	rows, d := z.B*z.T, z.N+z.R
	limits := unit.output(relative)
	return Case{
		Op:   graph.OpAttention,
		Name: fmt.Sprintf("latent B%d T%d H%d C%d N%d R%d V%d", z.B, z.T, z.H, z.C, z.N, z.R, z.V),
		Params: []Param{
			{Name: "q", Shape: []int{rows, z.H * d}, Value: normal(1)},
			{Name: "kv", Shape: []int{rows, z.C + z.R}, Value: normal(1)},
			{Name: "kvb", Shape: []int{z.H * (z.N + z.V), z.C}, Value: normal(1 / math.Sqrt(float64(z.C))), Grad: normal(1)},
			{Name: "gain", Shape: []int{z.C}, Value: around(1, 0.2)},
			head(z.H * z.V),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			rope := graph.RopeAttr{
				T: z.T, Heads: z.H, HeadDim: d, Skip: z.N, Theta: 100, Pairing: graph.Interleaved,
			}
			q := b.Rope("q.rope", rope, feed(b, "q"), nil)
			c, kr := b.Split("kv", graph.HeadsAttr{H: 1, A: z.C, B: z.R}, feed(b, "kv"))
			c = b.Norm("kvlat", graph.NormAttr{Kind: graph.RMS, Width: z.C, Eps: 1e-6, Scale: 1}, c, b.Param("gain"), nil)
			rope.Heads, rope.HeadDim, rope.Skip = 1, z.R, 0
			kr = b.Rope("k.rope", rope, kr, nil)
			kn, v := b.Split("heads", graph.HeadsAttr{H: z.H, A: z.N, B: z.V}, b.MatMul("kvb", c, b.Param("kvb"), nil))
			k := b.Join("k", graph.HeadsAttr{H: z.H, A: z.N, B: z.R, Shared: true}, kn, kr)
			o, _ := b.Attention("attention", graph.AttentionAttr{
				B: z.B, T: z.T, H: z.H, K: z.H, D: d, DV: z.V, Scale: 1 / math.Sqrt(float64(d)),
			}, q, k, v, false)
			b.Keep("o", o)
			score(b, o, 0.1)
		}},
		Limits: limits,
	}
}

// latentCachedCases sample from cached latents, on given queries and through the absorbed projections.
func latentCachedCases() []Case {
	var cs []Case
	for i, a := range []graph.AttentionAttr{
		{B: 1, H: 1, D: 3, DV: 1, S: 1},
		{B: 1, H: 4, D: 32, DV: 24, S: 9},
		{B: 3, H: 2, D: 18, DV: 18, S: 40},
		{B: 2, H: 3, D: 176, DV: 160, S: 70},
		{B: 1, H: 2, D: 320, DV: 256, S: 131},
	} {
		a.K, a.Latent, a.Scale = 1, true, 1/math.Sqrt(float64(a.D))
		cs = append(cs, walk(a, Case{
			Op:   graph.OpAttentionCached,
			Name: fmt.Sprintf("latent %d B%d H%d D%d DV%d S%d", i, a.B, a.H, a.D, a.DV, a.S),
			Params: []Param{
				{Name: "q", Shape: []int{50, a.H * a.D}, Value: normal(1)},
				{Name: "k", Shape: []int{50, a.D}, Value: normal(1)},
			},
			Caches: []graph.CacheSpec{{Name: "latents", Shape: []int{a.B, a.S, a.D}}},
			Limits: unit,
		}, func(b *graph.Builder, a graph.AttentionAttr, pos *graph.Tensor) *graph.Tensor {
			n := a.B * a.T
			return b.AttentionCached("attention", a, draw(b, "q", n), draw(b, "k", n), nil, b.Cache(0), nil, pos)
		}))
	}
	for _, z := range []latentSizes{{B: 2, H: 2, C: 24, N: 16, R: 8, V: 12}, {B: 1, H: 3, C: 160, N: 24, R: 16, V: 31}} {
		cs = append(cs, absorbed(z, 20))
	}
	return cs
}

// absorbed is MLA as it samples: keys folded into the queries, values into the outputs.
func absorbed(z latentSizes, S int) Case {
	d, stride := z.N+z.R, z.N+z.V
	a := graph.AttentionAttr{
		B: z.B, H: z.H, K: 1, D: z.C + z.R, DV: z.C, S: S, Latent: true, Scale: 1 / math.Sqrt(float64(d)),
	}
	return walk(a, Case{
		Op:   graph.OpAttentionCached,
		Name: fmt.Sprintf("absorbed B%d H%d C%d N%d R%d V%d S%d", z.B, z.H, z.C, z.N, z.R, z.V, S),
		Params: []Param{
			{Name: "q", Shape: []int{50, z.H * d}, Value: normal(1)},
			{Name: "c", Shape: []int{50, z.C}, Value: normal(1)},
			{Name: "kr", Shape: []int{50, z.R}, Value: normal(1)},
			{Name: "kvb", Shape: []int{z.H * stride, z.C}, Value: normal(1 / math.Sqrt(float64(z.C)))},
		},
		Caches: []graph.CacheSpec{{Name: "latents", Shape: []int{z.B, S, z.C + z.R}}},
		Limits: unit.output(relative),
	}, func(b *graph.Builder, a graph.AttentionAttr, pos *graph.Tensor) *graph.Tensor {
		n := a.B * a.T
		rope := graph.RopeAttr{T: a.T, Heads: z.H, HeadDim: d, Skip: z.N, Theta: 100, Pairing: graph.Interleaved}
		q := b.Rope("q.rope", rope, draw(b, "q", n), pos)
		rope.Heads, rope.HeadDim, rope.Skip = 1, z.R, 0
		kr := b.Rope("k.rope", rope, draw(b, "kr", n), pos)
		qn, qr := b.Split("q", graph.HeadsAttr{H: z.H, A: z.N, B: z.R}, q)
		qc := b.HeadMatMul("q.absorb", graph.HeadMatMulAttr{
			Layout: graph.NN, H: z.H, N: z.C, K: z.N, Stride: stride,
		}, qn, b.Param("kvb"))
		q = b.Join("q.latent", graph.HeadsAttr{H: z.H, A: z.C, B: z.R}, qc, qr)
		k := b.Join("k.latent", graph.HeadsAttr{H: 1, A: z.C, B: z.R}, draw(b, "c", n), kr)
		o := b.AttentionCached("attention", a, q, k, nil, b.Cache(0), nil, pos)
		return b.HeadMatMul("o.absorb", graph.HeadMatMulAttr{
			Layout: graph.NT, H: z.H, N: z.V, K: z.C, Stride: stride, From: z.N,
		}, o, b.Param("kvb"))
	})
}
