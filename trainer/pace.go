package trainer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/mtl"
	"github.com/evenkeel/evenkeel/model"
)

// Pace is how fast a device trains, as far as that is known before a run. It is for estimates only.
type Pace struct {
	// FLOPS is what a step of an endlessly wide model would reach, in operations a second as
	// [model.Counts] counts them; 0 when nothing is known.
	FLOPS float64
	// Half is the width at which a step reaches half of FLOPS: what is not a product of matrices costs
	// by width, products cost by its square.
	Half float64
	// Chip, where not nil, predicts each step from the operations of its kernels instead.
	Chip *gpu.Chip
	// From says in a few words where the pace was taken from.
	From string
}

// halfWidth is [Pace].Half of the CPU device. Of the speed of a square product, steps of width 48, 128, 256
// and 512 reached 21, 49, 62 and 82 % on two Haswell cores, which is d/(d+140) within a fifth.
const halfWidth = 140

// MeasurePace asks a device, by its name in a config, how fast it is. The CPU is timed with a product of
// matrices for some milliseconds, a Mac's GPU is looked up in the table of chips and not used at all, and
// anything else is timed with two steps of a very small model.
func MeasurePace(ctx context.Context, name string, threads int) (Pace, error) {
	if isAuto(name) || name == metal.GPU {
		d, err := metal.Open(metal.GPU, threads)
		switch {
		case err == nil:
			title := d.Info().Name
			return chipPace(title), d.Close()
		case !isAuto(name) || !errors.Is(err, mtl.ErrNoMetal):
			return Pace{}, err
		}
		name = metal.CPU
	}
	if name != metal.CPU {
		return probePace(ctx, name, threads)
	}
	d, err := metal.Open(name, threads)
	if err != nil {
		return Pace{}, err
	}
	p := Pace{Half: halfWidth}
	if g, ok := d.(gemmTimer); ok {
		p.FLOPS, p.From = 1e9*g.SgemmGFLOPS(512, 5), "a timed product of matrices"
	}
	return p, d.Close()
}

// chipPace finds the chip that a GPU's name ends in, such as "Apple M3 Max". A name that is not in the
// table gives a pace without knowledge.
func chipPace(name string) Pace {
	var best *gpu.Chip
	for i := range gpu.Chips {
		c := &gpu.Chips[i]
		if strings.HasSuffix(name, c.Title) && (best == nil || len(c.Title) > len(best.Title)) {
			best = c
		}
	}
	if best == nil {
		return Pace{}
	}
	return Pace{Chip: best, From: "published figures of the " + best.Title}
}

// probePace times a very small model.
func probePace(ctx context.Context, name string, threads int) (Pace, error) {
	o := BenchOptions{Arch: "llama", D: 32, Layers: 1, Heads: 2, Seq: 16, Batch: 2, Vocab: 64, Steps: 2,
		Threads: threads, Device: name}
	r, err := Bench(ctx, o)
	if err != nil {
		return Pace{}, err
	}
	return Pace{FLOPS: 1e9 * r.GFLOPS, From: "two timed steps of a very small model"}, nil
}

// share is the part of p.FLOPS that a step of width d reaches.
func (p *Pace) share(d int) float64 { return float64(d) / (float64(d) + p.Half) }

// Seen is the pace that a run of config c showed, so that the next estimate starts from what happened.
func (p Pace) Seen(c *Config, n model.Counts, tokensPerSecond float64, from string) Pace {
	if !(tokensPerSecond > 0) {
		return p
	}
	if p.Half == 0 && p.Chip != nil { // a chip's predictions are left for what was measured
		p.Half = halfWidth
	}
	p.Chip, p.From = nil, from
	p.FLOPS = tokensPerSecond * n.FLOPs / p.share(c.Model.D)
	return p
}

// Duration estimates the time of all steps of a run and of its validations, whose batches cost a third of
// a step's: forward without backward. ok is false when nothing is known of the device's speed. Reading
// the text, samples and checkpoints are left out.
func (c *Config) Duration(n model.Counts, p Pace) (total time.Duration, ok bool, err error) {
	batches := float64(c.Steps)
	if c.EvalEvery > 0 && c.heldOut() >= 0 {
		batches += float64((c.Steps+c.EvalEvery-1)/c.EvalEvery) * float64(c.EvalBatches) / 3
	}
	var step float64
	switch {
	case p.Chip != nil:
		spec, err := c.ExpectedSpec()
		if err != nil {
			return 0, false, err
		}
		plan, err := PlanStep(StepShape{Spec: spec, Seq: spec.T, Sequences: c.Batch, Micro: max(1, c.Micro)}, *p.Chip)
		if err != nil {
			return 0, false, fmt.Errorf("the step cannot be planned for the %s: %w", p.Chip.Title, err)
		}
		step = max(plan.Seconds, plan.Encoding())
	case p.FLOPS > 0:
		step = n.FLOPs * float64(c.Batch*c.Model.Seq) / (p.FLOPS * p.share(c.Model.D))
	default:
		return 0, false, nil
	}
	const longest = 1e9 // seconds: over that it is no plan, and a Duration could not hold it
	return time.Duration(min(batches*step, longest) * float64(time.Second)), true, nil
}
