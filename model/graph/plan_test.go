package graph

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// replay walks a graph as a device would, marking each arena element with the tensor that was written
// there last. It knows nothing of lifetimes, so it checks the plan rather than repeats it.
func replay(g *Graph) error {
	arena := make([]int, g.Plan.ArenaLen)
	for i := range arena {
		arena[i] = -1
	}
	written := make([]bool, len(g.Tensors))
	holds := func(t *Tensor) error {
		if !written[t.ID] {
			return fmt.Errorf("%s is read before it is written", t)
		}
		for i, owner := range arena[t.Offset : t.Offset+t.Len()] {
			if owner != t.ID {
				return fmt.Errorf("element %d of %s was overwritten by %s", i, t, g.Tensors[owner])
			}
		}
		return nil
	}
	for i, op := range g.Ops {
		for _, t := range op.In {
			if inArena(t) {
				if err := holds(t); err != nil {
					return fmt.Errorf("op %d %s: %w", i, op, err)
				}
			}
		}
		if err := replayInPlace(g, op); err != nil {
			return fmt.Errorf("op %d %s: %w", i, op, err)
		}
		for _, t := range op.Out {
			if !inArena(t) {
				continue
			}
			if written[t.ID] {
				return fmt.Errorf("op %d %s writes %s a second time", i, op, t)
			}
			if t.Offset%Align != 0 || t.Offset+t.Len() > len(arena) {
				return fmt.Errorf("%s lies at %d of an arena of %d", t, t.Offset, len(arena))
			}
			written[t.ID] = true
			for j := range t.Len() {
				arena[t.Offset+j] = t.ID
			}
		}
		for _, t := range op.Out { // all of them, still
			if inArena(t) {
				if err := holds(t); err != nil {
					return fmt.Errorf("op %d %s: %w", i, op, err)
				}
			}
		}
	}
	for _, t := range g.Outputs {
		if err := holds(t); err != nil {
			return fmt.Errorf("after the run: %w", err)
		}
	}
	return nil
}

// replayInPlace asks that an input and an output of op share elements only as a pair that the plan
// names, that the kind allows, and that lies at one place as a whole.
func replayInPlace(g *Graph, op *Op) error {
	for j, in := range op.In {
		for k, out := range op.Out {
			if !inArena(in) || !inArena(out) || in.Offset+in.Len() <= out.Offset ||
				out.Offset+out.Len() <= in.Offset {
				continue
			}
			pair := [2]int{j, k}
			if !hasPair(g.Plan.InPlace[op.Index], pair) || !hasPair(inPlace[op.Kind], pair) ||
				in.Offset != out.Offset || in.Len() != out.Len() {
				return fmt.Errorf("input %s and output %s overlap", in, out)
			}
			for other, t := range op.In {
				if other != j && t == in {
					return fmt.Errorf("%s is overwritten while input %d reads it", in, other)
				}
			}
		}
	}
	for _, pair := range g.Plan.InPlace[op.Index] {
		if op.In[pair[0]].Offset != op.Out[pair[1]].Offset {
			return fmt.Errorf("the planned pair %v does not share memory", pair)
		}
	}
	return nil
}

func hasPair(pairs [][2]int, p [2]int) bool {
	for _, q := range pairs {
		if q == p {
			return true
		}
	}
	return false
}

