package conformance

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// attentionCases tries sequence lengths around every tile, head sizes with DV apart from D, and every
// sharing of key/value heads.
func attentionCases() []Case {
	var cs []Case
	for i, T := range []int{1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 127, 128, 129, 257} {
		a := graph.AttentionAttr{B: 1 + i%2, T: T, H: 2, K: 1 + i%2, D: 8, DV: 8}
		cs = append(cs, attend(a, i%3 == 0, "normal"))
	}
	for i, D := range []int{1, 2, 8, 16, 20, 32, 64, 80, 96, 128} {
		for j, DV := range []int{D, 32, 24} {
			a := graph.AttentionAttr{B: 1, T: 37, H: 2, K: 1 + i%2, D: D, DV: DV}
			cs = append(cs, attend(a, j == 1, "normal"))
		}
	}
	for _, share := range [][2]int{{1, 1}, {4, 4}, {4, 2}, {4, 1}, {6, 2}, {3, 1}, {8, 2}} {
		a := graph.AttentionAttr{B: 2, T: 35, H: share[0], K: share[1], D: 16, DV: 16}
		cs = append(cs, attend(a, true, "normal"))
	}
	for i, size := range [][4]int{{160, 128, 4, 2}, {192, 192, 2, 2}, {24, 130, 3, 1}, {129, 8, 2, 1}} {
		a := graph.AttentionAttr{B: 1 + i%2, T: 17, D: size[0], DV: size[1], H: size[2], K: size[3]}
		cs = append(cs, attend(a, i != 2, "normal"))
	}
	for _, values := range []string{"equal", "zero", "large", "offset", "outliers", "cliff", "NaN", "infinity"} {
		a := graph.AttentionAttr{B: 2, T: 67, H: 2, K: 1, D: 16, DV: 12}
		cs = append(cs, attend(a, true, values))
	}
	return cs
}

func attentionGradCases() []Case {
	var cs []Case
	for i, share := range [][2]int{{1, 1}, {2, 2}, {4, 2}, {3, 1}} {
		a := graph.AttentionAttr{B: 2, T: 3, H: share[0], K: share[1], D: 2, DV: 3}
		cs = append(cs, attend(a, i%2 == 0, "normal"))
	}
	return cs
}

func attend(a graph.AttentionAttr, top bool, values string) Case {
	a.Scale = 1 / math.Sqrt(float64(a.D))
	rows := a.B * a.T
	q, k, v := normal(1), normal(1), normal(1)
	limits, damp := unit, 0.1
	switch values {
	case "equal": // all logits of a row alike
		k = constant(0.5)
		// dq is zero but for rounding: the gradients of equal logits add up to nothing.
		limits.Grad = Limit{Abs: 1e-5, Max: 2e-5}
	case "zero":
		q, k = constant(0), constant(0)
	case "large": // logits about 100, known to 1e-5
		q = normal(100)
		limits.Output, limits.Grad = Limit{Abs: 1e-4}, Limit{Abs: 1e-5, Max: 2e-4}
	case "offset": // differences of values about 1e3
		v, damp = around(1e3, 1), 1e-5
		limits.Output, limits.Grad = Limit{Max: 1e-6}, Limit{Abs: 1e-5, Max: 2e-3}
	case "outliers":
		v, damp = outliers, 1e-5
		limits.Output, limits.Grad = Limit{Abs: 1e-5, Max: 1e-6}, Limit{Abs: 1e-4, Max: 1e-4}
	case "cliff": // one key far above all others: exponentials overflow unless the top is taken off
		q, k = constant(10), with(normal(1), 5*a.K*a.D, 1e3)
		limits.Output, limits.Grad = Limit{Abs: 1e-4}, Limit{Abs: 1e-3, Max: 1e-4}
	case "NaN": // in one query, so in its output and its head's largest logit; devices may spread it
		q, damp = with(normal(1), 40*a.H*a.D+3, nan), 0
	case "infinity":
		q, damp = with(normal(1), 40*a.H*a.D+3, inf), 0
	}
	return Case{
		Op: graph.OpAttention,
		Name: fmt.Sprintf("B%d T%d H%d K%d D%d DV%d top %t %s",
			a.B, a.T, a.H, a.K, a.D, a.DV, top, values),
		Params: []Param{
			{Name: "q", Shape: []int{rows, a.H * a.D}, Value: q},
			{Name: "k", Shape: []int{rows, a.K * a.D}, Value: k},
			{Name: "v", Shape: []int{rows, a.K * a.DV}, Value: v},
			head(a.H * a.DV),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			o, t := b.Attention("attention", a, feed(b, "q"), feed(b, "k"), feed(b, "v"), top)
			if top {
				b.Probe("top", graph.MeasureMax, t)
			}
			if damp == 0 {
				b.Probe("rms", graph.MeasureRMS, o)
				return
			}
			b.Keep("o", o)
			score(b, o, damp)
		}},
		Limits: limits,
	}
}

