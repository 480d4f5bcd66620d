package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func expertCases() []Case {
	var cs []Case
	for i, c := range []experts{
		{choice: choice{R: 1, E: 1, K: 1}, D: 31, F: 33},
		{choice: choice{R: 65, E: 1, K: 1}, D: 9, F: 7},
		{choice: choice{R: 63, E: 8, K: 2}, D: 31, F: 33},
		{choice: choice{R: 65, E: 8, K: 2, renorm: true}, D: 32, F: 16},
		{choice: choice{R: 65, E: 256, K: 8}, D: 8, F: 5},
		{choice: choice{R: 33, E: 5, K: 5}, D: 24, F: 17},
		{choice: choice{R: 63, E: 4, K: 1, logits: "hole"}, D: 31, F: 33},
		{choice: choice{R: 65, E: 4, K: 3, logits: "hole", renorm: true}, D: 33, F: 31},
		{choice: choice{R: 65, E: 7, K: 1, logits: "one"}, D: 31, F: 33},
		{choice: choice{R: 130, E: 3, K: 1, logits: "one"}, D: 64, F: 64},
		{choice: choice{R: 9, E: 13, K: 3, logits: "equal"}, D: 8, F: 6},
		{choice: choice{R: 65, E: 6, K: 2, logits: "levels"}, D: 16, F: 12},
		{choice: choice{R: 40, E: 16, K: 4}, D: 1, F: 1},
		{choice: choice{R: 2, E: 64, K: 8}, D: 33, F: 31},
		{choice: choice{R: 129, E: 2, K: 2}, D: 65, F: 63},
	} {
		c.form = []string{"swiglu", "residual", "twice", "relu"}[i%4]
		if c.logits == "" {
			c.logits = "ladder"
		}
		cs = append(cs, c.make())
	}
	// Sizes that GPUs compute in larger tiles, the first with more rows of one expert than a chain adds.
	cs = append(cs,
		choice{R: 2049, E: 48, K: 1, logits: "one", stats: true}.linear(graph.NT, 33, 33),
		choice{R: 65, E: 2, K: 2, logits: "ladder", stats: true}.linear(graph.NT, 1025, 8),
		choice{R: 97, E: 3, K: 2, logits: "hole", stats: true}.linear(graph.NN, 1028, 7),
	)
	return append(append(cs, routedBlock(6, 5, 4), routedBlock(23, 9, 16)), expertLinearCases()...)
}

func expertGradCases() []Case {
	var cs []Case
	for i, form := range []string{"swiglu", "residual", "twice"} {
		c := experts{choice: choice{R: 5, E: 4, K: 1 + i, renorm: i == 1, logits: "ladder", stats: true}, D: 3, F: 2, form: form}
		cs = append(cs, c.make())
	}
	return append(cs, expertLinear(graph.NN, [3]int{4, 3, 2}, "ladder"), routedBlock(6, 5, 4))
}

// experts is a whole mixture of experts on given logits.
type experts struct {
	choice
	D, F int
	form string // swiglu, with a residual around it, with two down projections, or relu
}

func (c experts) make() Case {
	weight := func(name string) Param {
		return Param{Name: name, Shape: []int{c.E, c.F, c.D}, Value: normal(0.3), Grad: normal(1)}
	}
	limits := routedLimits
	limits.Output.Max = 1e-6 // three products in a row, whose terms are as large as the largest results
	return Case{
		Op:   graph.OpExpertMatMul,
		Name: fmt.Sprintf("%s %s D%d F%d", c.form, c.choice, c.D, c.F),
		Params: []Param{
			{Name: "x", Shape: []int{c.R, c.D}, Value: normal(1)},
			c.param(), weight("gate"), weight("up"), weight("down"), weight("other"), head(c.D),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			x, r := feed(b, "x"), c.route(b)
			y := c.write(b, x, r)
			b.Keep("y", y)
			if c.form == "residual" {
				y = b.Add("residual", 1, x, 1, y)
			}
			score(b, y, 0.1)
		}},
		Limits: limits,
	}
}

func (c experts) write(b *graph.Builder, x *graph.Tensor, r graph.Routed) *graph.Tensor {
	rows := b.Gather("gather", c.choices(), x, r)
	a := b.ExpertMatMul("up", graph.NT, rows, b.Param("up"), r)
	if c.form == "relu" {
		a = b.Activation("relu", graph.ReLU, a)
	} else {
		a = b.SwiGLU("swiglu", b.ExpertMatMul("gate", graph.NT, rows, b.Param("gate"), r), a)
	}
	y := b.ExpertMatMul("down", graph.NN, a, b.Param("down"), r)
	if c.form == "twice" {
		y = b.Add("sum", 1, y, 0.5, b.ExpertMatMul("other", graph.NN, a, b.Param("other"), r))
	}
	return b.Combine("combine", c.choices(), y, r)
}

// expertLinearCases try every edge in rows, outputs and inputs, in both layouts.
func expertLinearCases() []Case {
	var cs []Case
	for _, layout := range []graph.Layout{graph.NT, graph.NN} {
		for dim := range 3 {
			for i, edge := range edges {
				size := [3]int{37, 17, 11}
				if edge > 128 {
					size = [3]int{9, 5, 7}
				}
				size[dim] = edge
				cs = append(cs, expertLinear(layout, size, []string{"ladder", "hole", "one"}[i%3]))
			}
		}
	}
	return cs
}

// expertLinear is one layer of four experts with its gradients, for size tokens, outputs, inputs.
func expertLinear(layout graph.Layout, size [3]int, logits string) Case {
	return choice{R: size[0], E: 4, K: 1 + size[1]%2, logits: logits, stats: true}.linear(layout, size[1], size[2])
}

func (c choice) linear(layout graph.Layout, out, in int) Case {
	shape := []int{c.E, out, in}
	if layout == graph.NN {
		shape = []int{c.E, in, out}
	}
	return Case{
		Op:   graph.OpExpertMatMul,
		Name: fmt.Sprintf("linear %s %dx%d->%d K%d %s", layout, c.R, in, out, c.K, c.logits),
		Params: []Param{
			{Name: "x", Shape: []int{c.R, in}, Value: normal(1)},
			c.param(),
			{Name: "w", Shape: shape, Value: normal(0.3), Grad: normal(1)},
			head(out),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			r := c.route(b)
			y := b.ExpertMatMul("y", layout, b.Gather("gather", c.choices(), feed(b, "x"), r), b.Param("w"), r)
			y = b.Combine("combine", c.choices(), y, r)
			b.Keep("y", y)
			score(b, y, 0.1)
		}},
		Limits: routedLimits,
	}
}

// routedBlock has a router that reads the stream its experts read, inside a residual.
func routedBlock(R, E, D int) Case {
	c := experts{choice: choice{R: R, E: E, K: 2, logits: "ladder", stats: true}, D: D, F: 3, form: "swiglu"}
	k := c.make()
	k.Name = fmt.Sprintf("block R%d E%d D%d", R, E, D)
	k.Params[1] = Param{Name: "router", Shape: []int{c.E, c.D}, Value: normal(1)}
	k.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		x := feed(b, "x")
		at := graph.NormAttr{Kind: graph.RMS, Width: c.D, Eps: 1e-5, Scale: 1}
		h := b.Norm("norm", at, x, nil, nil)
		r := b.Route("route", c.attr(), b.MatMul("router", h, b.Param("router"), nil), "0")
		b.Keep("probs", b.Add("probs", 1, r.Probs, 0, nil))
		x = b.Add("residual", 1, x, 1, c.write(b, h, r))
		b.Keep("y", x)
		score(b, x, 0.1)
	}}
	return k
}
