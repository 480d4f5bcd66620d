package ui

import (
	"testing"

	"github.com/evenkeel/evenkeel/trainer"
)

// TestAhead says what the schedule does to the rate of a run that goes on, as the trainer does it.
func TestAhead(t *testing.T) {
	c := trainer.DefaultConfig()
	c.Steps, c.LR, c.Warmup, c.FinalLR = 300, 1e-3, -1, 0.1
	for _, x := range []struct {
		at    int64
		steps int
		want  string
	}{
		{300, 600, "The cosine is drawn anew to the new end: the learning rate rises at once from 0.0001 to 0.000626 and then falls to 0.0001."},
		{300, 302, "The cosine is drawn anew to the new end: the learning rate goes on at 0.0001 and falls to 0.0001."},
		{150, 300, "The schedule stays as planned: the learning rate goes on at 0.000623 and falls to 0.0001."},
		{150, 200, "The cosine is drawn anew to the new end: the learning rate drops at once from 0.000628 to 0.000255 and then falls to 0.0001."},
		{60, 3000, "The warmup takes 100 steps now, and the cosine is drawn anew to the new end: the learning rate goes from 0.000973 to 0.00061, " +
			"rises until the warmup ends and falls to 0.0001."},
	} {
		next := c
		next.Steps = x.steps
		if got := ahead(&c, &next, x.at); got != x.want {
			t.Errorf("from step %d on to %d:\n%s\nwant\n%s", x.at, x.steps, got, x.want)
		}
	}
}
