package conformance

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// crmsCases try every width up to 65, since a CRMSNorm is as odd as its stream.
func crmsCases() []Case {
	var cs []Case
	n := normCase{kind: graph.CRMS, heads: 1, scale: 1, values: "normal", rows: 5}
	for n.width = 1; n.width <= 65; n.width++ {
		n.carry = n.width%2 == 1
		cs = append(cs, n.make())
	}
	for _, n.width = range []int{127, 255, 4097} {
		cs = append(cs, n.make())
	}
	for i, edge := range edges {
		n.rows, n.width, n.carry = edge, 23, i%2 == 0
		if edge == 5 {
			continue
		}
		cs = append(cs, n.make())
	}
	n.rows, n.heads, n.width, n.scale = 9, 3, 15, 1/math.Sqrt(3)
	cs = append(cs, n.make())
	n.rows, n.heads, n.width, n.scale = 6, 1, 97, 1
	for _, n.values = range []string{"offset", "outliers", "equal", "tiny", "denormal", "zero"} {
		cs = append(cs, n.make())
	}
	return cs
}

func crmsGradCases() []Case {
	var cs []Case
	for _, carry := range []bool{false, true} {
		n := normCase{kind: graph.CRMS, carry: carry, rows: 3, heads: 2, width: 3, scale: 0.7, values: "normal"}
		cs = append(cs, n.make())
	}
	return cs
}
