package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func embedCases() []Case {
	var cs []Case
	for i, edge := range edges {
		if edge <= 128 {
			cs = append(cs, lookup(2, edge, 41, 24, i%2 == 0, false))
		}
		cs = append(cs, lookup(2, 9, edge, 16, i%2 == 1, false))
		cs = append(cs, lookup(3, 5, 11, edge, i%2 == 0, false))
	}
	cs = append(cs, lookup(1, 4097, 3, 7, false, false)) // many rows meet in one gradient row
	for _, positions := range []bool{true, false} {
		cs = append(cs, lookup(3, 1, 29, 12, positions, true), lookup(2, 5, 29, 12, positions, true))
	}
	return cs
}

func embedGradCases() []Case {
	return []Case{lookup(2, 3, 4, 3, false, false), lookup(2, 3, 4, 3, true, false)}
}

// lookup is an embedding and, unless it has an offset, its gradient.
func lookup(B, T, V, D int, positions, offset bool) Case {
	const room = 3 // positions beyond T that must not be touched, or that an offset reaches
	c := Case{
		Op:   graph.OpEmbed,
		Name: fmt.Sprintf("B%d T%d V%d D%d positions %t offset %t", B, T, V, D, positions, offset),
		Params: []Param{
			{Name: "table", Shape: []int{V, D}, Value: normal(1), Grad: normal(1)},
			head(D),
		},
		Limits: unit,
	}
	if positions {
		c.Params = append(c.Params, Param{Name: "pos", Shape: []int{T + room, D}, Value: normal(1)})
	}
	c.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		var table, at *graph.Tensor
		if positions {
			table = b.Param("pos")
		}
		if offset {
			at = b.Input("offset", 0, room+1, 1)
		}
		attr := graph.EmbedAttr{T: T, Scale: 2.5}
		y := b.Embed("embed", attr, b.Input("ids", 0, int32(V), B*T), b.Param("table"), table, at)
		b.Keep("y", y)
		if !offset {
			score(b, y, 0.1)
		}
	}}
	return c
}
