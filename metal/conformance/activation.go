package conformance

import (
	"fmt"
	"math"

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

// reluCases have zeros of both signs at the edge, and one NaN that must not become 0.
func reluCases() []Case {
	var cs []Case
	for i, size := range [][2]int{{1, 1}, {3, 31}, {7, 33}, {65, 65}, {1, 4097}, {4097, 3}} {
		cs = append(cs, relu(size, i%2 == 0, "normal", normal(2), 0.1))
	}
	cs = append(cs,
		relu([2]int{5, 33}, true, "edges", edgesOfZero, 0.1),
		relu([2]int{9, 65}, true, "outliers", outliers, 1e-5))
	return append(cs, Case{
		Op:     graph.OpActivation,
		Name:   "relu NaN",
		Params: []Param{{Name: "x", Shape: []int{3, 11}, Value: with(edgesOfZero, 12, nan)}},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			b.Keep("y", b.Activation("relu", graph.ReLU, feed(b, "x")))
		}},
		Limits: Limits{},
	})
}

func reluGradCases() []Case { return []Case{relu([2]int{3, 4}, false, "normal", normal(2), 0.1)} }

// relu is a ReLU with its gradient; unkept, results may take the place of inputs.
func relu(size [2]int, keep bool, values string, fill Fill, damp float64) Case {
	limits := unit
	limits.Output = Limit{}
	return Case{
		Op:   graph.OpActivation,
		Name: fmt.Sprintf("relu %dx%d keep %t %s", size[0], size[1], keep, values),
		Params: []Param{
			{Name: "x", Shape: size[:], Value: fill},
			head(size[1]),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			x := b.Add("x", 1, feed(b, "x"), 0, nil)
			y := b.Activation("relu", graph.ReLU, x)
			if keep {
				b.Keep("x", x)
				b.Keep("y", y)
			}
			score(b, y, damp)
		}},
		Limits: limits,
	}
}

// edgesOfZero are 0, -0, the smallest numbers, and infinity's neighbours below 0.
func edgesOfZero(r *Rand, dst []float32) {
	small := []float32{0, float32(math.Copysign(0, -1)), 1e-30, -1e-30, 1, -1, -3e38}
	for i := range dst {
		dst[i] = small[r.below(len(small))]
	}
}
