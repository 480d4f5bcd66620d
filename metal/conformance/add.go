package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func addCases() []Case {
	var cs []Case
	for i, size := range [][2]int{{1, 1}, {1, 31}, {7, 33}, {33, 63}, {65, 97}, {1, 4097}, {4097, 2}} {
		for j, f := range [][2]float64{{1, 1}, {0.5, -2}, {1, 0.25}} {
			cs = append(cs, residual(size, f, []string{"branch", "none", "same"}[(i+j)%3], normal(1), 0.1))
		}
	}
	cs = append(cs, residual([2]int{5, 65}, [2]float64{2.5, 1}, "branch", outliers, 1e-5))
	return cs
}

func addGradCases() []Case {
	var cs []Case
	for _, f := range [][2]float64{{1, 1}, {0.5, 1}, {1, 0.5}, {2, -2.5}} {
		for _, branch := range []string{"branch", "none", "same"} {
			cs = append(cs, residual([2]int{2, 3}, f, branch, normal(1), 0.1))
		}
	}
	return cs
}

// residual is alpha*x + beta*f, where f is another tensor, absent, or x itself; x is used once more
// afterwards, so that its gradient has two parts.
func residual(size [2]int, factors [2]float64, branch string, fill Fill, damp float64) Case {
	return Case{
		Op: graph.OpAdd,
		Name: fmt.Sprintf("%dx%d alpha %g beta %g %s damp %g",
			size[0], size[1], factors[0], factors[1], branch, damp),
		Params: []Param{
			{Name: "x", Shape: size[:], Value: fill},
			{Name: "f", Shape: size[:], Value: fill},
			head(size[1]),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			x := feed(b, "x")
			var f *graph.Tensor
			switch branch {
			case "branch":
				f = feed(b, "f")
			case "same":
				f = x
			}
			y := b.Add("add", factors[0], x, factors[1], f)
			y = b.Add("again", 1, y, 1, x)
			b.Keep("y", y)
			score(b, y, damp)
		}},
		Limits: unit.output(relative),
	}
}
