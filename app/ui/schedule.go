package ui

import (
	"fmt"

	"github.com/evenkeel/evenkeel/trainer"
)

// ahead says in a sentence what becomes of the learning rate when a run that is at a step goes on under
// another number of steps. Warmup and cosine are then those of a run that was planned so from the start, and
// so the rate may jump.
func ahead(was, next *trainer.Config, at int64) string {
	now, then, end := was.RateAt(max(1, at)), next.RateAt(at+1), next.RateAt(int64(next.Steps))
	warmup := 0
	if r, _, err := next.Resolved(); err == nil {
		warmup = r.Warmup
	}
	how := "the cosine is drawn anew to the new end"
	goes := fmt.Sprintf("goes on at %s and falls to %s", rateWord(then), rateWord(end))
	jump := fmt.Sprintf("at once from %s to %s and then falls to %s", rateWord(now), rateWord(then), rateWord(end))
	switch {
	case next.Steps == was.Steps:
		how = "the schedule stays as planned"
	case at+1 < int64(warmup):
		how = fmt.Sprintf("the warmup takes %s steps now, and %s", whole(int64(warmup)), how)
		goes = fmt.Sprintf("goes from %s to %s, rises until the warmup ends and falls to %s", rateWord(now), rateWord(then), rateWord(end))
	case then > 1.02*now:
		goes = "rises " + jump
	case then < 0.98*now:
		goes = "drops " + jump
	}
	return sentence(how + ": the learning rate " + goes)
}
