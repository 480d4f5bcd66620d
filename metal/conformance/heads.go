package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func headsCases() []Case {
	var cs []Case
	for i, a := range []graph.HeadsAttr{
		{H: 1, A: 1, B: 1}, {H: 1, A: 31, B: 2}, {H: 4, A: 8, B: 4}, {H: 3, A: 1, B: 6}, {H: 2, A: 65, B: 33},
		{H: 16, A: 24, B: 8}, {H: 2, A: 128, B: 64}, {H: 5, A: 7, B: 9},
	} {
		for j, rows := range []int{1, 33, 65} {
			for _, a.Shared = range []bool{false, true} {
				cs = append(cs, joined(a, rows, []string{"both", "first", "second"}[(i+j)%3]))
			}
		}
	}
	for i, edge := range edges {
		if edge > 128 {
			edge = 1025
		}
		cs = append(cs, joined(graph.HeadsAttr{H: 2, A: edge, B: 3, Shared: i%2 == 0}, 3, "both"),
			joined(graph.HeadsAttr{H: edge, A: 3, B: 2, Shared: i%2 == 1}, 3, "both"),
			joined(graph.HeadsAttr{H: 3, A: 2, B: 4, Shared: i%2 == 1}, edge, "both"))
	}
	return append(cs, headMatMulCases()...)
}

func headsGradCases() []Case {
	var cs []Case
	for _, use := range []string{"both", "first", "second"} {
		for _, shared := range []bool{false, true} {
			cs = append(cs, joined(graph.HeadsAttr{H: 3, A: 2, B: 4, Shared: shared}, 2, use))
		}
	}
	return cs
}

// joined puts two parts together, takes them apart and scores one, or both in the other order.
func joined(a graph.HeadsAttr, rows int, use string) Case {
	width, second := a.H*(a.A+a.B), a.H*a.B
	switch use {
	case "first":
		width = a.H * a.A
	case "second":
		width = a.H * a.B
	}
	if a.Shared {
		second = a.B
	}
	limits := unit
	limits.Output = Limit{} // nothing but copies
	return Case{
		Op:   graph.OpJoin,
		Name: fmt.Sprintf("%dx%dx%d+%d shared %t %s", rows, a.H, a.A, a.B, a.Shared, use),
		Params: []Param{
			{Name: "x", Shape: []int{rows, a.H * a.A}, Value: normal(1)},
			{Name: "y", Shape: []int{rows, second}, Value: normal(1)},
			head(width),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			z := b.Join("join", a, feed(b, "x"), feed(b, "y"))
			b.Keep("z", z)
			apart := a
			apart.Shared = false
			x, y := b.Split("split", apart, z)
			b.Keep("x", x)
			b.Keep("y", y)
			switch use {
			case "both":
				x = b.Join("back", graph.HeadsAttr{H: a.H, A: a.B, B: a.A}, y, x)
			case "second":
				x = y
			}
			score(b, x, 0.1)
		}},
		Limits: limits,
	}
}

func headMatMulCases() []Case {
	var cs []Case
	add := func(rows int, a graph.HeadMatMulAttr, fill Fill, values string) {
		used, length := a.K, a.N
		if a.Layout == graph.NT {
			used, length = a.N, a.K
		}
		a.Stride += used
		cs = append(cs, Case{
			Op: graph.OpHeadMatMul,
			Name: fmt.Sprintf("%s %dx%d N%d K%d stride %d from %d %s",
				a.Layout, rows, a.H, a.N, a.K, a.Stride, a.From, values),
			Params: []Param{
				{Name: "x", Shape: []int{rows, a.H * a.K}, Value: fill},
				{Name: "w", Shape: []int{a.H * a.Stride, length}, Value: fill},
			},
			Graphs: []func(*graph.Builder){func(b *graph.Builder) {
				b.Keep("y", b.HeadMatMul("product", a, feed(b, "x"), b.Param("w")))
			}},
			Limits: Limits{Output: product},
		})
	}
	for _, layout := range []graph.Layout{graph.NN, graph.NT} {
		for i, edge := range edges {
			rows := 1 + 4*(i%2)
			a := graph.HeadMatMulAttr{Layout: layout, H: 3, N: edge, K: 5, Stride: 4, From: i % 5}
			add(rows, a, normal(1), "normal")
			a.N, a.K = 9, edge
			add(rows, a, normal(1), "normal")
			a.K = 6
			add(min(edge, 129), a, normal(1), "normal")
		}
		add(2, graph.HeadMatMulAttr{Layout: layout, H: 1, N: 1, K: 1}, normal(1), "normal")
		add(3, graph.HeadMatMulAttr{Layout: layout, H: 16, N: 33, K: 24, Stride: 8, From: 8}, outliers, "outliers")
	}
	return cs
}
