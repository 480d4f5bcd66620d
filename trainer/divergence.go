package trainer

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// watch decides when a run has stopped being worth its electricity. Its fields are part of a
// checkpoint, so that a resumed run decides as the unbroken one would.
type watch struct {
	Smooth float64 `json:"smooth"` // bias-corrected average of the loss
	Weight float64 `json:"weight"` // of the average, for its correction
	Best   float64 `json:"best"`   // smallest Smooth so far, 0 before the first
	High   int     `json:"high"`   // steps in a row with Smooth above twice Best
}

// Decay of the averaged loss and patience of the second trigger.
const (
	watchDecay    = 0.95
	watchPatience = 50
)

// look takes the step's result and returns a sentence when the run has diverged.
func (w *watch) look(t int64, r *StepResult, sc *graph.Schema, rise bool) string {
	if r.Bad {
		return badReason(t, r, sc)
	}
	avg := w.add(r.Mean)
	if rise && w.High >= watchPatience {
		return fmt.Sprintf("The loss rose to %.3g, over twice its best %.3g, and stayed there for %d steps up to step %d. "+
			"Try a lower learning rate or a longer warmup.", avg, w.Best, watchPatience, t)
	}
	return ""
}

// add takes a loss into the average and returns that.
func (w *watch) add(loss float64) float64 {
	w.Smooth = watchDecay*w.Smooth + (1-watchDecay)*loss
	w.Weight = watchDecay*w.Weight + (1 - watchDecay)
	avg := w.Smooth / w.Weight
	if w.Best == 0 || avg < w.Best {
		w.Best = avg
	}
	w.High++
	if avg <= 2*w.Best {
		w.High = 0
	}
	return avg
}

// badValidation is a sentence when the loss on held-out text is not finite, which the step's own loss,
// measured before its update, does not show.
func badValidation(t int64, loss float64) string {
	if finite(loss) {
		return ""
	}
	return fmt.Sprintf("The validation loss became %s after step %d. "+
		"The last good checkpoint is kept; try a lower learning rate.", word(loss), t)
}

// badReason names where a number that is not finite appeared first: in the forward pass the lowest
// block, otherwise the parameters whose gradients are not finite.
func badReason(t int64, r *StepResult, sc *graph.Schema) string {
	for i, v := range r.ActRMS {
		if !finite(float64(v)) {
			return fmt.Sprintf("The activations became %s at step %d, first in block %d. "+
				"The last good checkpoint is kept; try a lower learning rate.", word(float64(v)), t, i)
		}
	}
	if !finite(r.Loss) {
		return fmt.Sprintf("The loss became %s at step %d, in the output head. "+
			"The last good checkpoint is kept; try a lower learning rate.", word(r.Loss), t)
	}
	// Backward runs from the last block to the first, so the highest block was first.
	best := -1
	for i, n := range r.NonFinite {
		if n > 0 && (best < 0 || sc.Params[i].Layer > sc.Params[best].Layer) {
			best = i
		}
	}
	if best < 0 {
		return fmt.Sprintf("The norm of the gradient became %s at step %d: it is too large for float32. "+
			"The last good checkpoint is kept; try a lower learning rate.", word(r.GradNorm), t)
	}
	p := sc.Params[best]
	where := "outside the blocks"
	if p.Layer >= 0 {
		where = fmt.Sprintf("block %d", p.Layer)
	}
	return fmt.Sprintf("The gradient of %s became not finite at step %d, first in %s. "+
		"The last good checkpoint is kept; try a lower learning rate.", p.Name, t, where)
}

func word(x float64) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	return "infinite"
}
