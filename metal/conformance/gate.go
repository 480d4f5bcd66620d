package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func gateCases() []Case {
	var cs []Case
	for i, size := range [][2]int{{1, 1}, {1, 31}, {7, 33}, {33, 63}, {65, 97}, {1, 4097}, {4097, 2}} {
		for j, g := range []float32{0, 0.7, -1.3} {
			cs = append(cs, gated(size, g, []string{"once", "twice", "forward"}[(i+j)%3], normal(1), 0.1))
		}
	}
	// Where the sigmoid is 1 or 0 in float32, and where 1-silu(g) nearly vanishes.
	for _, g := range []float32{40, -90, 1.27846} {
		cs = append(cs, gated([2]int{9, 33}, g, "once", normal(1), 1e-3))
	}
	return append(cs, gated([2]int{5, 65}, 0.5, "once", outliers, 1e-5))
}

// gateGradCases: at g = 0 the gate is the identity and its rule the derivative; elsewhere only that of
// g is, for the input's gradient skips the gate.
func gateGradCases() []Case {
	cs := []Case{gated([2]int{3, 4}, 0, "once", normal(1), 0.1), gated([2]int{3, 4}, 0, "twice", normal(1), 0.1)}
	for _, g := range []float32{0.7, -1.3} {
		c := gated([2]int{3, 4}, g, "once", normal(1), 0.1)
		c.Params[0].Stopped = true
		cs = append(cs, c)
	}
	return cs
}

// gated is a GPAS gate with its gradient; twice, as in a block, on two sums by one gate; forward, with
// nothing after it that reads its input, which it may overwrite.
func gated(size [2]int, g float32, use string, fill Fill, damp float64) Case {
	limits := unit.output(relative)
	// The gate's gradient is one sum over all elements, which may nearly cancel.
	limits.Grad = Limit{Abs: 2e-5, Max: 2e-5}
	return Case{
		Op:   graph.OpGate,
		Name: fmt.Sprintf("%dx%d g %g %s damp %g", size[0], size[1], g, use, damp),
		Params: []Param{
			{Name: "x", Shape: size[:], Value: fill},
			{Name: "f", Shape: size[:], Value: fill},
			{Name: "g", Shape: []int{1}, Value: constant(g), Grad: normal(1), Gate: true},
			head(size[1]),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			y := b.Gate("gate", b.Add("x", 1, feed(b, "x"), 0, nil), b.Param("g"))
			if use == "forward" {
				b.Keep("y", y)
				return
			}
			y = b.Add("sum", 1, y, 1, feed(b, "f"))
			if use == "twice" {
				y = b.Gate("again", y, b.Param("g"))
			}
			b.Keep("y", y)
			score(b, y, damp)
		}},
		Limits: limits,
	}
}
