package graph

import (
	"errors"
	"strings"
	"testing"
)

// testSchema has a parameter of every shape the tests here need: names tell the shape.
func testSchema() *Schema {
	s := &Schema{}
	for _, p := range []struct {
		name  string
		shape []int
	}{
		{"v3", []int{3}}, {"v4", []int{4}}, {"v8", []int{8}},
		{"m4x8", []int{4, 8}}, {"m8x8", []int{8, 8}}, {"m7x8", []int{7, 8}}, {"m3x8", []int{3, 8}},
		{"m8x4", []int{8, 4}}, {"m8x7", []int{8, 7}}, {"c2x2x8", []int{2, 2, 8}},
	} {
		s.AddParam(p.name, -1, len(p.shape) == 2, p.shape...)
	}
	s.AddCache("kcache", 1, 8, 8)
	s.AddCache("vcache", 1, 8, 8)
	s.AddCache("small", 1, 2, 8)
	return s
}

// TestShapeErrors: what does not fit ends the build with an error that names the op, the tensor with
// its shape, and what would fit.
func TestShapeErrors(t *testing.T) {
	rms := NormAttr{Kind: RMS, Width: 8, Eps: 1e-5, Scale: 1}
	ln := NormAttr{Kind: LN, Width: 8, Eps: 1e-5, Scale: 1}
	attn := AttentionAttr{B: 1, T: 4, H: 2, K: 2, D: 4, DV: 4, Scale: 1, S: 8}
	ids := func(b *Builder) *Tensor { return b.Input("ids", 0, 4, 4) }
	for _, c := range []struct {
		name  string
		write func(b *Builder)
		want  []string
	}{
		{"matmul width", func(b *Builder) { b.MatMul("q", b.Param("m4x8"), b.Param("m8x4"), nil) },
			[]string{"s.q", "m4x8[4 8]", "m8x4[8 4]", "width 8", "takes 4"}},
		{"matmul vector", func(b *Builder) { b.MatMul("q", b.Param("v8"), b.Param("m8x8"), nil) },
			[]string{"s.q", "v8[8]", "must be a matrix"}},
		{"matmul bias", func(b *Builder) { b.MatMul("q", b.Param("m4x8"), b.Param("m8x8"), b.Param("v3")) },
			[]string{"s.q", "bias v3[3]", "[8]"}},
		{"matmul nothing", func(b *Builder) { b.MatMul("q", nil, b.Param("m8x8"), nil) },
			[]string{"s.q", "input is missing"}},
		{"product TN", func(b *Builder) {
			b.MatMulOf("p", MatMulAttr{TN, 8, 8, 4}, b.Param("m4x8"), b.Param("m8x8"), nil, nil)
		}, []string{"p", "b m8x8[8 8]", "[4 8]"}},
		{"product carry", func(b *Builder) {
			b.MatMulOf("p", MatMulAttr{NN, 4, 8, 8}, b.Param("m4x8"), b.Param("m8x8"), nil, b.Param("m8x8"))
		}, []string{"p", "carry m8x8[8 8]", "[4 8]"}},
		{"norm rows", func(b *Builder) { b.Norm("n", NormAttr{Width: 3}, b.Param("m4x8"), nil, nil) },
			[]string{"s.n", "m4x8[4 8]", "rows of 3"}},
		{"norm no width", func(b *Builder) { b.Norm("n", NormAttr{}, b.Param("m4x8"), nil, nil) },
			[]string{"s.n", "m4x8[4 8]", "rows of 0"}},
		{"norm gain", func(b *Builder) { b.Norm("n", rms, b.Param("m4x8"), b.Param("v4"), nil) },
			[]string{"s.n", "gain v4[4]", "[8]"}},
		{"norm bias alone", func(b *Builder) { b.Norm("n", ln, b.Param("m4x8"), nil, b.Param("v8")) },
			[]string{"s.n", "bias", "gain"}},
		{"rms bias", func(b *Builder) { b.Norm("n", rms, b.Param("m4x8"), b.Param("v8"), b.Param("v8")) },
			[]string{"s.n", "bias", "ln"}},
		{"rope odd", func(b *Builder) { b.Rope("r", RopeAttr{T: 4, Heads: 1, HeadDim: 7}, b.Param("m8x7"), nil) },
			[]string{"s.r", "even head size", "7"}},
		{"rope heads", func(b *Builder) { b.Rope("r", RopeAttr{T: 4, Heads: 3, HeadDim: 2}, b.Param("m4x8"), nil) },
			[]string{"s.r", "m4x8[4 8]", "3 heads of 2"}},
		{"rope rows", func(b *Builder) { b.Rope("r", RopeAttr{T: 3, Heads: 2, HeadDim: 4}, b.Param("m4x8"), nil) },
			[]string{"s.r", "m4x8[4 8]", "T = 3"}},
		{"attention sharing", func(b *Builder) {
			a := attn
			a.H, a.K = 3, 2
			x := b.Param("m4x8")
			b.Attention("a", a, x, x, x, false)
		}, []string{"s.a", "3 query heads", "2 key/value heads"}},
		{"attention queries", func(b *Builder) {
			b.Attention("a", attn, b.Param("m8x8"), b.Param("m4x8"), b.Param("m4x8"), false)
		}, []string{"s.a", "queries m8x8[8 8]", "[4 8]"}},
		{"attention keys", func(b *Builder) {
			b.Attention("a", attn, b.Param("m4x8"), b.Param("m8x4"), b.Param("m4x8"), false)
		}, []string{"s.a", "keys m8x4[8 4]", "[4 8]"}},
		{"attention values", func(b *Builder) {
			b.Attention("a", attn, b.Param("m4x8"), b.Param("m4x8"), b.Param("m8x4"), false)
		}, []string{"s.a", "values m8x4[8 4]", "[4 8]"}},
		{"cache shape", func(b *Builder) {
			x := b.Param("m4x8")
			b.AttentionCached("a", attn, x, x, x, b.Cache(2), b.Cache(1), b.Input("pos", 0, 5, 1))
		}, []string{"s.a", "key cache small[1 2 8]", "[1 8 8]"}},
		{"cache room", func(b *Builder) {
			a := attn
			a.S = 2
			x := b.Param("m4x8")
			b.AttentionCached("a", a, x, x, x, b.Cache(2), b.Cache(2), b.Input("pos", 0, 1, 1))
		}, []string{"s.a", "4 tokens", "cache of 2"}},
		{"cache position", func(b *Builder) {
			x := b.Param("m4x8")
			b.AttentionCached("a", attn, x, x, x, b.Cache(0), b.Cache(1), b.Input("pos", 0, 6, 1))
		}, []string{"s.a", "position pos[1]", "0 to 5", "0 to 4"}},
		{"swiglu", func(b *Builder) { b.SwiGLU("g", b.Param("m4x8"), b.Param("m8x8")) },
			[]string{"s.g", "up m8x8[8 8]", "[4 8]"}},
		{"gelu", func(b *Builder) { b.Activation("g", GELU, b.Param("v8")) }, []string{"s.g", "v8[8]"}},
		{"add", func(b *Builder) { b.Add("res", 1, b.Param("m4x8"), 1, b.Param("m8x8")) },
			[]string{"s.res", "branch m8x8[8 8]", "[4 8]"}},
		{"embed ids", func(b *Builder) { b.Embed("e", EmbedAttr{T: 4}, b.Param("v4"), b.Param("m4x8"), nil, nil) },
			[]string{"s.e", "ids", "integers"}},
		{"embed bounds", func(b *Builder) { b.Embed("e", EmbedAttr{T: 4}, ids(b), b.Param("m3x8"), nil, nil) },
			[]string{"s.e", "ids[4]", "0 to 3", "0 to 2"}},
		{"embed positions width", func(b *Builder) {
			b.Embed("e", EmbedAttr{T: 4}, ids(b), b.Param("m4x8"), b.Param("m8x4"), nil)
		}, []string{"s.e", "position table m8x4[8 4]", "width 8"}},
		{"embed positions rows", func(b *Builder) {
			b.Embed("e", EmbedAttr{T: 4}, ids(b), b.Param("m4x8"), b.Param("m3x8"), nil)
		}, []string{"s.e", "4 tokens", "m3x8[3 8]"}},
		{"embed offset", func(b *Builder) {
			b.Embed("e", EmbedAttr{T: 4}, ids(b), b.Param("m4x8"), b.Param("m8x8"), b.Input("pos", 0, 9, 1))
		}, []string{"s.e", "offset pos[1]", "0 to 8", "0 to 4"}},
		{"embed sequences", func(b *Builder) { b.Embed("e", EmbedAttr{T: 3}, ids(b), b.Param("m4x8"), nil, nil) },
			[]string{"s.e", "4 ids", "sequences of 3"}},
		{"embed T", func(b *Builder) { b.Embed("e", EmbedAttr{}, ids(b), b.Param("m4x8"), nil, nil) },
			[]string{"s.e", "at least 1 token"}},
		{"loss width", func(b *Builder) {
			b.LMLoss("loss", 1, true, b.Param("m4x8"), b.Param("m8x4"), nil, ids(b))
		}, []string{"s.loss", "m4x8[4 8]", "m8x4[8 4]"}},
		{"loss targets", func(b *Builder) {
			b.LMLoss("loss", 1, true, b.Param("m8x8"), b.Param("m8x8"), nil, ids(b))
		}, []string{"s.loss", "targets ids[4]", "[8]"}},
		{"loss bounds", func(b *Builder) {
			b.LMLoss("loss", 1, true, b.Param("m4x8"), b.Param("m3x8"), nil, ids(b))
		}, []string{"s.loss", "targets ids[4]", "0 to 3", "-1 to 2"}},
		{"loss bias", func(b *Builder) {
			b.LMLoss("loss", 1, true, b.Param("m4x8"), b.Param("m8x8"), b.Param("v3"), ids(b))
		}, []string{"s.loss", "bias v3[3]", "[8]"}},
		{"grad norms", func(b *Builder) { b.GradNorms(nil, nil) }, []string{"grad_norms", "max_norm is missing"}},
		{"adamw", func(b *Builder) {
			one := b.Scalar("lr")
			b.AdamW(AdamWAttr{}, one, one, one, one, one, nil)
		}, []string{"adamw", "lr[1]", "[10]"}},
		{"probe", func(b *Builder) { b.Probe("p", MeasureRMS, ids(b)) }, []string{": p: ", "floats"}},
		{"unknown param", func(b *Builder) { b.Param("nope") }, []string{`"nope"`}},
		{"keep", func(b *Builder) { b.Keep("k", b.Param("v8")) }, []string{"v8[8]", "param"}},
		{"zero dimension", func(b *Builder) { b.Input("ids", 0, 4, 0) }, []string{"ids", "[0]"}},
		{"gradient of a product", func(b *Builder) {
			x := b.MatMulOf("p", MatMulAttr{NN, 4, 8, 8}, b.Param("m4x8"), b.Param("m8x8"), nil, nil)
			b.LMLoss("loss", 1, true, x, b.Param("m8x8"), nil, ids(b))
			b.Backward()
		}, []string{"p", "linear layer"}},
		{"gradient with an offset", func(b *Builder) {
			x := b.Embed("e", EmbedAttr{T: 4}, ids(b), b.Param("m4x8"), b.Param("m8x8"), b.Input("pos", 0, 5, 1))
			b.LMLoss("loss", 1, true, x, b.Param("m8x8"), nil, ids(b))
			b.Backward()
		}, []string{"s.e", "offset", "no gradient"}},
	} {
		_, err := Build("test", testSchema(), func(b *Builder) {
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

// TestBuildPassesPanics: only shape errors are turned into errors.
func TestBuildPassesPanics(t *testing.T) {
	defer func() {
		if r := recover(); r != "other" {
			t.Errorf("recovered %v, want the writer's own panic", r)
		}
	}()
	Build("test", testSchema(), func(*Builder) { panic("other") })
}

func TestSchema(t *testing.T) {
	s := &Schema{}
	s.AddParam("a", -1, true, 3, 5)
	s.AddParam("b", 1, false, 64)
	s.AddParam("c", 0, false, 65)
	if s.Layers != 2 || s.Count() != 15+64+65 || s.Total != 64+64+128 {
		t.Errorf("layers %d, count %d, total %d; want 2, 144, 256", s.Layers, s.Count(), s.Total)
	}
	if s.Param("c") != 2 || s.Param("d") != -1 || s.Params[2].Offset != 128 {
		t.Errorf("c is number %d at %d, d number %d; want 2 at 128, -1",
			s.Param("c"), s.Params[2].Offset, s.Param("d"))
	}
	defer func() {
		if recover() == nil {
			t.Error("a second parameter of the same name was taken")
		}
	}()
	s.AddParam("a", -1, true, 1)
}

func TestCheckInts(t *testing.T) {
	g, err := Build("test", testSchema(), func(b *Builder) {
		ids := b.Input("ids", 0, 4, 4)
		b.Scalar("lr")
		targets := b.Input("targets", -1, 8, 4)
		x := b.Embed("e", EmbedAttr{T: 4, Scale: 1}, ids, b.Param("m4x8"), nil, nil)
		b.LMLoss("loss", 1, false, x, b.Param("m8x8"), nil, targets)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ints []int32
		want []string
	}{
		{[]int32{0, 1, 2, 3, -1, 7, 0, 0}, nil},
		{[]int32{0, 1, 2, 4, 0, 0, 0, 0}, []string{"ids", "4", "position 3", "0 to 3"}},
		{[]int32{0, -1, 2, 3, 0, 0, 0, 0}, []string{"ids", "-1", "position 1"}},
		{[]int32{0, 1, 2, 3, 0, 0, 8, 0}, []string{"targets", "8", "position 2", "-1 to 7"}},
		{[]int32{0, 1, 2, 3, 0, 0, 0, -2}, []string{"targets", "-2", "position 3"}},
		{[]int32{0, 1, 2}, []string{"8 integers", "3"}},
	} {
		err := g.CheckInts(c.ints)
		if (err == nil) != (c.want == nil) {
			t.Errorf("CheckInts(%v) = %v", c.ints, err)
		}
		for _, w := range c.want {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("CheckInts(%v) = %q, which does not name %q", c.ints, err, w)
			}
		}
	}
	if g.Ints != 8 || g.Floats != 1 || g.MetricLen != 1 || g.Input("lr") == nil || g.Input("x") != nil {
		t.Errorf("the graph takes %d ints and %d floats and gives %d metrics", g.Ints, g.Floats, g.MetricLen)
	}
}
