package gpu_test

import (
	"context"
	"errors"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
)

// What does not fit beside all that is alive is refused in a sentence, and fits once that is closed.
func TestMemoryIsCounted(t *testing.T) {
	f := newFake()
	f.limits.Memory, f.limits.MaxBuffer = 1<<20, 1<<19
	d := gpu.New(f, "fake")
	schema := func(n int) *graph.Schema {
		s := &graph.Schema{}
		s.AddParam("w", -1, false, n)
		return s
	}
	const fifth = 1 << 20 / 4 / 4 / 5 // parameters whose state is a fifth of the memory
	write := func(b *graph.Builder) {
		x := b.Embed("x", graph.EmbedAttr{T: 1 << 17, Scale: 1}, b.Input("ids", 0, 1, 1<<17), b.Param("w"), nil, nil)
		b.Keep("x", x)
	}
	for range 2 { // the second time shows that the first gave everything back
		first, err := d.NewState(schema(fifth))
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.NewState(schema(2 * fifth))
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.NewState(schema(3 * fifth))
		says(t, err, "the state of the model needs 0.6 MB, but Fake has 1.0 MB for us, of which 0.6 MB are taken",
			"choose a smaller model")
		second.Close()
		third, err := d.NewState(schema(3 * fifth))
		if err != nil {
			t.Fatal(err)
		}
		third.Close()
		first.Close()
	}

	sc := &graph.Schema{}
	sc.AddParam("w", -1, false, 1, 1)
	st, err := d.NewState(sc)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build("wide", sc, write)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Compile(g, st)
	says(t, err, "graph wide needs", "of which 0.0 MB are taken")
	_, err = d.NewState(schema(1 << 18))
	says(t, err, "needs one buffer of 1.0 MB, but Fake takes at most 0.5 MB")
	st.Close()
	if f.alive != 0 {
		t.Errorf("%d buffers are alive", f.alive)
	}
}

// The kernels of a graph are built once each, with progress; a second graph builds only what is new.
func TestBuild(t *testing.T) {
	f := newFake()
	d := gpu.New(f, "fake")
	g, err := spec(t, 2).Accumulate(spec(t, 2).Schema(1), 2, 9, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	var last, of int
	watch := func(done, total int) {
		if done != last+1 || of != 0 && total != of {
			t.Errorf("progress %d of %d after %d of %d", done, total, last, of)
		}
		last, of = done, total
	}
	if err := d.Build(t.Context(), g, watch); err != nil {
		t.Fatal(err)
	}
	if last != of || of != len(f.libraries)+f.pipelines || f.pipelines < 15 {
		t.Errorf("progress ended at %d of %d for %d files and %d kernels", last, of, len(f.libraries), f.pipelines)
	}
	for name, n := range f.libraries {
		if n != 1 {
			t.Errorf("%s was compiled %d times", name, n)
		}
	}
	before := f.pipelines
	m := train(t, d, 2, nil)
	defer m.close()
	if f.libraries["matmul.metal"] != 1 || f.pipelines-before > 5 { // those of the update
		t.Errorf("the graph that was built is built again: %d kernels more", f.pipelines-before)
	}
}

func TestBuildIsCancelled(t *testing.T) {
	f := newFake()
	d := gpu.New(f, "fake")
	g, err := spec(t, 2).Accumulate(spec(t, 2).Schema(1), 2, 9, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = d.Build(ctx, g, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	says(t, err, "building the kernels of graph accumulate was stopped")
	if !errors.Is(err, context.Canceled) || len(f.libraries)+f.pipelines > 3+4 {
		t.Errorf("%v, after %d files and %d kernels", err, len(f.libraries), f.pipelines)
	}
	if err := d.Build(t.Context(), g, nil); err != nil {
		t.Errorf("the next build: %v", err)
	}
}

// A rejected kernel or file fails the graphs that need it and no others, with all that is known.
func TestRejected(t *testing.T) {
	for _, c := range []struct {
		reject string
		texts  []string
	}{
		{"attention_delta", []string{"kernel attention_delta of ", "needed by attention_grad d.blocks.",
			"was rejected: error: too many registers"}},
		{"lm_loss.metal", []string{"shader file lm_loss.metal, needed by lm_loss ", "lm_loss.metal:7:1: error: what is this"}},
	} {
		f := newFake()
		f.reject = c.reject
		d := gpu.New(f, "fake")
		s := spec(t, 2)
		sc := s.Schema(1)
		st, err := d.NewState(sc)
		if err != nil {
			t.Fatal(err)
		}
		g, err := s.Accumulate(sc, 2, 9, 1, true)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err = d.Compile(g, st)
			says(t, err, c.texts...)
		}
		if g, err = graph.Build("plain", sc, func(b *graph.Builder) { b.Clear() }); err != nil {
			t.Fatal(err)
		}
		p, err := d.Compile(g, st)
		if err != nil {
			t.Fatalf("a graph without it: %v", err)
		}
		p.Close()
		st.Close()
		if f.alive != 0 {
			t.Errorf("%d buffers are alive", f.alive)
		}
	}
}