// randomGraph writes ops over a pool of [4 8] activations picked at random, with and without gradient.
func randomGraph(rt *rapid.T) (*Graph, error) {
	return Build("random", testSchema(), func(b *Builder) {
		ids := b.Input("ids", 0, 4, 4)
		pool := []*Tensor{b.Embed("emb", EmbedAttr{T: 4, Scale: 1}, ids, b.Param("m4x8"), nil, nil)}
		pick := func() *Tensor {
			// Late tensors more often, so that chains form.
			n := rapid.IntRange(0, min(3, len(pool)-1)).Draw(rt, "back")
			if rapid.IntRange(0, 4).Draw(rt, "far") == 0 {
				n = rapid.IntRange(0, len(pool)-1).Draw(rt, "any")
			}
			return pool[len(pool)-1-n]
		}
		flag := func() bool { return rapid.Bool().Draw(rt, "flag") }
		n := rapid.IntRange(1, 25).Draw(rt, "ops")
		for i := range n {
			site := fmt.Sprint("op", i)
			pool = append(pool, randomOp(b, site, rapid.IntRange(0, 7).Draw(rt, "kind"), pick, flag))
			last := pool[len(pool)-1]
			if last.Role == Activation && rapid.IntRange(0, 9).Draw(rt, "keep") == 0 {
				b.Keep(site, last)
			}
		}
		losses := rapid.IntRange(1, 2).Draw(rt, "losses")
		train := flag()
		for range losses {
			b.LMLoss("loss", 1, train, pick(), b.Param("m7x8"), nil, ids)
		}
		if train {
			b.Backward()
		}
	})
}

// randomOp emits one op of the numbered kind over [4 8] tensors.
func randomOp(b *Builder, site string, kind int, pick func() *Tensor, flag func() bool) *Tensor {
	switch kind {
	case 0:
		var bias *Tensor
		if flag() {
			bias = b.Param("v8")
		}
		return b.MatMul(site, pick(), b.Param("m8x8"), bias)
	case 1:
		at := NormAttr{Kind: RMS, Width: 4, Eps: 1e-5, Scale: 1}
		if flag() {
			at.Kind = LN
		}
		return b.Norm(site, at, pick(), b.Param("v4"), nil)
	case 2:
		return b.Rope(site, RopeAttr{T: 2, Heads: 2, HeadDim: 4, Theta: 100}, pick(), nil)
	case 3:
		a := AttentionAttr{B: 2, T: 2, H: 2, K: 2, D: 4, DV: 4, Scale: 1}
		o, top := b.Attention(site, a, pick(), pick(), pick(), flag())
		if top != nil {
			b.Probe("top."+site, MeasureMax, top)
		}
		return o
	case 4:
		return b.SwiGLU(site, pick(), pick())
	case 5:
		return b.Activation(site, GELU, pick())
	case 6:
		x := pick()
		b.Probe("rms."+site, MeasureRMS, x)
		return b.Add(site, 0.5, x, 0, nil)
	}
	factor := 1.0
	if flag() {
		factor = 2
	}
	return b.Add(site, factor, pick(), 1, pick())
}

// TestPlanRandom: no op ever finds an operand overwritten, activations are written once, inputs and
// outputs share memory only where planned and allowed, kept tensors survive the run.
func TestPlanRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, err := randomGraph(rt)
		if err != nil {
			rt.Fatal(err)
		}
		if err := replay(g); err != nil {
			rt.Fatal(err)
		}
		if live := largestLive(g); g.Plan.ArenaLen < live {
			rt.Fatalf("an arena of %d cannot hold %d live elements", g.Plan.ArenaLen, live)
		}
	})
}

// TestReplayCatches: the checker itself must see a plan that is wrong.
func TestReplayCatches(t *testing.T) {
	g := transformer(t, 3, true)
	if err := replay(g); err != nil {
		t.Fatal(err)
	}
	caught := 0
	moved := 0
	for _, x := range g.Tensors {
		if !inArena(x) || x.Offset == 0 {
			continue
		}
		at := x.Offset
		x.Offset = 0
		moved++
		if replay(g) != nil {
			caught++
		}
		x.Offset = at
	}
	if caught < moved*3/4 || moved < 20 {
		t.Errorf("only %d of %d misplaced tensors were noticed", caught, moved)
	}
}

