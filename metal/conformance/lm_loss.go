package conformance

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// lossCase says what varies between losses.
type lossCase struct {
	R, V, D     int
	chunk       int
	train, bias bool
	tied        bool // the head is the table that the input was read from
	ignored     bool // no row has a target
	values      string
}

func lmLossCases() []Case {
	var cs []Case
	for i, V := range []int{1, 2, 7, 31, 33, 97, 257, 1000} {
		cs = append(cs,
			lossCase{R: 33, V: V, D: 17, train: true, bias: i%2 == 0}.make(),
			lossCase{R: 17, V: V, D: 17, chunk: 5, bias: i%2 == 1}.make())
	}
	for i, R := range []int{1, 7, 31, 63, 65, 257} {
		for _, chunk := range []int{0, 1, 16, 48} {
			cs = append(cs, lossCase{R: R, V: 19, D: 8, chunk: chunk, train: true, bias: i%2 == 0}.make())
		}
	}
	for i, D := range []int{1, 31, 64, 97, 4097} {
		cs = append(cs, lossCase{R: 9, V: 13, D: D, chunk: 4, train: true, bias: i%2 == 1}.make())
	}
	return append(cs,
		lossCase{R: 18, V: 50257, D: 1, chunk: 16, train: true}.make(),
		lossCase{R: 2, V: 50257, D: 3, bias: true}.make(),
		lossCase{R: 3, V: 50304, D: 2, train: true}.make(), // by float4s, with all threads there are
		lossCase{R: 33, V: 21, D: 8, chunk: 16, train: true, tied: true}.make(),
		lossCase{R: 9, V: 21, D: 8, train: true, bias: true, ignored: true}.make(),
		lossCase{R: 9, V: 21, D: 8, ignored: true}.make(),
		lossCase{R: 17, V: 33, D: 8, train: true, values: "equal"}.make(),
		lossCase{R: 17, V: 33, D: 8, train: true, bias: true, values: "large"}.make(),
	)
}

func lmLossGradCases() []Case {
	var cs []Case
	for i := range 4 {
		cs = append(cs, lossCase{R: 5, V: 4, D: 3, train: true, bias: i%2 == 1, tied: i/2 == 1}.make())
	}
	return cs
}

func (l lossCase) make() Case {
	rows, w := l.R, "w"
	if l.tied {
		rows, w = l.V, "x"
	}
	x := normal(1)
	weight := normal(1 / math.Sqrt(float64(l.D)))
	limits := Limits{Grad: Limit{Abs: 1e-7, Max: 2e-5}, Metric: loss}
	switch l.values {
	case "equal":
		weight = constant(0)
	case "large": // logits about 1e4, known to 1e-3
		x = normal(1e4)
		limits.Metric, limits.Grad = Limit{Rel: 1e-5}, Limit{Abs: 1e-7, Max: 1e-3}
	}
	c := Case{
		Op: graph.OpLMLoss,
		Name: fmt.Sprintf("R%d V%d D%d chunk %d train %t bias %t tied %t ignored %t %s",
			l.R, l.V, l.D, l.chunk, l.train, l.bias, l.tied, l.ignored, l.values),
		Params: []Param{{Name: "x", Shape: []int{rows, l.D}, Value: x}},
		Chunk:  l.chunk,
		Limits: limits,
	}
	if !l.tied {
		c.Params = append(c.Params, Param{Name: "w", Shape: []int{l.V, l.D}, Value: weight, Grad: normal(0.1)})
	}
	if l.bias {
		c.Params = append(c.Params, Param{Name: "bias", Shape: []int{l.V}, Value: normal(0.3)})
	}
	if l.ignored {
		none := make([]int32, l.R)
		for i := range none {
			none[i] = -1
		}
		ignore := Step{Ints: map[string][]int32{"targets": none}}
		c.Steps = []Step{ignore, ignore}
	}
	scale := 1.0
	if l.train {
		scale = 1 / float64(l.R)
	}
	c.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		var bias *graph.Tensor
		if l.bias {
			bias = b.Param("bias")
		}
		x := draw(b, "x", l.R)
		targets := b.Input("targets", -1, int32(l.V), l.R)
		b.LMLoss("loss", scale, l.train, x, b.Param(w), bias, targets)
		if l.train {
			b.Backward()
		}
	}}
	return c
}
