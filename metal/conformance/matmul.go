package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

// matMulCases tries every layout at every edge size in each dimension, bias and carry taking turns.
func matMulCases() []Case {
	var cs []Case
	for _, layout := range []graph.Layout{graph.NT, graph.NN, graph.TN} {
		n := 0
		for dim := range 3 {
			for _, edge := range edges {
				size := [3]int{60, 34, 47}
				if edge > 128 {
					size = [3]int{17, 33, 18}
				}
				size[dim] = edge
				cs = append(cs, product3(layout, size, n%2 == 1, n/2%2 == 1, normal(1)))
				n++
			}
		}
		for _, size := range [][3]int{{1, 1, 1}, {64, 64, 64}, {128, 128, 128}, {1, 1, 4097}, {2, 257, 5}} {
			for n := range 4 {
				cs = append(cs, product3(layout, size, n%2 == 1, n/2 == 1, normal(1)))
			}
		}
		for _, v := range awkward[:2] {
			c := product3(layout, [3]int{33, 31, 129}, true, true, v.fill)
			c.Name += " " + v.name
			cs = append(cs, c)
		}
	}
	return cs
}

// product3 is one product of M, N, K with an activation as carry, which may be taken over in place.
func product3(l graph.Layout, size [3]int, bias, carry bool, fill Fill) Case {
	M, N, K := size[0], size[1], size[2]
	a, b := []int{M, K}, []int{N, K}
	switch l {
	case graph.NN:
		b = []int{K, N}
	case graph.TN:
		a, b = []int{K, M}, []int{K, N}
	}
	c := Case{
		Op:   graph.OpMatMul,
		Name: fmt.Sprintf("%s %dx%dx%d", l, M, N, K),
		Params: []Param{
			{Name: "a", Shape: a, Value: fill},
			{Name: "b", Shape: b, Value: fill},
		},
		Limits: Limits{Output: product},
	}
	if bias {
		c.Name += " bias"
		c.Params = append(c.Params, Param{Name: "bias", Shape: []int{N}, Value: fill})
	}
	if carry {
		c.Name += " carry"
		c.Params = append(c.Params, Param{Name: "carry", Shape: []int{M, N}, Value: fill})
	}
	c.Graphs = []func(*graph.Builder){func(g *graph.Builder) {
		var biasT, carryT *graph.Tensor
		if bias {
			biasT = g.Param("bias")
		}
		if carry {
			carryT = g.Add("carry", 1, g.Param("carry"), 0, nil)
		}
		at := graph.MatMulAttr{Layout: l, M: M, N: N, K: K}
		g.Keep("c", g.MatMulOf("product", at, g.Param("a"), g.Param("b"), biasT, carryT))
	}}
	return c
}

// linearCases are layers with their gradients: dx with and without carry, dw and db added to.
func linearCases() []Case {
	var cs []Case
	for dim := range 3 {
		for n, edge := range edges {
			size := [3]int{33, 17, 31}
			if edge > 128 {
				size = [3]int{11, 13, 9}
			}
			size[dim] = edge
			cs = append(cs, linear(size, n%2 == 1, 1+n%3))
		}
	}
	cs = append(cs, linear([3]int{65, 64, 64}, true, 3))
	return cs
}

func linearGradCases() []Case {
	var cs []Case
	for n := range 4 {
		cs = append(cs, linear([3]int{3, 4, 5}, n%2 == 1, 1+n/2))
	}
	return cs
}

// linear is the sum of several layers [rows, in] -> [rows, out] that read the same input, as queries,
// keys and values do: all but the last gradient of the input carry.
func linear(size [3]int, bias bool, layers int) Case {
	rows, in, out := size[0], size[1], size[2]
	c := Case{
		Op:   graph.OpMatMul,
		Name: fmt.Sprintf("linear %dx%d->%d layers %d", rows, in, out, layers),
		Params: []Param{
			{Name: "x", Shape: []int{rows, in}, Value: normal(1)},
			head(out),
		},
		Limits: unit.output(relative),
	}
	for i := range layers {
		c.Params = append(c.Params,
			Param{Name: fmt.Sprint("w", i), Shape: []int{out, in}, Value: normal(0.3), Grad: normal(1)})
		if bias {
			c.Params = append(c.Params,
				Param{Name: fmt.Sprint("b", i), Shape: []int{out}, Value: normal(0.3), Grad: normal(1)})
		}
	}
	if bias {
		c.Name += " bias"
	}
	c.Graphs = []func(*graph.Builder){func(g *graph.Builder) {
		x := feed(g, "x")
		var sum *graph.Tensor
		for i := range layers {
			var b *graph.Tensor
			if bias {
				b = g.Param(fmt.Sprint("b", i))
			}
			y := g.MatMul(fmt.Sprint("y", i), x, g.Param(fmt.Sprint("w", i)), b)
			if sum != nil {
				y = g.Add("sum", 1, sum, 1, y)
			}
			sum = y
		}
		g.Keep("y", sum)
		score(g, sum, 0.1)
	}}
	return c
}
