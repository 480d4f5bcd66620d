package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func lowerProbe(l *lowering, op *graph.Op) {
	x := op.In[0]
	grid := shaders.ProbeParts(x.Len())
	n := grid.Groups[0]
	parts := l.temp(n)
	args := shaders.ProbeArgs{Count: uint32(x.Len()), Parts: uint32(n)}
	consts := []any{op.Attr.(graph.ProbeAttr).Measure == graph.MeasureMax}
	l.launch("probe", "probe_parts", grid, args, consts, in(x), parts.writing())
	l.launch("probe", "probe", shaders.ProbeGrid(), args, consts, parts.reading(), out(op.Out[0]))
}
