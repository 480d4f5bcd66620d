package gpu

import (
	"cmp"
	"math"
	"slices"

	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// poisonBits is the NaN that memory holding nothing alive is filled with.
const poisonBits = 0x7fc00000

// fill is a range to be poisoned once the dispatch before it is done.
type fill struct {
	after int // dispatch, -1 for the start of the run
	Region
}

// poisoned adds to a plan dispatches that fill memory with NaN where nothing alive is. Lifetimes are
// worked out here once more, from the operands of ops and the regions of dispatches, and not taken from
// the graph's plan of memory: what that plan gets wrong, and every region that a kernel touches without
// need, then shows as NaN in the results.
func poisoned(g *graph.Graph, p *Plan) *Plan {
	fills := []fill{
		{-1, Region{bufArena, 0, p.Sizes[bufArena]}},
		{-1, Region{bufScratch, 0, p.Sizes[bufScratch]}},
		{-1, Region{bufMetrics, 0, p.Sizes[bufMetrics]}},
	}
	fills = append(fills, arenaFills(g, p.Dispatches)...)
	fills = append(fills, scratchFills(p.Dispatches)...)
	slices.SortStableFunc(fills, func(a, b fill) int { return cmp.Compare(a.after, b.after) })
	l := &lowering{g: g}
	for i := -1; i < len(p.Dispatches); i++ {
		if i >= 0 {
			l.list = append(l.list, p.Dispatches[i])
		}
		l.op = p.Dispatches[max(i, 0)].Op
		for ; len(fills) > 0 && fills[0].after == i; fills = fills[1:] {
			l.poison(fills[0].Region)
		}
	}
	q := *p
	q.Dispatches = l.list
	q.Barriers = Barriers(q.Dispatches, len(q.Sizes))
	return &q
}

// poison records a fill. The kernel writes 4 numbers at a time from a multiple of 16 bytes on, so up to 3
// of a piece of scratch that starts elsewhere go without.
func (l *lowering) poison(r Region) {
	r.From = (r.From + 15) &^ 15
	n := (r.To - r.From) / 4
	if n <= 0 {
		return
	}
	args := shaders.MemoryArgs{Count: uint32(n), Value: math.Float32frombits(poisonBits)}
	l.launch("memory", "fill_memory", shaders.Elementwise(n), args, nil,
		operand{buffer: r.Buffer, offset: r.From, bytes: r.To - r.From, write: true})
}

// arenaFills poisons each activation after the op that uses it last, unless that op hands its memory
// on to an output of just its place and size.
func arenaFills(g *graph.Graph, list []Dispatch) []fill {
	last := map[*graph.Tensor]*graph.Op{}
	for _, op := range g.Ops {
		for _, t := range slices.Concat(op.In, op.Out) {
			if t != nil && t.Role == graph.Activation {
				last[t] = op
			}
		}
	}
	var fills []fill
	for _, t := range g.Tensors {
		op := last[t]
		if op == nil || slices.ContainsFunc(op.Out, func(o *graph.Tensor) bool { return follows(o, t) }) {
			continue
		}
		after := -1
		for i := range list {
			if list[i].Op.Index <= op.Index {
				after = i
			}
		}
		fills = append(fills, fill{after, Region{bufArena, 4 * t.Offset, 4 * (t.Offset + t.Len())}})
	}
	return fills
}

// follows tells whether output o of an op takes the place of its input t.
func follows(o, t *graph.Tensor) bool {
	return o != nil && o != t && (o.Role == graph.Activation || o.Role == graph.Output) &&
		o.Offset == t.Offset && o.Len() == t.Len()
}

// scratchFills poisons each piece of scratch after its last use by an op, and between two uses when
// the second only writes.
func scratchFills(list []Dispatch) []fill {
	var points []int
	each := func(d *Dispatch, f func(r Region, write bool)) {
		for _, r := range d.Reads {
			if r.Buffer == bufScratch {
				f(r, false)
			}
		}
		for _, r := range d.Writes {
			if r.Buffer == bufScratch {
				f(r, true)
			}
		}
	}
	for i := range list {
		each(&list[i], func(r Region, _ bool) { points = append(points, r.From, r.To) })
	}
	slices.Sort(points)
	points = slices.Compact(points)
	var fills []fill
	for s := 1; s < len(points); s++ {
		piece, before := Region{bufScratch, points[s-1], points[s]}, -1
		for i := range list {
			read, written := false, false
			each(&list[i], func(r Region, write bool) {
				if r.Overlaps(piece) {
					read, written = read || !write, written || write
				}
			})
			if !read && !written {
				continue
			}
			if before >= 0 && (!read || list[i].Op != list[before].Op) {
				fills = append(fills, fill{before, piece})
			}
			before = i
		}
		if before >= 0 {
			fills = append(fills, fill{before, piece})
		}
	}
	return joined(fills)
}

// joined makes one fill of neighbours that are due at the same time.
func joined(fills []fill) []fill {
	slices.SortStableFunc(fills, func(a, b fill) int {
		return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(a.From, b.From))
	})
	var out []fill
	for _, f := range fills {
		if n := len(out); n > 0 && out[n-1].after == f.after && out[n-1].To == f.From {
			out[n-1].To = f.To
			continue
		}
		out = append(out, f)
	}
	return out
}
