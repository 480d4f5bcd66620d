package trainer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Every graph of every variant, with plain and with latent attention, lowers for old and new GPUs, its
// barriers are proven by the second way of looking, and no dispatch touches bytes outside its buffers.
func TestEveryVariantLowers(t *testing.T) {
	for i := range 2 * len(model.Variants) {
		c := model.DefaultConfig()
		c.Variant, c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Vocab, c.Seq = model.Variants[i/2].ID, 3, 32, 4, 2, 48, 300, 40
		if i%2 == 1 {
			c.MLAKVLora, c.MLAQLora, c.KVHeads = 12, i/2%2*10, 0
		}
		s, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		sc := s.Schema(1)
		for _, build := range []func() (*graph.Graph, error){
			func() (*graph.Graph, error) { return s.Accumulate(sc, 2, 40, 1, true) },
			func() (*graph.Graph, error) { return model.Update(sc, graph.AdamWAttr{Beta1: 0.9}) },
			func() (*graph.Graph, error) { return s.Evaluate(sc, 2, 40) },
			func() (*graph.Graph, error) { return s.Prefill(sc, 1, 16) },
			func() (*graph.Graph, error) { return s.Decode(sc, 1) },
		} {
			g, err := build()
			if err != nil {
				t.Fatal(err)
			}
			for _, family := range []int{7, 9} {
				checkPlan(t, c.Variant, g, family)
			}
		}
	}
}

func checkPlan(t *testing.T, variant string, g *graph.Graph, family int) {
	t.Helper()
	p, err := gpu.Lower(g, family)
	if err != nil {
		t.Fatalf("%s: %v", variant, err)
	}
	if err := gpu.CheckBarriers(p.Dispatches, p.Barriers); err != nil {
		t.Errorf("%s, %s, family %d: %v", variant, g.Name, family, err)
	}
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		for _, r := range append(slices.Clone(d.Reads), d.Writes...) {
			if r.From < 0 || r.To <= r.From || r.To > p.Sizes[r.Buffer] {
				t.Errorf("%s, %s: %s touches bytes %d to %d of buffer %d, which has %d",
					variant, g.Name, d, r.From, r.To, r.Buffer, p.Sizes[r.Buffer])
			}
		}
	}
}

// Twenty steps through the shaders in the emulator follow the CPU device within 1e-4, and a second run
// repeats the first bit for bit.
func TestEmulatorFollowsTheCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("the emulator's own tests cover its concurrency")
	}
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Vocab, c.Seq = "hybrid_star", 2, 32, 4, 2, 48, 130, 24
	s, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string) (losses []float64, weights []float32) {
		d := opened(t, name)
		e, err := NewEngine(d, s, 2, s.T, 2, Optimizer{
			AdamWAttr: graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}, MaxNorm: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := e.InitParams(11); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		batch := func(_ int, ids, targets []int32) {
			for i := range ids {
				ids[i] = r.Int32N(20)
				targets[i] = (ids[i]*7 + 3) % 130
			}
		}
		var res StepResult
		for t0 := range int64(20) {
			if err := e.Step(t0+1, 3e-3, batch, &res); err != nil {
				t.Fatal(err)
			}
			losses = append(losses, res.Mean)
		}
		return losses, params(t, e)
	}
	want, _ := run(metal.CPU)
	got, weights := run(metal.Emulator)
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= 1e-4) {
			t.Errorf("step %d: loss %.6f, on the CPU device %.6f", i+1, got[i], want[i])
		}
	}
	if want[19] > want[0]-0.5 {
		t.Errorf("the loss fell from %.3f to %.3f only", want[0], want[19])
	}
	if _, again := run(metal.Emulator); !slices.Equal(weights, again) {
		t.Error("two runs give other bits")
	}
}
