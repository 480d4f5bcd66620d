package gpu

import (
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

func routeArgs(a graph.RouteAttr) shaders.RouteArgs {
	return shaders.RouteArgs{
		Tokens: uint32(a.R), Experts: uint32(a.E), Chosen: uint32(a.K),
		Blocks: uint32(shaders.RouteBlocks(a.R)), Balance: float32(a.Balance), Z: float32(a.Z),
	}
}

// A router is four dispatches: choose, count by blocks, scan the counts, place. What the host needs to
// know of the choices is nothing.
func lowerRoute(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.RouteAttr)
	args, blocks := routeArgs(a), shaders.RouteBlocks(a.R)
	probs, gates, lse, index := out(op.Out[0]), out(op.Out[1]), out(op.Out[2]), out(op.Out[3])
	pos, source, offsets := out(op.Out[4]), out(op.Out[5]), out(op.Out[6])
	load, stats := out(op.Out[7]), out(op.Out[8])
	counts, sums, entropies := l.temp(blocks*a.E), operand{absent: true}, operand{absent: true}
	if !stats.absent {
		sums, entropies = l.temp(blocks*(a.E+2)), l.temp(a.R)
	}
	counted := func(o operand) operand { // read for the statistics only
		if stats.absent {
			return operand{absent: true}
		}
		return o.reading()
	}
	consts := []any{a.Renorm, !stats.absent}
	l.launch("route", "route_rows", shaders.RouteRowGrid(a.R), args, consts,
		in(op.In[0]), probs, gates, lse, index, entropies.writing())
	l.launch("route", "route_count", shaders.RouteBlockGrid(a.R, a.E), args, consts,
		index.reading(), counted(probs), counted(lse), entropies.reading(), counts.writing(), sums.writing())
	scanned := counts
	scanned.read, scanned.write = true, true
	l.launch("route", "route_scan", shaders.RouteScanGrid(), args, consts,
		scanned, sums.reading(), offsets, load, stats)
	l.launch("route", "route_place", shaders.RouteBlockGrid(a.R, a.E), args, consts,
		index.reading(), counts.reading(), offsets.reading(), pos, source)
}

func lowerRouteGrad(l *lowering, op *graph.Op) {
	a := op.Attr.(graph.RouteAttr)
	l.launch("route", "route_grad", shaders.RouteRowGrid(a.R), routeArgs(a), []any{a.Renorm, false},
		in(op.In[0]), in(op.In[1]), in(op.In[2]), in(op.In[3]), in(op.In[4]), in(op.In[5]), out(op.Out[0]))
}
