package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func ropeCases() []Case {
	var cs []Case
	n := 0
	for _, pairing := range []graph.Pairing{graph.Halves, graph.Interleaved} {
		for _, D := range []int{2, 6, 8, 16, 32, 64, 96, 128} {
			for _, T := range []int{1, 33} {
				cs = append(cs, rotate(pairing, 1+n%3, T, 1+n%4, D, n%2 == 1, n%4 == 0))
				n++
			}
		}
		cs = append(cs, rotate(pairing, 2, 128, 3, 32, true, false))
	}
	return cs
}

func ropeGradCases() []Case {
	var cs []Case
	for i := range 4 {
		cs = append(cs, rotate(graph.Pairing(i%2), 2, 3, 2, 4, i/2 == 1, false))
	}
	return cs
}

// rotate is a rotation with its gradient; unkept, the rotated tensor may take the place of the input.
func rotate(pairing graph.Pairing, B, T, heads, D int, offset, keep bool) Case {
	return Case{
		Op: graph.OpRope,
		Name: fmt.Sprintf("pairing %d B%d T%d H%d D%d offset %t keep %t",
			pairing, B, T, heads, D, offset, keep),
		Params: []Param{
			{Name: "x", Shape: []int{B * T, heads * D}, Value: normal(1)},
			head(heads * D),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			var pos *graph.Tensor
			if offset {
				pos = b.Input("pos", 0, 1000, 1)
			}
			x := feed(b, "x")
			at := graph.RopeAttr{T: T, Heads: heads, HeadDim: D, Theta: 1e4, Pairing: pairing}
			y := b.Rope("rope", at, x, pos)
			z := b.Add("y", 1, y, 0, nil)
			if keep {
				b.Keep("x", x)
			}
			b.Keep("y", z)
			score(b, z, 0.1)
		}},
		Limits: unit,
	}
}