// cachedCases are prefill and decoding over shared caches, with a jump back to an earlier position
// after which stale entries stand beyond it.
func cachedCases() []Case {
	var cs []Case
	for i, a := range []graph.AttentionAttr{
		{B: 1, H: 1, K: 1, D: 8, DV: 8, S: 1},
		{B: 1, H: 4, K: 4, D: 8, DV: 8, S: 9},
		{B: 3, H: 4, K: 2, D: 16, DV: 12, S: 40},
		{B: 2, H: 3, K: 1, D: 32, DV: 64, S: 131},
		{B: 1, H: 2, K: 1, D: 96, DV: 128, S: 70},
		{B: 2, H: 4, K: 2, D: 160, DV: 128, S: 33},
		{B: 1, H: 2, K: 2, D: 192, DV: 192, S: 20},
	} {
		a.Scale = 1 / math.Sqrt(float64(a.D))
		cs = append(cs, walk(a, Case{
			Op:   graph.OpAttentionCached,
			Name: fmt.Sprintf("%d B%d H%d K%d D%d DV%d S%d", i, a.B, a.H, a.K, a.D, a.DV, a.S),
			Params: []Param{
				{Name: "q", Shape: []int{50, a.H * a.D}, Value: normal(1)},
				{Name: "k", Shape: []int{50, a.K * a.D}, Value: normal(1)},
				{Name: "v", Shape: []int{50, a.K * a.DV}, Value: normal(1)},
			},
			Caches: []graph.CacheSpec{
				{Name: "kcache", Shape: []int{a.B, a.S, a.K * a.D}},
				{Name: "vcache", Shape: []int{a.B, a.S, a.K * a.DV}},
			},
			Limits: unit,
		}, func(b *graph.Builder, a graph.AttentionAttr, pos *graph.Tensor) *graph.Tensor {
			n := a.B * a.T
			return b.AttentionCached("attention", a, draw(b, "q", n), draw(b, "k", n), draw(b, "v", n),
				b.Cache(0), b.Cache(1), pos)
		}))
	}
	return cs
}

// walk gives a case the graphs and steps of prefill and decoding; write emits the attention.
func walk(a graph.AttentionAttr, c Case,
	write func(b *graph.Builder, a graph.AttentionAttr, pos *graph.Tensor) *graph.Tensor) Case {
	prefill := max(1, a.S*3/4)
	for _, T := range []int{prefill, 1} {
		a.T = T
		c.Graphs = append(c.Graphs, func(b *graph.Builder) {
			b.Keep("o", write(b, a, b.Input("pos", 0, int32(a.S-a.T+1), 1)))
		})
	}
	at := func(graph, pos int) {
		c.Steps = append(c.Steps, Step{Graph: graph, Ints: map[string][]int32{"pos": {int32(pos)}}})
	}
	for _, pos := range []int{0, a.S / 4} {
		at(0, min(pos, a.S-prefill))
	}
	for _, pos := range []int{prefill, prefill + 1, a.S - 1, 0, a.S / 2} {
		at(1, min(pos, a.S-1))
	}
	c.Sync = true
	return c
}
