package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func probeCases() []Case {
	var cs []Case
	add := func(rows, width int, values string, fill Fill) {
		cs = append(cs, Case{
			Op:     graph.OpProbe,
			Name:   fmt.Sprintf("%dx%d %s", rows, width, values),
			Params: []Param{{Name: "x", Shape: []int{rows, width}, Value: fill}},
			Graphs: []func(*graph.Builder){func(b *graph.Builder) {
				x := feed(b, "x")
				b.Probe("rms.0", graph.MeasureRMS, x)
				b.Probe("max.0", graph.MeasureMax, x)
				b.Probe("rms.1", graph.MeasureRMS, b.Param("x"))
			}},
			Limits: Limits{Metric: measure},
		})
	}
	for _, edge := range edges {
		add(1, edge, "normal", normal(1))
		add(edge, 24, "normal", normal(1))
	}
	add(9, 31, "offset", around(1e3, 1))
	add(9, 31, "negative", around(-1e3, 1))
	add(9, 31, "outliers", outliers)
	add(9, 31, "zero", constant(0))
	for _, at := range []int{0, 17, 9*31 - 1} {
		add(9, 31, fmt.Sprint("NaN at ", at), with(normal(1), at, nan))
		add(9, 31, fmt.Sprint("infinity at ", at), with(normal(1), at, inf))
		add(9, 31, fmt.Sprint("-infinity at ", at), with(normal(1), at, -inf))
	}
	add(3, 5, "all -infinity", constant(float32(-inf)))
	add(3, 5, "all NaN", constant(float32(nan)))
	return cs
}
