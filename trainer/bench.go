package trainer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// BenchOptions is the shape of a benchmark. Arch "llama" is RMSNorm, rotary positions, SwiGLU and an
// untied head; "gpt2" is LayerNorm, learned positions, GELU, biases and a tied head. Both are
// Pre-Norm.
type BenchOptions struct {
	Arch                                            string
	D, Layers, Heads, Seq, Batch, Vocab, FFN, Steps int
	Experts, TopK                                   int    // 0 experts: dense; FFN is then the width of one
	Variant                                         string // empty: pre; a row's own norm and act hold
	Threads                                         int
	Device                                          string
	// Say, which may be nil, is given a sentence when the CPU takes the place of a GPU.
	Say func(string)
}

// DefaultBench is the shape of the peer comparison.
func DefaultBench() BenchOptions {
	return BenchOptions{
		Arch: "llama", D: 256, Layers: 6, Heads: 4, Seq: 256, Batch: 8, Vocab: 4096, Steps: 10,
		Device: metal.Auto,
	}
}

// BenchResult holds medians over the steps.
type BenchResult struct {
	StepMS, TokensPerSec  float64
	GFLOPS                float64 // by the formula of FLOPs
	SgemmGFLOPS, SgemmPct float64 // best square product of the same library in the same process
	PeakMB                int64
	Params                int64
	Loss                  float64
}

// spec resolves the benchmark's model.
func (o *BenchOptions) spec() (*model.Spec, error) {
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.Seq, c.Vocab, c.FFN = "pre", o.Layers, o.D, o.Heads, o.Seq, o.Vocab, o.FFN
	c.Experts, c.TopK = o.Experts, o.TopK
	if o.Variant != "" {
		c.Variant = o.Variant
	}
	switch o.Arch {
	case "llama":
		c.Tied = false
	case "gpt2":
		c.Act, c.Positions, c.Bias = model.GELU, "learned", "on"
		if c.Variant == "pre" {
			c.Norm = "ln"
		}
	default:
		return nil, fmt.Errorf("arch %q is not known; choose llama or gpt2", o.Arch)
	}
	return c.Resolve()
}

// FLOPs of a step: 6 for every parameter that multiplies, a token, and causal attention at half of
// 12*L*d*T a token. params are those that one token passes.
func (o *BenchOptions) flops(params int64) float64 {
	tokens := float64(o.Batch * o.Seq)
	if o.Arch == "llama" {
		params -= int64(o.Vocab) * int64(o.D)
	}
	return 6*float64(params)*tokens + 6*float64(o.Layers*o.D*o.Seq)*tokens
}

// Bench trains on random tokens and reports medians after two steps of warm-up.
func Bench(ctx context.Context, o BenchOptions) (BenchResult, error) {
	var r BenchResult
	spec, err := o.spec()
	if err != nil {
		return r, err
	}
	n, err := count(spec, o.Batch, o.Seq)
	if err != nil {
		return r, err
	}
	var ms []float64
	err = withDevice(ctx, DeviceOptions{Name: o.Device, Threads: o.Threads, Say: o.Say}, func(d device.Device) error {
		defer d.Close()
		if err := fits(d, n); err != nil {
			return err
		}
		ms, err = r.train(ctx, &o, spec, d)
		return err
	})
	if err != nil {
		return r, err
	}
	r.StepMS = median(ms)
	r.TokensPerSec = float64(o.Batch*o.Seq) / r.StepMS * 1e3
	r.GFLOPS = o.flops(n.Active) / r.StepMS / 1e6
	if r.SgemmGFLOPS > 0 {
		r.SgemmPct = 100 * r.GFLOPS / r.SgemmGFLOPS
	}
	return r, nil
}

// train takes the milliseconds of steps on a device. As in a run, steps overlap where that helps: the
// time of one is that between two ends.
func (r *BenchResult) train(ctx context.Context, o *BenchOptions, spec *model.Spec, d device.Device) ([]float64, error) {
	e, err := NewEngine(d, spec, o.Batch, o.Seq, 1, Optimizer{
		AdamWAttr: graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}, MaxNorm: 1,
	})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	if err := e.InitParams(0); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(0, 0))
	batch := func(_ int, ids, targets []int32) {
		for i := range ids {
			ids[i], targets[i] = rng.Int32N(int32(o.Vocab)), rng.Int32N(int32(o.Vocab))
		}
	}
	depth := depthOn(d)
	var ms []float64
	var step StepResult
	begun, last := int64(0), int64(o.Steps)+2
	since := time.Now()
	for t := int64(1); t <= last; t++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for ; begun < last && e.InFlight() < depth; begun++ {
			if err := e.Begin(begun+1, 3e-4, batch); err != nil {
				return nil, err
			}
		}
		if err := e.Finish(&step); err != nil {
			return nil, err
		}
		now := time.Now()
		if t > 2 {
			ms = append(ms, now.Sub(since).Seconds()*1e3)
		}
		since = now
	}
	r.Params, r.Loss, r.PeakMB = e.Schema.Count(), step.Mean, peakMB()
	if g, ok := d.(gemmTimer); ok {
		r.SgemmGFLOPS = g.SgemmGFLOPS(2048, 5)
	}
	return ms, nil
}

// gemmTimer is a device that can time its matrix library: the best of tries square products.
type gemmTimer interface {
	SgemmGFLOPS(n, tries int) float64
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
