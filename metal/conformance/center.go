package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func centerCases() []Case {
	var cs []Case
	for i, edge := range edges {
		cs = append(cs, centered([2]int{5, edge}, i%2 == 1, "normal"), centered([2]int{edge, 24}, i%2 == 0, "normal"))
	}
	for _, values := range []string{"offset", "outliers", "equal", "denormal", "zero"} {
		cs = append(cs, centered([2]int{6, 97}, true, values))
	}
	return cs
}

func centerGradCases() []Case {
	return []Case{centered([2]int{3, 5}, false, "normal"), centered([2]int{3, 5}, true, "normal")}
}

// centered is a centring with its gradient; with carry, its input is used once more afterwards.
func centered(size [2]int, carry bool, values string) Case {
	limits, damp := unit.output(relative), 0.1
	switch values {
	case "offset", "equal": // the mean of numbers about 1e3 is only known to 6e-5
		limits.Output, damp = Limit{Abs: 2e-4}, 1e-3
	case "outliers": // the mean is a sum of numbers up to 1e4
		limits.Output, damp = Limit{Abs: 1e-3, Rel: 2e-6}, 1e-5
	}
	return Case{
		Op:   graph.OpCenter,
		Name: fmt.Sprintf("%dx%d carry %t %s", size[0], size[1], carry, values),
		Params: []Param{
			{Name: "x", Shape: size[:], Value: normValues[values]},
			{Name: "f", Shape: size[:], Value: normal(1)},
			head(size[1]),
		},
		Graphs: []func(*graph.Builder){
			func(b *graph.Builder) {
				f, x := feed(b, "f"), feed(b, "x")
				y := b.Center("center", x)
				if carry { // f keeps the gradient of the sum alive, so that the carry is what is overwritten
					y = b.Add("sum", 1, b.Add("residual", 1, y, 1e-2, x), 1, f)
				}
				b.Keep("y", y)
				score(b, y, damp)
			},
			func(b *graph.Builder) { b.Keep("z", b.Center("center", feed(b, "x"))) }, // may work in place
		},
		Steps:  []Step{{}, {}, {Graph: 1}},
		Limits: limits,
	}
}
