package graph

import (
	"testing"
)

// count returns the ops of a kind.
func count(g *Graph, k Kind) (ops []*Op) {
	for _, op := range g.Ops {
		if op.Kind == k {
			ops = append(ops, op)
		}
	}
	return ops
}

// TestBackwardConsumers: a tensor read by several ops gets the sum of their gradients, through the
// carries of ops that have one and through additions otherwise.
func TestBackwardConsumers(t *testing.T) {
	g, err := Build("test", testSchema(), func(b *Builder) {
		ids := b.Input("ids", 0, 4, 4)
		x := b.Embed("emb", EmbedAttr{T: 4, Scale: 1}, ids, b.Param("m4x8"), nil, nil)
		q := b.MatMul("q", x, b.Param("m8x8"), nil)
		k := b.MatMul("k", x, b.Param("m8x8"), nil)
		y := b.SwiGLU("swiglu", q, k)
		z := b.SwiGLU("again", y, x)
		b.LMLoss("loss", 1, true, z, b.Param("m7x8"), nil, ids)
		b.Backward()
	})
	if err != nil {
		t.Fatal(err)
	}
	// x: from "again" by itself, then k adds the carry, then q.
	again, grads := count(g, OpSwiGLUGrad), count(g, OpMatMul)
	var inputs []*Op
	for _, op := range grads {
		if op.Attr.(MatMulAttr).Layout == NN {
			inputs = append(inputs, op)
		}
	}
	if len(again) != 2 || len(inputs) != 2 {
		t.Fatalf("%d gradients of swiglu and %d of inputs of layers, want 2 and 2", len(again), len(inputs))
	}
	if inputs[0].In[3] != again[0].Out[1] || inputs[1].In[3] != inputs[0].Out[0] {
		t.Errorf("gradients of x are not carried: %v then %v", inputs[0].In[3], inputs[1].In[3])
	}
	embed := count(g, OpEmbedGrad)
	if len(embed) != 1 || embed[0].In[1] != inputs[1].Out[0] {
		t.Errorf("the embedding does not get the whole sum")
	}
}

// TestBackwardAdds: ops without a carry meet in an addition, emitted once for each further consumer.
func TestBackwardAdds(t *testing.T) {
	g, err := Build("test", testSchema(), func(b *Builder) {
		ids := b.Input("ids", 0, 4, 4)
		x := b.Embed("emb", EmbedAttr{T: 4, Scale: 1}, ids, b.Param("m4x8"), nil, nil)
		for _, site := range []string{"a", "b", "c"} {
			b.LMLoss(site, 1, true, b.Activation(site, GELU, x), b.Param("m7x8"), nil, ids)
		}
		b.Backward()
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(count(g, OpAdd)); n != 2 {
		t.Errorf("%d additions join the gradients of three consumers, want 2", n)
	}
	if n := len(count(g, OpEmbedGrad)); n != 1 {
		t.Errorf("%d gradients of the embedding, want 1", n)
	}
}

// TestTiedWeights: the head and the embedding write one gradient tensor, which has role Grad and so is
// added to by both.
func TestTiedWeights(t *testing.T) {
	g := transformer(t, 2, true)
	head, embed := count(g, OpLMLoss)[0].Out[2], count(g, OpEmbedGrad)[0].Out[0]
	if head != embed || head.Role != Grad || g.Schema.Params[head.Index].Name != "m4x8" {
		t.Errorf("the head's gradient is %v, the embedding's %v", head, embed)
	}
}

// TestBackwardStops: what no training loss depends on gets no gradient ops, and an evaluation none
// at all.
func TestBackwardStops(t *testing.T) {
	write := func(train bool) *Graph {
		g, err := Build("test", testSchema(), func(b *Builder) {
			ids := b.Input("ids", 0, 4, 4)
			x := b.Embed("emb", EmbedAttr{T: 4, Scale: 1}, ids, b.Param("m4x8"), nil, nil)
			b.Probe("rms.0", MeasureRMS, b.MatMul("watched", x, b.Param("m8x8"), nil))
			b.LMLoss("loss", 1, train, x, b.Param("m7x8"), nil, ids)
			b.Backward()
		})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	if n := len(count(write(true), OpMatMul)); n != 1 {
		t.Errorf("%d products; the watched branch must have no gradient", n)
	}
	if n := len(write(false).Ops); n != 4 {
		t.Errorf("an evaluation has %d ops after Backward, want its own 4", n)
	}
}

// TestGradientRoles: only tensors of role Grad stand for gradients of parameters, gradient ops keep
// the block they belong to, and each activation has one writer.
func TestGradientRoles(t *testing.T) {
	g := transformer(t, 3, true)
	writers := map[*Tensor]int{}
	layers := map[int]int{}
	for _, op := range g.Ops {
		if op.Kind == OpNormGrad {
			layers[op.Layer]++
		}
		for _, x := range op.Out {
			if x == nil {
				continue
			}
			writers[x]++
			if x.Role == Param || x.Role == Input {
				t.Errorf("%s writes %s, which has role %s", op, x, x.Role)
			}
		}
	}
	for x, n := range writers {
		if n != 1 && x.Role != Grad {
			t.Errorf("%s is written %d times", x, n)
		}
	}
	for layer, want := range map[int]int{-1: 1, 0: 2, 1: 2, 2: 2} {
		if layers[layer] != want {
			t.Errorf("%d norm gradients belong to block %d, want %d", layers[layer], layer, want)
		}
	}
}
