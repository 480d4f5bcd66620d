package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// probe is sqrt(mean(x^2)) or max(x); a NaN in x makes either NaN.
func probe(p *program, op *graph.Op) {
	x, y := p.f(op.In[0]), p.f(op.Out[0])
	switch op.Attr.(graph.ProbeAttr).Measure {
	case graph.MeasureRMS:
		y[0] = math.Sqrt(dot(x, x) / float64(len(x)))
	case graph.MeasureMax:
		y[0] = math.Inf(-1)
		for _, v := range x {
			y[0] = math.Max(y[0], v)
		}
	}
}
