package graph

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// systemSchema is testSchema with a gate, experts, and a cache of latents.
func systemSchema() *Schema {
	s := testSchema()
	s.AddGate("gate", 0)
	for _, p := range []struct {
		name  string
		shape []int
	}{{"m4x3", []int{4, 3}}, {"e3x5x8", []int{3, 5, 8}}, {"e3x8x8", []int{3, 8, 8}}, {"m4x24", []int{4, 24}}} {
		s.AddParam(p.name, 0, true, p.shape...)
	}
	s.AddCache("latents", 1, 8, 8)
	return s
}

// routed is a router of 4 tokens over 3 experts.
func routed(b *Builder, k int) Routed {
	return b.Route("r", RouteAttr{R: 4, E: 3, K: k}, b.Param("m4x3"), "")
}

// TestSystemShapeErrors: as TestShapeErrors, for the ops of GPAS, MLA and experts.
func TestSystemShapeErrors(t *testing.T) {
	heads := HeadsAttr{H: 2, A: 4, B: 4}
	two := ChoicesAttr{R: 4, K: 2}
	latent := AttentionAttr{B: 1, T: 4, H: 2, K: 1, D: 8, DV: 6, Scale: 1, S: 8, Latent: true}
	attend := func(a AttentionAttr, v *Tensor, vcache int) func(b *Builder) {
		return func(b *Builder) {
			var cache *Tensor
			if vcache >= 0 {
				cache = b.Cache(vcache)
			}
			q := b.Join("q", HeadsAttr{H: 2, A: 4, B: 4}, b.Param("m4x8"), b.Param("m4x8"))
			b.AttentionCached("a", a, q, b.Param("m4x8"), v, b.Cache(3), cache, b.Input("pos", 0, 5, 1))
		}
	}
	for _, c := range []struct {
		name  string
		write func(b *Builder)
		want  []string
	}{
		{"gate size", func(b *Builder) { b.Gate("g", b.Param("m4x8"), b.Param("v3")) },
			[]string{"s.g", "gate v3[3]", "[1]"}},
		{"gate input", func(b *Builder) { b.Gate("g", b.Param("v8"), b.Param("gate")) },
			[]string{"s.g", "v8[8]", "must be a matrix"}},
		{"center", func(b *Builder) { b.Center("c", b.Param("v8")) }, []string{"s.c", "v8[8]", "must be a matrix"}},
		{"join first", func(b *Builder) { b.Join("j", heads, b.Param("m4x3"), b.Param("m4x8")) },
			[]string{"s.j", "first part m4x3[4 3]", "[4 8]"}},
		{"join second", func(b *Builder) {
			b.Join("j", HeadsAttr{H: 2, A: 4, B: 4, Shared: true}, b.Param("m4x8"), b.Param("m4x8"))
		}, []string{"s.j", "second part m4x8[4 8]", "[4 4]"}},
		{"join nothing", func(b *Builder) { b.Join("j", heads, nil, b.Param("m4x8")) },
			[]string{"s.j", "first part is missing"}},
		{"split", func(b *Builder) { b.Split("p", heads, b.Param("m4x8")) }, []string{"s.p", "m4x8[4 8]", "[4 16]"}},
		{"heads input", func(b *Builder) {
			b.HeadMatMul("h", HeadMatMulAttr{Layout: NN, H: 2, N: 8, K: 2, Stride: 2}, b.Param("m4x8"), b.Param("m4x8"))
		}, []string{"s.h", "input m4x8[4 8]", "[4 4]"}},
		{"heads weight", func(b *Builder) {
			b.HeadMatMul("h", HeadMatMulAttr{Layout: NN, H: 2, N: 8, K: 4, Stride: 4}, b.Param("m4x8"), b.Param("m4x8"))
		}, []string{"s.h", "weight m4x8[4 8]", "[8 8]"}},
		{"heads stride", func(b *Builder) {
			a := HeadMatMulAttr{Layout: NT, H: 1, N: 3, K: 8, Stride: 4, From: 2}
			b.HeadMatMul("h", a, b.Param("m4x8"), b.Param("m4x8"))
		}, []string{"s.h", "3 rows from 2", "4 of a head"}},
		{"heads layout", func(b *Builder) {
			a := HeadMatMulAttr{Layout: TN, H: 1, N: 8, K: 8, Stride: 8}
			b.HeadMatMul("h", a, b.Param("m8x8"), b.Param("m8x8"))
		}, []string{"s.h"}},
		{"rope skip odd", func(b *Builder) {
			b.Rope("r", RopeAttr{T: 4, Heads: 1, HeadDim: 8, Skip: 3}, b.Param("m4x8"), nil)
		}, []string{"s.r", "even head size", "5"}},
		{"rope skip all", func(b *Builder) {
			b.Rope("r", RopeAttr{T: 4, Heads: 1, HeadDim: 8, Skip: 8}, b.Param("m4x8"), nil)
		}, []string{"s.r", "even head size", "0"}},
		{"crms gain", func(b *Builder) {
			b.Norm("n", NormAttr{Kind: CRMS, Width: 8}, b.Param("m4x8"), b.Param("v8"), nil)
		}, []string{"s.n", "crms", "no gain"}},
		{"latent values", func(b *Builder) { attend(latent, b.Param("m4x8"), -1)(b) }, []string{"s.a", "latent values"}},
		{"latent value cache", func(b *Builder) { attend(latent, nil, 1)(b) }, []string{"s.a", "latent values"}},
		{"latent width", func(b *Builder) {
			a := latent
			a.DV = 9
			attend(a, nil, -1)(b)
		}, []string{"s.a", "latent values"}},
		{"route choices", func(b *Builder) { routed(b, 4) }, []string{"s.r", "4 of 3 experts"}},
		{"route none", func(b *Builder) { routed(b, 0) }, []string{"s.r", "0 of 3 experts"}},
		{"route many", func(b *Builder) {
			b.Route("r", RouteAttr{R: 4, E: MaxExperts + 1, K: 1}, b.Param("m4x3"), "")
		}, []string{"s.r", "1 of 257", "1 to 256 experts"}},
		{"route logits", func(b *Builder) { b.Route("r", RouteAttr{R: 4, E: 3, K: 1}, b.Param("m4x8"), "") },
			[]string{"s.r", "logits m4x8[4 8]", "[4 3]"}},
		{"gather rows", func(b *Builder) { b.Gather("g", two, b.Param("m8x8"), routed(b, 2)) },
			[]string{"s.g", "input m8x8[8 8]", "[4 8]"}},
		{"gather places", func(b *Builder) { b.Gather("g", two, b.Param("m4x8"), routed(b, 1)) },
			[]string{"s.g", "places s.r.pos[4]", "[8]"}},
		{"gather foreign places", func(b *Builder) {
			r := routed(b, 2)
			r.Source = b.Input("source", 0, 8, 8)
			b.Gather("g", two, b.Param("m4x8"), r)
		}, []string{"s.g", "source[8]", "come from a router"}},
		{"combine rows", func(b *Builder) { b.Combine("c", two, b.Param("m4x8"), routed(b, 2)) },
			[]string{"s.c", "input m4x8[4 8]", "[8 8]"}},
		{"combine gates", func(b *Builder) {
			r := routed(b, 2)
			r.Gates = b.Param("m4x3")
			b.Combine("c", two, b.Param("m8x8"), r)
		}, []string{"s.c", "gates m4x3[4 3]", "[4 2]"}},
		{"expert weights", func(b *Builder) {
			b.ExpertMatMul("e", NT, b.Param("m8x8"), b.Param("m8x8"), routed(b, 2))
		}, []string{"s.e", "three dimensions"}},
		{"expert width", func(b *Builder) {
			b.ExpertMatMul("e", NN, b.Param("m8x8"), b.Param("e3x5x8"), routed(b, 2))
		}, []string{"s.e", "weights e3x5x8[3 5 8]", "[3 8 8]"}},
		{"expert count", func(b *Builder) {
			b.ExpertMatMul("e", NT, b.Param("m8x8"), b.Param("c2x2x8"), routed(b, 2))
		}, []string{"s.e", "offsets s.r.offsets[4]", "[3]"}},
		{"expert rows", func(b *Builder) {
			b.ExpertMatMul("e", NT, b.Param("m4x8"), b.Param("e3x5x8"), routed(b, 2))
		}, []string{"s.e", "places s.r.pos[8]", "[4]"}},
		{"expert layout", func(b *Builder) {
			b.ExpertMatMul("e", TN, b.Param("m8x8"), b.Param("e3x5x8"), routed(b, 2))
		}, []string{"s.e", "NT or NN"}},
		{"keep integers", func(b *Builder) { b.Keep("index", routed(b, 2).Index) }, []string{"s.r.index[4 2]", "floats"}},
		{"max gate", func(b *Builder) { b.GradNorms(b.Scalar("max_norm"), b.Param("v3")) },
			[]string{"grad_norms", "max_gate v3[3]", "[1]"}},
		{"gradient of a shared split", func(b *Builder) {
			z := b.Join("z", heads, feedRows(b), feedRows(b))
			_, y := b.Split("p", HeadsAttr{H: 2, A: 4, B: 4, Shared: true}, z)
			b.LMLoss("loss", 1, true, y, b.Param("m8x4"), nil, b.Input("targets", 0, 8, 4))
			b.Backward()
		}, []string{"s.p", "no gradient"}},
		{"gradient of probabilities", func(b *Builder) {
			r := b.Route("r", RouteAttr{R: 4, E: 8, K: 1}, feedRows(b), "")
			b.LMLoss("loss", 1, true, r.Probs, b.Param("m8x8"), nil, b.Input("targets", 0, 8, 4))
			b.Backward()
		}, []string{"s.r", "gates", "probabilities"}},
	} {
		_, err := Build("test", systemSchema(), func(b *Builder) {
			b.Scope(0, "s")
			c.write(b)
		})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: Build returned %v, not an *Error", c.name, err)
			continue
		}
		for _, want := range append(c.want, "graph test") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not name %q", c.name, err, want)
			}
		}
	}
}

