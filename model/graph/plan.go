package graph

import (
	"slices"
	"sort"
)

// Plan says where each activation and output lives in the arena. Offsets are in Tensor.Offset.
type Plan struct {
	ArenaLen int // elements
	// InPlace[op] lists pairs {input, output} of that op that share memory.
	InPlace map[int][][2]int
	// First and Last give, by tensor ID, the op that writes an activation and the last that reads
	// it; -1 for tensors outside the arena.
	First, Last []int
}

// span is one stretch of arena memory, used by a chain of tensors that hand it on in place.
type span struct {
	tensors     []*Tensor
	first, last int
	size        int
	offset      int
}

// plan places every activation and output. Tensors whose lives do not overlap share memory; where an
// op allows it and the input dies there, input and output share. Spans are placed largest first at
// the lowest free offset, which packs training steps within a few percent of the largest live set.
func plan(g *Graph) Plan {
	p := Plan{InPlace: map[int][][2]int{}}
	p.First, p.Last = lives(g)
	spans := chains(g, &p)
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].size > spans[j].size })
	var placed []*span // by offset
	for _, s := range spans {
		for _, o := range placed {
			if o.first > s.last || s.first > o.last {
				continue
			}
			if s.offset+s.size <= o.offset {
				break
			}
			s.offset = max(s.offset, o.offset+o.size)
		}
		at := sort.Search(len(placed), func(i int) bool { return placed[i].offset > s.offset })
		placed = slices.Insert(placed, at, s)
		p.ArenaLen = max(p.ArenaLen, s.offset+s.size)
		for _, t := range s.tensors {
			t.Offset = s.offset
		}
	}
	return p
}

func inArena(t *Tensor) bool { return t != nil && (t.Role == Activation || t.Role == Output) }

// lives finds the op that writes and the op that last reads each arena tensor.
func lives(g *Graph) (first, last []int) {
	first, last = make([]int, len(g.Tensors)), make([]int, len(g.Tensors))
	for i := range first {
		first[i], last[i] = -1, -1
	}
	for i, op := range g.Ops {
		for _, t := range op.In {
			if inArena(t) {
				last[t.ID] = i
			}
		}
		for _, t := range op.Out {
			if inArena(t) {
				first[t.ID] = i
				last[t.ID] = max(last[t.ID], i)
			}
		}
	}
	for _, t := range g.Outputs {
		last[t.ID] = len(g.Ops)
	}
	return first, last
}

// chains joins tensors that may hand their memory on in place and returns one span per chain.
func chains(g *Graph, p *Plan) []*span {
	of := make([]*span, len(g.Tensors))
	var spans []*span
	for i, op := range g.Ops {
		handed := map[*span]bool{}
		for j, t := range op.Out {
			if !inArena(t) {
				continue
			}
			for _, pair := range inPlace[op.Kind] {
				in := op.In[pair[0]]
				if pair[1] != j || !inArena(in) || in.Role == Output || p.Last[in.ID] != i ||
					in.Len() != t.Len() || handed[of[in.ID]] || readElsewhere(op, pair[0]) {
					continue
				}
				of[t.ID] = of[in.ID]
				handed[of[in.ID]] = true
				p.InPlace[i] = append(p.InPlace[i], pair)
				break
			}
			if of[t.ID] == nil {
				of[t.ID] = &span{first: i, size: roundUp(t.Len(), Align)}
				spans = append(spans, of[t.ID])
			}
			s := of[t.ID]
			s.tensors = append(s.tensors, t)
			s.last = max(s.last, p.Last[t.ID])
		}
	}
	return spans
}

// readElsewhere tells whether op reads its input i through another operand too.
func readElsewhere(op *Op, i int) bool {
	for j, t := range op.In {
		if j != i && t == op.In[i] {
			return true
		}
	}
	return false
}
