package gpu

import (
	"slices"

	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// fusions finds per-head norms whose output only a rotation reads, and in the backward pass rotations
// back that only a norm's gradient reads. Each pair is one dispatch, made where the norm or its gradient
// stands: turned gives the rotation of such a norm, and merged holds the rotations.
//
// The pair need not be neighbours, because the rotation works in place. The memory of its input belongs
// to the pair from the first op to the last, whichever op writes it, so the intermediate result need
// not exist: forwards the norm writes what the rotation would, backwards the norm's gradient finds there
// what the rotation would have read.
func fusions(g *graph.Graph) (turned map[*graph.Op]*graph.Op, merged map[*graph.Op]bool) {
	turned, merged = map[*graph.Op]*graph.Op{}, map[*graph.Op]bool{}
	maker, readers := map[*graph.Tensor]*graph.Op{}, map[*graph.Tensor][]*graph.Op{}
	for _, op := range g.Ops {
		for _, t := range op.In {
			if t != nil {
				readers[t] = append(readers[t], op)
			}
		}
		for _, t := range op.Out {
			if t != nil {
				maker[t] = op
			}
		}
	}
	for _, rope := range g.Ops {
		if rope.Kind != graph.OpRope || !slices.Contains(g.Plan.InPlace[rope.Index], [2]int{0, 0}) {
			continue
		}
		x, y := rope.In[0], rope.Out[0]
		norm := maker[x]
		if rope.Attr.(graph.RopeAttr).Inverse {
			if len(readers[y]) != 1 || y.Role != graph.Activation {
				continue
			}
			norm = readers[y][0]
			if norm.Kind != graph.OpNormGrad || norm.In[0] != y || norm.In[5] != nil {
				continue
			}
		} else if norm == nil || norm.Kind != graph.OpNorm || norm.Out[0] != x || len(readers[x]) != 1 {
			continue
		}
		if fits(norm.Attr.(graph.NormAttr), rope.Attr.(graph.RopeAttr)) {
			turned[norm], merged[rope] = rope, true
		}
	}
	return turned, merged
}

// fits tells whether norm_rope can do both.
func fits(n graph.NormAttr, r graph.RopeAttr) bool {
	return n.Kind != graph.CRMS && r.Skip == 0 && n.Width == r.HeadDim && n.Width <= shaders.MaxNormRope
}

func normRopeArgs(n graph.NormAttr, r graph.RopeAttr, rows int) shaders.NormRopeArgs {
	return shaders.NormRopeArgs{
		Rows: uint32(rows), T: uint32(r.T), Heads: uint32(r.Heads), HeadDim: uint32(r.HeadDim),
		Eps: float32(n.Eps), Scale: float32(n.Scale),
	}
}

// lowerNormRope is lowerNorm for a norm whose result is turned by rope.
func lowerNormRope(l *lowering, op, rope *graph.Op) {
	n, r := op.Attr.(graph.NormAttr), rope.Attr.(graph.RopeAttr)
	x, gain, bias, offset := op.In[0], op.In[1], op.In[2], rope.In[1]
	turns := l.table(shaders.RopeTurns(r.Theta, r.HeadDim))
	l.launch("rope", "norm_rope", shaders.NormRopeGrid(x.Rows(), r.Heads), normRopeArgs(n, r, x.Rows()),
		[]any{r.Pairing == graph.Interleaved, false, offset != nil, n.Kind == graph.LN, gain != nil,
			bias != nil, false},
		in(x), in(gain), in(bias), in(offset), turns, out(rope.Out[0]), out(op.Out[1]), out(op.Out[2]))
}

// lowerNormRopeGrad is lowerNormGrad for a gradient that rope would have turned back before. With a gain,
// what is turned back is kept where rope would have put it, for the gradient of the gain.
func lowerNormRopeGrad(l *lowering, op, rope *graph.Op) {
	n, r := op.Attr.(graph.NormAttr), rope.Attr.(graph.RopeAttr)
	x, gain, rs, mean, offset := op.In[1], op.In[2], op.In[3], op.In[4], rope.In[1]
	dy, back, inPlace := in(rope.In[0]), operand{absent: true}, false
	if gain != nil {
		dy, back, inPlace = dy.over(out(rope.Out[0]))
	}
	turns := l.table(shaders.RopeTurns(r.Theta, r.HeadDim))
	l.launch("rope", "norm_rope_grad", shaders.NormRopeGrid(x.Rows(), r.Heads), normRopeArgs(n, r, x.Rows()),
		[]any{r.Pairing == graph.Interleaved, false, offset != nil, n.Kind == graph.LN, gain != nil,
			false, gain != nil, false, inPlace},
		dy, in(x), in(gain), in(rs), in(mean), in(offset), turns, out(op.Out[0]), back)
	if gain != nil {
		l.normWeights(op, n)
	}
}