// feedRows is an activation [4 8] that has a gradient.
func feedRows(b *Builder) *Tensor {
	ids := b.Input(fmt.Sprint("ids", len(b.g.Inputs)), 0, 4, 4)
	return b.Embed("emb", EmbedAttr{T: 4, Scale: 1}, ids, b.Param("m4x8"), nil, nil)
}

// mixture emits experts over x [4 8], K of 3 for each token.
func mixture(b *Builder, site string, k int, x *Tensor) (*Tensor, Routed) {
	r := b.Route(site, RouteAttr{R: 4, E: 3, K: k}, b.MatMul(site+".router", x, b.Param("m3x8"), nil), site)
	c := ChoicesAttr{R: 4, K: k}
	rows := b.Gather(site+".gather", c, x, r)
	gate := b.ExpertMatMul(site+".gate", NT, rows, b.Param("e3x5x8"), r)
	up := b.ExpertMatMul(site+".up", NT, rows, b.Param("e3x5x8"), r)
	y := b.ExpertMatMul(site+".down", NN, b.SwiGLU(site+".swiglu", gate, up), b.Param("e3x5x8"), r)
	return b.Combine(site+".combine", c, y, r), r
}

// TestIndicesHavePlaces: the integers of a router lie in the arena from the router to the last gradient
// that reads them.
func TestIndicesHavePlaces(t *testing.T) {
	var r Routed
	g, err := Build("test", systemSchema(), func(b *Builder) {
		x := feedRows(b)
		y, routed := mixture(b, "moe", 2, x)
		r = routed
		b.LMLoss("loss", 1, true, b.Add("residual", 1, x, 1, y), b.Param("m7x8"), nil, b.Input("targets", 0, 7, 4))
		b.Backward()
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := replay(g); err != nil {
		t.Fatal(err)
	}
	route := count(g, OpRoute)[0]
	last := map[*Tensor]Kind{r.Index: OpRouteGrad, r.Offsets: OpRouteGrad, r.Source: OpGather, r.Pos: OpCombine}
	for x, kind := range last {
		if x.DType != I32 || x.Role != Activation || x.Offset%Align != 0 {
			t.Errorf("%s has type %d, role %s and lies at %d", x, x.DType, x.Role, x.Offset)
		}
		if got := g.Ops[g.Plan.Last[x.ID]].Kind; g.Plan.First[x.ID] != route.Index || got != kind {
			t.Errorf("%s is kept from op %d to a %s, want from %d to a %s", x, g.Plan.First[x.ID], got, route.Index, kind)
		}
	}
	if n := g.Metric("moe_load.moe").Len() + g.Metric("moe_stats.moe").Len(); n != 3+RouteStats {
		t.Errorf("the router has %d metrics, want %d", n, 3+RouteStats)
	}
}

// TestMixtureGradient: gate and up add to one gradient in place, gather adds to the residual's in place,
// and router and experts meet in the stream.
func TestMixtureGradient(t *testing.T) {
	g, err := Build("test", systemSchema(), func(b *Builder) {
		x := b.Norm("norm", NormAttr{Kind: RMS, Width: 8, Eps: 1e-5, Scale: 1}, feedRows(b), nil, nil)
		y, _ := mixture(b, "moe", 2, x)
		b.LMLoss("loss", 1, true, b.Add("residual", 1, x, 1, y), b.Param("m7x8"), nil, b.Input("targets", 0, 7, 4))
		b.Backward()
	})
	if err != nil {
		t.Fatal(err)
	}
	var carried *Op
	layouts := map[Layout]int{}
	for _, op := range count(g, OpExpertMatMul) {
		layouts[op.Attr.(ExpertMatMulAttr).Layout]++
		if op.In[3] != nil {
			carried = op
		}
	}
	// NT: gate, up and the gradient of down's input; NN: down and those of gate's and up's; TN: three weights.
	if layouts[NT] != 3 || layouts[NN] != 3 || layouts[TN] != 3 {
		t.Errorf("the products have the layouts %v, want three of each", layouts)
	}
	if carried == nil || carried.Name != "d.moe.gate.x" || !hasPair(g.Plan.InPlace[carried.Index], [2]int{3, 0}) {
		t.Errorf("the gradient of gate's input is not added to that of up's in place: %v", carried)
	}
	combines := count(g, OpCombine)
	back := combines[len(combines)-1]
	if back.In[1] != nil || back.In[3] == nil {
		t.Errorf("the gradient of gather has gates %v and the carry %v, want none and the residual's", back.In[1], back.In[3])
	}
	router := count(g, OpRouteGrad)
	if len(router) != 1 || len(router[0].In) != 6 {
		t.Fatalf("%d gradients of the router", len(router))
	}
	var logits *Op // the product that takes dlogits back to x
	for _, op := range count(g, OpMatMul) {
		if op.In[0] == router[0].Out[0] && op.Attr.(MatMulAttr).Layout == NN {
			logits = op
		}
	}
	if logits == nil || logits.In[3] != back.Out[0] {
		t.Error("the router's gradient does not carry the experts'")
	}
}

// TestGateGradient: dx is dy itself, and a gate that is used twice gets both parts in one tensor.
func TestGateGradient(t *testing.T) {
	g, err := Build("test", systemSchema(), func(b *Builder) {
		x := feedRows(b)
		y := b.Gate("one", x, b.Param("gate"))
		y = b.Gate("two", b.Center("center", y), b.Param("gate"))
		b.LMLoss("loss", 1, true, y, b.Param("m7x8"), nil, b.Input("targets", 0, 7, 4))
		b.Backward()
	})
	if err != nil {
		t.Fatal(err)
	}
	grads, loss, center := count(g, OpGateGrad), count(g, OpLMLoss)[0], count(g, OpCenter)
	if len(grads) != 2 || grads[0].Out[0] != grads[1].Out[0] || grads[0].Out[0].Role != Grad {
		t.Fatalf("the gate's gradients go to %v", grads)
	}
	if grads[0].In[0] != loss.Out[1] || center[1].In[0] != loss.Out[1] {
		t.Error("the last gate does not hand its gradient on")
	}
	if grads[1].In[0] != center[1].Out[0] || count(g, OpEmbedGrad)[0].In[1] != center[1].Out[0] {
		t.Error("the first gate does not hand its gradient on")
	}
}

// TestTwoUses: gradients of two uses of one tensor are summed, through the carry of ops that have one.
func TestTwoUses(t *testing.T) {
	heads := HeadsAttr{H: 2, A: 4, B: 4}
	for name, use := range map[string]func(b *Builder, x *Tensor) *Tensor{
		"gate":   func(b *Builder, x *Tensor) *Tensor { return b.Gate("g", x, b.Param("gate")) },
		"center": func(b *Builder, x *Tensor) *Tensor { return b.Center("c", x) },
		"join": func(b *Builder, x *Tensor) *Tensor {
			x, _ = b.Split("s", heads, b.Join("j", heads, x, x))
			return x
		},
		"split": func(b *Builder, x *Tensor) *Tensor {
			half := HeadsAttr{H: 2, A: 2, B: 2}
			a, _ := b.Split("s", half, x)
			_, c := b.Split("t", half, x)
			return b.Join("j", half, a, c)
		},
		"gather": func(b *Builder, x *Tensor) *Tensor {
			y, _ := mixture(b, "moe", 1, x)
			return y
		},
		"crms": func(b *Builder, x *Tensor) *Tensor {
			return b.Norm("n", NormAttr{Kind: CRMS, Width: 8, Eps: 1e-5, Scale: 1}, x, nil, nil)
		},
		"rope": func(b *Builder, x *Tensor) *Tensor {
			return b.Rope("r", RopeAttr{T: 4, Heads: 2, HeadDim: 4, Skip: 2, Theta: 10}, x, nil)
		},
	} {
		var x *Tensor
		g, err := Build("test", systemSchema(), func(b *Builder) {
			x = feedRows(b)
			y := b.Add("sum", 1, use(b, x), 1, x)
			b.LMLoss("loss", 1, true, y, b.Param("m7x8"), nil, b.Input("targets", 0, 7, 4))
			b.Backward()
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := replay(g); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// What reaches the embedding must depend on the loss's own gradient and on what came through the op.
		dx, direct := count(g, OpEmbedGrad)[0].In[1], count(g, OpLMLoss)[0].Out[1]
		if dx == direct || !dependsOn(g, dx, direct) {
			t.Errorf("%s: the sum is %s, which leaves one of the uses out", name, dx)
		}
		summed := false
		for _, op := range g.Ops {
			for i, in := range op.In {
				// The carry, or one side of an addition.
				carry := i > 0 && op.Kind != OpEmbedGrad && op.Kind != OpGateGrad || op.Kind == OpAdd && op.Name != "sum"
				summed = summed || in == direct && carry
			}
		}
		if !summed {
			t.Errorf("%s: the gradient of the other use is nowhere added", name)
		}
	}
}

// dependsOn tells whether t is worked out from source.
func dependsOn(g *Graph, t, source *Tensor) bool {
	if t == source {
		return true
	}
	for _, op := range g.Ops {
		for _, out := range op.Out {
			if out != t {
				continue
			}
			for _, in := range op.In {
				if in != nil && in != t && dependsOn(g, in, source) {
					return true
				}
			}
		}
	}
	return false
}

// TestPlanRandomSystems: as TestPlanRandom, over the ops of GPAS, MLA and experts.
func TestPlanRandomSystems(t *testing.T) {
	heads := HeadsAttr{H: 2, A: 4, B: 4}
	rapid.Check(t, func(rt *rapid.T) {
		g, err := Build("random", systemSchema(), func(b *Builder) {
			pool := []*Tensor{feedRows(b)}
			pick := func() *Tensor {
				return pool[len(pool)-1-rapid.IntRange(0, min(2, len(pool)-1)).Draw(rt, "back")]
			}
			n := rapid.IntRange(1, 15).Draw(rt, "ops")
			for i := range n {
				site, x := fmt.Sprint("op", i), pick()
				switch rapid.IntRange(0, 6).Draw(rt, "kind") {
				case 0:
					x = b.Gate(site, x, b.Param("gate"))
				case 1:
					x = b.Center(site, x)
				case 2:
					z := b.Join(site, heads, x, pick())
					y, other := b.Split(site+".split", heads, z)
					x = b.SwiGLU(site+".swiglu", y, other)
				case 3:
					x, _ = mixture(b, site, rapid.IntRange(1, 3).Draw(rt, "k"), x)
				case 4:
					x = b.Activation(site, ReLU, x)
				case 5:
					x = b.Norm(site, NormAttr{Kind: CRMS, Width: 4, Eps: 1e-5, Scale: 1}, x, nil, nil)
				case 6:
					x = b.Add(site, 1, x, 1, pick())
				}
				pool = append(pool, x)
			}
			train := rapid.Bool().Draw(rt, "train")
			b.LMLoss("loss", 1, train, pick(), b.Param("m7x8"), nil, b.Input("targets", 0, 7, 4))
			if train {
				b.Backward()
			}
		})
		if err != nil {
			rt.Fatal(err)
		}
		if err := replay(g); err != nil {
			rt.Fatal(err)
		}
	})
}