// largestLive is the most elements that are live at one op, padding included, when in-place pairs
// count once. It is computed op by op from reads and writes.
func largestLive(g *Graph) int {
	most := 0
	for i := range g.Ops {
		seen := map[int]bool{} // by offset: a pair in place counts once
		live := 0
		for _, t := range g.Tensors {
			if !inArena(t) || seen[t.Offset] {
				continue
			}
			first, last := len(g.Ops), -1
			for j, op := range g.Ops {
				for _, x := range op.Out {
					if x == t {
						first, last = min(first, j), max(last, j)
					}
				}
				for _, x := range op.In {
					if x == t {
						last = j
					}
				}
			}
			if t.Role == Output {
				last = len(g.Ops)
			}
			if first <= i && i <= last {
				seen[t.Offset] = true
				live += roundUp(t.Len(), Align)
			}
		}
		most = max(most, live)
	}
	return most
}

// transformer is a pre-norm model of L blocks, width 8 in 2 heads, over 4 tokens.
func transformer(t *testing.T, L int, train bool) *Graph {
	t.Helper()
	g, err := Build("transformer", testSchema(), func(b *Builder) {
		ids := b.Input("ids", 0, 4, 4)
		w, gain := b.Param("m8x8"), b.Param("v8")
		x := b.Embed("emb", EmbedAttr{T: 4, Scale: 1}, ids, b.Param("m4x8"), nil, nil)
		norm := NormAttr{Kind: RMS, Width: 8, Eps: 1e-5, Scale: 1}
		for l := range L {
			b.Scope(l, fmt.Sprint("blocks.", l))
			h := b.Norm("attn_in", norm, x, gain, nil)
			rope := RopeAttr{T: 4, Heads: 2, HeadDim: 4, Theta: 100}
			q := b.Rope("q.rope", rope, b.MatMul("q", h, w, nil), nil)
			k := b.Rope("k.rope", rope, b.MatMul("k", h, w, nil), nil)
			a := AttentionAttr{B: 1, T: 4, H: 2, K: 2, D: 4, DV: 4, Scale: 0.5}
			o, _ := b.Attention("attention", a, q, k, b.MatMul("v", h, w, nil), false)
			x = b.Add("attn_residual", 1, x, 1, b.MatMul("o", o, w, nil))
			h = b.Norm("ffn_in", norm, x, gain, nil)
			h = b.SwiGLU("swiglu", b.MatMul("gate", h, w, nil), b.MatMul("up", h, w, nil))
			x = b.Add("ffn_residual", 1, x, 1, b.MatMul("down", h, w, nil))
		}
		b.Scope(-1, "")
		x = b.Norm("final", norm, x, gain, nil)
		b.LMLoss("loss", 1, train, x, b.Param("m4x8"), nil, ids)
		if train {
			b.Backward()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestPlanTight: a training step needs little more than its largest live set, and evaluation no more
// for many blocks than for two.
func TestPlanTight(t *testing.T) {
	g := transformer(t, 6, true)
	if live := largestLive(g); float64(g.Plan.ArenaLen) > 1.1*float64(live) {
		t.Errorf("the arena has %d elements for %d live ones", g.Plan.ArenaLen, live)
	}
	two, ten := transformer(t, 2, false).Plan.ArenaLen, transformer(t, 10, false).Plan.ArenaLen
	if two != ten {
		t.Errorf("evaluation needs %d elements for 2 blocks and %d for 10", two, ten)
	}
}

// TestResidualGradientInPlace: the gradient of the residual stream stays at one place from the last
// block to the first; every norm adds its part to it there.
func TestResidualGradientInPlace(t *testing.T) {
	g := transformer(t, 4, true)
	offset, carries := -1, 0
	for _, op := range g.Ops {
		if op.Kind != OpNormGrad || op.In[5] == nil {
			continue
		}
		carries++
		if !hasPair(g.Plan.InPlace[op.Index], [2]int{5, 0}) {
			t.Errorf("%s copies the residual gradient", op)
		}
		if offset >= 0 && op.Out[0].Offset != offset {
			t.Errorf("%s moves the residual gradient from %d to %d", op, offset, op.Out[0].Offset)
		}
		offset = op.Out[0].Offset
	}
	if carries != 2*4 {
		t.Errorf("%d norm gradients carry the residual's, want 8", carries)
	}
}
