package trainer

import (
	"bytes"
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/metal"
)

// Two steps in flight give a person the very numbers that one gives: every metric of every step, and the
// weights. Six micro-batches in flight are more than a device takes at a time.
func TestTwoInFlight(t *testing.T) {
	if testing.Short() {
		t.Skip("the emulator's own tests cover its concurrency")
	}
	opened(t, metal.Emulator) // which may be missing
	c := tiny(t)
	c.Model.Layers, c.Model.Seq, c.Batch, c.Micro, c.Steps, c.Device = 1, 16, 6, 3, 14, "emulator"
	c.EvalEvery, c.SampleEvery, c.SampleTokens, c.CheckpointEvery = 5, 7, 2, 6
	run := func(depth int) (rows [][]float64, state []byte) {
		inFlight = depth
		defer func() { inFlight = Depth }()
		j := start(t, c, t.TempDir())
		if err := j.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, k := range j.History().Keys() {
			if k != KeyTokens {
				_, v := j.History().Column(k, 0)
				rows = append(rows, v)
			}
		}
		return rows, weights(t, j.Snapshot().RunPath)
	}
	one, a := run(1)
	two, b := run(Depth)
	for i := range one {
		if len(one[i]) != len(two[i]) {
			t.Fatalf("%d values and %d", len(one[i]), len(two[i]))
		}
		for k, v := range one[i] {
			if math.Float64bits(v) != math.Float64bits(two[i][k]) {
				t.Errorf("value %d of column %d is %v with one step in flight, %v with two", k, i, v, two[i][k])
			}
		}
	}
	if !bytes.Equal(a, b) {
		t.Error("the weights differ")
	}
}

// A step that diverges while the next is in flight stops the run there: it is the last row, and the
// newest checkpoint is of an earlier step.
func TestDivergenceWithTwoInFlight(t *testing.T) {
	if testing.Short() {
		t.Skip("the emulator's own tests cover its concurrency")
	}
	opened(t, metal.Emulator) // which may be missing
	c := tiny(t)
	c.Model.Layers, c.Model.Seq, c.Batch, c.Steps, c.Device = 1, 16, 2, 60, "emulator"
	c.LR, c.Warmup, c.MaxNorm, c.EvalEvery, c.SampleEvery, c.CheckpointEvery = 1e30, 0, 0, 0, 0, 50
	run := func(depth int) (int64, string) {
		inFlight = depth
		defer func() { inFlight = Depth }()
		j := start(t, c, t.TempDir())
		j.Wait()
		s := j.Snapshot()
		if s.State != Diverged {
			t.Fatalf("%s: %s", s.State, s.Reason)
		}
		steps, _ := j.History().Column(KeyLoss, 0)
		if ck, err := findCheckpoint(s.RunPath); err != nil || ck.Step >= steps[len(steps)-1] {
			t.Errorf("checkpoint %d after divergence at %d: %v", ck.Step, steps[len(steps)-1], err)
		}
		return steps[len(steps)-1], s.Reason
	}
	a, why := run(1)
	if b, same := run(Depth); a != b || why != same {
		t.Errorf("diverged at step %d (%s) with one step in flight, at %d (%s) with two", a, why, b, same)
	}
}
