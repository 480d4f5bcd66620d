package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func activationCases() []Case {
	var cs []Case
	for i, size := range [][2]int{{1, 1}, {1, 7}, {3, 31}, {5, 32}, {7, 33}, {2, 63}, {65, 65}, {97, 128},
		{1, 4097}, {4097, 3}} {
		for _, glu := range []bool{true, false} {
			cs = append(cs, activate(glu, i%2 == 0, size, "normal", normal(2), 0.1, unit))
		}
	}
	// The far tails: exponentials overflow, and the result is 0 or the input itself.
	far := Limits{Output: relative, Grad: Limit{Abs: 1e-5, Max: 2e-5}, Metric: measure}
	for _, v := range awkward {
		for _, glu := range []bool{true, false} {
			cs = append(cs, activate(glu, true, [2]int{9, 65}, v.name, v.fill, 1e-9, far))
		}
	}
	return cs
}

func activationGradCases() []Case {
	return []Case{
		activate(true, true, [2]int{3, 4}, "normal", normal(2), 0.1, unit),
		activate(false, true, [2]int{3, 4}, "normal", normal(2), 0.1, unit),
	}
}

// activate is SwiGLU or GELU with its gradient; unkept, results may take the place of inputs.
func activate(glu, keep bool, size [2]int, values string, fill Fill, damp float64, limits Limits) Case {
	c := Case{
		Op:   graph.OpActivation,
		Name: fmt.Sprintf("gelu %dx%d keep %t %s", size[0], size[1], keep, values),
		Params: []Param{
			{Name: "x", Shape: size[:], Value: fill},
			head(size[1]),
		},
		Limits: limits,
	}
	if glu {
		c.Op, c.Name = graph.OpSwiGLU, "swiglu"+c.Name[len("gelu"):]
		c.Params = append(c.Params, Param{Name: "up", Shape: size[:], Value: fill})
	}
	c.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		x := b.Add("x", 1, feed(b, "x"), 0, nil)
		var y *graph.Tensor
		if glu {
			y = b.SwiGLU("swiglu", x, b.Add("up", 1, feed(b, "up"), 0, nil))
		} else {
			y = b.Activation("gelu", graph.GELU, x)
		}
		if keep {
			b.Keep("x", x)
			b.Keep("y", y)
		}
		score(b, y, damp)
	}}
	return c
}
