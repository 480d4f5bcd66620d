package trainer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/metal/cpu"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// stepper makes an engine on the CPU device and a source of random batches.
func stepper(t *testing.T, variant string, threads, micro int) (*Engine, Batch) {
	t.Helper()
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Vocab, c.Seq = variant, 3, 64, 4, 2, 96, 300, 70
	s, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	d, err := cpu.New(cpu.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	e, err := NewEngine(d, s, 4/micro, s.T, micro, Optimizer{
		AdamWAttr: graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}, MaxNorm: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	if err := e.InitParams(7); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	return e, func(_ int, ids, targets []int32) {
		for i := range ids {
			ids[i], targets[i] = r.Int32N(300), r.Int32N(300)
		}
	}
}

func params(t *testing.T, e *Engine) []float32 {
	t.Helper()
	var all []float32
	for i := range e.Schema.Params {
		v := make([]float32, e.Schema.Params[i].Len())
		if err := e.State.Read(device.Params, i, v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v...)
	}
	return all
}

func TestStepAllocatesNothing(t *testing.T) {
	e, batch := stepper(t, "hybrid_star", 2, 2)
	var r StepResult
	step := int64(0)
	run := func() {
		step++
		if err := e.Step(step, 1e-3, batch, &r); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(5, run); n != 0 {
		t.Errorf("a step allocates %g times", n)
	}
}

func TestSameBitsAtAnyThreadCount(t *testing.T) {
	for _, variant := range []string{"hybrid_star", "magneto", "mix_ln"} {
		var want []float32
		for _, threads := range []int{1, 2, 3} {
			e, batch := stepper(t, variant, threads, 1)
			var r StepResult
			for step := range int64(4) {
				if err := e.Step(step+1, 1e-3, batch, &r); err != nil {
					t.Fatal(err)
				}
			}
			got := params(t, e)
			if want == nil {
				want = got
			}
			if !e.Device.Info().SameBits {
				t.Skip("this device does not promise it")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d threads give other weights than one", variant, threads)
			}
		}
	}
}

// Two micro-batches of two sequences are one batch of four: the same gradient but for rounding.
func TestMicroBatchesAddUp(t *testing.T) {
	var norms []float64
	for _, micro := range []int{1, 2, 4} {
		e, _ := stepper(t, "hybrid", 2, micro)
		r := rand.New(rand.NewPCG(5, 6))
		var res StepResult
		err := e.Step(1, 1e-3, func(_ int, ids, targets []int32) {
			for i := range ids {
				ids[i], targets[i] = r.Int32N(300), r.Int32N(300)
			}
		}, &res)
		if err != nil {
			t.Fatal(err)
		}
		norms = append(norms, res.GradNorm)
	}
	for _, n := range norms[1:] {
		if d := (n - norms[0]) / norms[0]; d > 1e-5 || d < -1e-5 {
			t.Errorf("gradient norms %v differ between numbers of micro-batches", norms)
		}
	}
}
