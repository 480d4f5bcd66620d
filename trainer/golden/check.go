package golden

import (
	"fmt"
	"math"
)

// The limits for a float32 backend on the CPU. An independent float64 implementation meets the cases
// at a tenth of them or better.
const (
	limitLoss     = 1e-5 // absolute
	limitLogits   = 5e-5 // largest absolute difference
	limitBlocks   = 5e-5 // as logits, relative to the largest element where that is above 1
	limitGradient = 1e-4 // L2 of the difference over the norm plus floorShare of the total norm
	limitNorm     = 1e-4 // gradient norms of a static case, relative in the same way
	limitStep     = 5e-5 // loss of a training step, absolute
	limitWeights  = 2e-4 // largest absolute difference after training
	limitStepNorm = 2e-4 // gradient norms of a training step, relative
	limitLR       = 1e-9 // relative: the schedule is exact
)

// floorShare keeps gradients that are zero in exact arithmetic (k biases) from being compared as noise
// with noise.
const floorShare = 1e-3

// slack is the factor on all limits for devices other than the CPU and the reference.
const slack = 5

// check collects the comparisons of one case and remembers the worst.
type check struct {
	slack float64

	what         string  // quantity of the worst
	error, limit float64 // of the worst
	ratio        float64
	count        int
}

// add enters an error with its limit. NaN counts as infinite.
func (c *check) add(what string, err, limit float64) {
	limit *= c.slack
	ratio := err / limit
	if math.IsNaN(ratio) {
		ratio = math.Inf(1)
	}
	c.count++
	if c.count == 1 || ratio > c.ratio {
		c.what, c.error, c.limit, c.ratio = what, err, limit, ratio
	}
}

// number compares two numbers absolutely.
func (c *check) number(what string, got, want, limit float64) {
	c.add(what, math.Abs(got-want), limit)
}

// relative compares two numbers relative to want.
func (c *check) relative(what string, got, want, limit float64) {
	c.add(what, math.Abs(got-want)/math.Abs(want), limit)
}

// largest compares elements by their largest absolute difference, relative to unit.
func (c *check) largest(what string, got, want []float32, unit, limit float64) {
	worst := 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if d > worst || math.IsNaN(d) {
			worst = d
		}
	}
	c.add(what, worst/unit, limit)
}

// gradient compares a gradient by the L2 norm of the difference.
func (c *check) gradient(what string, got, want []float32, total float64) {
	var diff, norm float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		diff += d * d
		norm += float64(w) * float64(w)
	}
	c.add(what, math.Sqrt(diff)/(math.Sqrt(norm)+floorShare*total), limitGradient)
}

func (c *check) ok() bool { return c.count > 0 && c.ratio <= 1 }

// String is the verdict of a case without its name.
func (c *check) String() string {
	verdict := "ok"
	if !c.ok() {
		verdict = "FAIL"
	}
	return fmt.Sprintf("%-32s %8.1e of %.1e  %s", c.what, c.error, c.limit, verdict)
}

// unitOf is the scale that an absolute limit is meant for: the largest element, at least 1.
func unitOf(v []float32) float64 {
	unit := 1.0
	for _, x := range v {
		unit = math.Max(unit, math.Abs(float64(x)))
	}
	return unit
}
