package conformance

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// stateParams are parameters of odd sizes in three blocks and outside, with gradients and moments
// about as large as std. One gradient is zero throughout: its norm and its update are zero too.
func stateParams(std float64) []Param {
	var ps []Param
	for i, shape := range [][]int{{1}, {33, 31}, {65}, {7, 9}, {4097}, {3}, {128, 5}} {
		p := Param{
			Name: fmt.Sprint("p", i), Shape: shape, Layer: i%4 - 1, Decay: len(shape) == 2,
			Value: normal(1), Grad: normal(std), Moment1: normal(std), Moment2: squares(std),
		}
		if i == 5 {
			p.Grad, p.Moment1, p.Moment2 = nil, nil, nil
		}
		ps = append(ps, p)
	}
	return ps
}

// updateAt is one run of an update graph at step t.
func updateAt(t int, lr, maxNorm float64, a graph.AdamWAttr) Step {
	return Step{Floats: map[string]float32{
		"lr":       float32(lr),
		"bias1":    float32(1 - math.Pow(a.Beta1, float64(t))),
		"bias2":    float32(1 - math.Pow(a.Beta2, float64(t))),
		"max_norm": float32(maxNorm),
	}}
}

var adamW = graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}

func writeUpdate(a graph.AdamWAttr, clear bool) func(*graph.Builder) {
	return func(b *graph.Builder) {
		lr, bias1, bias2 := b.Scalar("lr"), b.Scalar("bias1"), b.Scalar("bias2")
		clip, nonfinite, _ := b.GradNorms(b.Scalar("max_norm"), nil)
		b.AdamW(a, lr, bias1, bias2, clip, nonfinite, nil)
		if clear {
			b.Clear()
		}
	}
}

func optimizerCases() []Case {
	var cs []Case
	for _, std := range []float64{1e-4, 1, 1e3, 1e-25} {
		for _, maxNorm := range []float64{0, 1, 1e9} {
			cs = append(cs, Case{
				Op:     graph.OpGradNorms,
				Name:   fmt.Sprintf("gradients %g max %g", std, maxNorm),
				Params: stateParams(std),
				Graphs: []func(*graph.Builder){func(b *graph.Builder) { b.GradNorms(b.Scalar("max_norm"), nil) }},
				Steps:  []Step{updateAt(1, 0, maxNorm, adamW)},
				Limits: Limits{Metric: Limit{Abs: 1e-20, Rel: 1e-5}},
			})
			a := adamW
			if std == 1 {
				a = graph.AdamWAttr{Beta1: 0.8, Beta2: 0.999, Eps: 1e-6}
			}
			c := Case{
				Op:     graph.OpAdamW,
				Name:   fmt.Sprintf("gradients %g max %g", std, maxNorm),
				Params: stateParams(std),
				Graphs: []func(*graph.Builder){writeUpdate(a, false)},
				Limits: Limits{
					Metric: Limit{Abs: 1e-20, Rel: 1e-5}, Param: update, Moment: moment,
				},
			}
			for t := range 5 {
				c.Steps = append(c.Steps, updateAt(t+1, 1e-3/float64(t+1), maxNorm, a))
			}
			cs = append(cs, c)
		}
	}
	return append(cs, spoiled()...)
}

// spoiled are updates with a gradient that is not finite: nothing but the gradients may change.
func spoiled() []Case {
	var cs []Case
	for _, v := range []float64{nan, inf, -inf} {
		for i, place := range []int{0, 500, 1022} {
			ps := stateParams(1)
			ps[1].Grad = with(ps[1].Grad, place, v)
			// Without clipping: what min(1, x/NaN) is, devices need not agree on.
			at := updateAt(i+1, 1e-3, 0, adamW)
			cs = append(cs, Case{
				Op:     graph.OpAdamW,
				Name:   fmt.Sprintf("%g at %d", v, place),
				Params: ps,
				Graphs: []func(*graph.Builder){writeUpdate(adamW, i == 1)},
				Steps:  []Step{at},
				Limits: Limits{Metric: measure},
			})
		}
	}
	// After a spoiled step and a clear, training goes on.
	ps := stateParams(1)
	ps[4].Grad = with(ps[4].Grad, 4096, nan)
	cs = append(cs, Case{
		Op:     graph.OpClear,
		Name:   "goes on after NaN",
		Params: ps,
		Graphs: []func(*graph.Builder){writeUpdate(adamW, true)},
		Steps:  []Step{updateAt(1, 1e-3, 0, adamW), updateAt(2, 1e-3, 1, adamW), updateAt(3, 1e-3, 1, adamW)},
		Limits: Limits{Metric: measure, Param: update, Moment: moment},
	})
	return cs
}

// gateClipCases are updates of states with GPAS gates, whose clip comes after that of all parameters.
func gateClipCases() []Case {
	var cs []Case
	for _, std := range []float64{1, 1e3, 1e-4} {
		for _, maxNorm := range []float64{0, 1} {
			for _, maxGate := range []float64{0, 1e-2, 1e9} {
				one := moment // of a gate, the only element of its tensor, in which terms about std may cancel
				one.Abs = 3e-8 * std
				c := Case{
					Op:     graph.OpAdamW,
					Name:   fmt.Sprintf("gates, gradients %g max %g of gates %g", std, maxNorm, maxGate),
					Params: stateParams(std),
					Graphs: []func(*graph.Builder){writeGateUpdate(adamW)},
					Limits: Limits{Metric: Limit{Abs: 1e-20, Rel: 1e-5}, Param: update, Moment: one},
				}
				for i := range 3 {
					c.Params = append(c.Params, Param{
						Name: fmt.Sprint("gate", i), Shape: []int{1}, Layer: i, Gate: true, Value: normal(1),
						Grad: normal(10 * std), Moment1: normal(std), Moment2: squares(std),
					})
				}
				for t := range 2 {
					s := updateAt(t+1, 1e-3, maxNorm, adamW)
					s.Floats["max_gate"] = float32(maxGate)
					c.Steps = append(c.Steps, s)
				}
				cs = append(cs, c)
			}
		}
	}
	return cs
}

func writeGateUpdate(a graph.AdamWAttr) func(*graph.Builder) {
	return func(b *graph.Builder) {
		lr, bias1, bias2 := b.Scalar("lr"), b.Scalar("bias1"), b.Scalar("bias2")
		clip, nonfinite, clipGate := b.GradNorms(b.Scalar("max_norm"), b.Scalar("max_gate"))
		b.AdamW(a, lr, bias1, bias2, clip, nonfinite, clipGate)
	}
}
