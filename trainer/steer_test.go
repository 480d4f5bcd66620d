package trainer

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// quick is a job whose steps take no time to speak of and that does nothing between them.
func quick(t *testing.T) Config {
	t.Helper()
	c := tiny(t)
	c.Model.Layers, c.Model.Seq, c.Batch, c.Steps = 2, 16, 2, 60
	c.EvalEvery, c.SampleEvery, c.CheckpointEvery = 0, 0, 10
	return c
}

func finish(t *testing.T, j *Job) Snapshot {
	t.Helper()
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	return j.Snapshot()
}

func events(t *testing.T, path, kind string) (found []runs.Event) {
	t.Helper()
	run, err := runs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := run.Events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// A rate changed while running holds from the next step on, is told, and is kept: the run's config
// repeats the run bit for bit, and so does a resume from before the change, as after a crash.
func TestSetLearningRate(t *testing.T) {
	root := t.TempDir()
	c := quick(t)
	c.Steps, c.CheckpointEvery, c.KeepCheckpoints = 300, 50, 100
	j := start(t, c, root)
	waitFor(t, j, func(s Snapshot) bool { return s.Step >= 12 })
	j.Pause()
	waitFor(t, j, func(s Snapshot) bool { return s.State == Paused })
	at := j.Snapshot().Step
	if err := j.SetLearningRate(2e-4); err != nil {
		t.Fatal(err)
	}
	waitFor(t, j, func(s Snapshot) bool { return s.Peak == 2e-4 })
	j.Continue()
	waitFor(t, j, func(s Snapshot) bool { return s.Step >= at+20 })
	if err := j.SetLearningRate(5e-3); err != nil {
		t.Fatal(err)
	}
	s := finish(t, j)

	changed := events(t, s.RunPath, "learning_rate")
	if len(changed) != 2 || changed[0].Step != at || changed[0].Fields["peak"] != 2e-4 || changed[1].Fields["peak_before"] != 2e-4 {
		t.Fatalf("events of the changes: %+v", changed)
	}
	done, err := LoadConfig(filepath.Join(s.RunPath, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	peaks, err := done.Peaks()
	want := []Peak{{at + 1, 2e-4}, {changed[1].Step + 1, 5e-3}}
	if err != nil || !slices.Equal(peaks, want) || s.LRAt != done.LRAt || s.Peak != 5e-3 {
		t.Fatalf("kept peaks %v, want %v; snapshot %q, %g: %v", peaks, want, s.LRAt, s.Peak, err)
	}
	_, lr := j.History().Column(KeyLR, 0)
	plain := c
	for i, v := range lr {
		step := int64(i + 1)
		plain.LR = done.peakAt(peaks, step)
		if want := float64(float32(plain.RateAt(step))); math.Abs(v-want) > 1e-6*want {
			t.Fatalf("step %d was trained at %g, want %g of peak %g", step, v, want, plain.LR)
		}
	}
	if !slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, "peak learning rate is 0.0002") }) {
		t.Errorf("no note tells of the change: %q", s.Notes)
	}

	again := start(t, done, root)
	if path := finish(t, again).RunPath; string(weights(t, path)) != string(weights(t, s.RunPath)) {
		t.Error("the run's own config gives other weights")
	}

	// As a crash leaves it: the changes are recorded, the newest checkpoint is older than the second.
	final := weights(t, s.RunPath)
	paths, err := filepath.Glob(filepath.Join(s.RunPath, "ckpt", "step-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if ck, err := runs.ReadCheckpoint(p); err != nil || ck.Step > at {
			os.RemoveAll(p)
		}
	}
	resumed, err := Resume(s.RunPath, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := finish(t, resumed)
	if string(weights(t, s.RunPath)) != string(final) {
		t.Error("a resumed run forgets the change or makes it at another step")
	}
	if r.From != at || r.LRAt != s.LRAt {
		t.Errorf("resumed after step %d with %q, want %d and %q", r.From, r.LRAt, at, s.LRAt)
	}
}

// A run resumed from before its change of rate makes it again at the same step: checked with every
// checkpoint but the one of step 0 gone.
func TestResumeBeforeTheChange(t *testing.T) {
	root := t.TempDir()
	c := quick(t)
	c.LRAt, c.KeepCheckpoints = "23:0.0004,41:0.006", 100
	s := finish(t, start(t, c, root))
	final := weights(t, s.RunPath)
	paths, err := filepath.Glob(filepath.Join(s.RunPath, "ckpt", "step-*"))
	if err != nil || len(paths) != 7 {
		t.Fatalf("%d checkpoints: %v", len(paths), err)
	}
	for _, p := range paths[2:] {
		os.RemoveAll(p)
	}
	resumed, err := Resume(s.RunPath, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := finish(t, resumed); r.From != 10 || string(weights(t, s.RunPath)) != string(final) {
		t.Errorf("resumed after step %d with other weights than the unbroken run", r.From)
	}
	c.LRAt = ""
	if path := finish(t, start(t, c, root)).RunPath; string(weights(t, path)) == string(final) {
		t.Error("lr_at changes nothing")
	}
}

func TestBadRates(t *testing.T) {
	for _, text := range []string{"3:1e300", "x", "0:1e-3", "5:0", "5:-1", "5:inf", "9:1e-3,9:2e-3", "9:1e-3,3:1e-3", "5:1e-3,"} {
		c := DefaultConfig()
		c.LRAt = text
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "lr_at") {
			t.Errorf("lr_at %q: %v", text, err)
		}
	}
	c := quick(t)
	j := start(t, c, t.TempDir())
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(1), 1e300} {
		if err := j.SetLearningRate(v); err == nil {
			t.Errorf("a rate of %v was taken", v)
		}
	}
	path := finish(t, j).RunPath
	if err := j.SetLearningRate(1e-3); err == nil {
		t.Error("an ended run took a rate")
	}
	for _, factor := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := RollBack(path, factor, Options{}); err == nil {
			t.Errorf("a factor of %v was taken", factor)
		}
	}
}

// A run that diverged goes back to its newest checkpoint and on at half the peak; what came after is
// superseded, and both are told.
func TestRollBack(t *testing.T) {
	c := quick(t)
	c.LRAt, c.StopOnRise, c.MaxNorm = "25:1e30", false, 0
	j := start(t, c, t.TempDir())
	if j.Wait(); j.Snapshot().State != Diverged {
		t.Fatalf("a rate of 1e30 ended %s", j.Snapshot().State)
	}
	path := j.Snapshot().RunPath
	_, before := j.History().Column(KeyLoss, 0)
	last := int64(len(before))
	const factor = 1e-33
	back, err := RollBack(path, factor, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := finish(t, back)
	if s.State != Done || s.From != 20 || s.Peak != factor*1e30 {
		t.Fatalf("%s after going on from step %d with a peak of %g", s.State, s.From, s.Peak)
	}
	if want := "21:" + s.LRAt[3:]; s.LRAt != want || strings.Contains(s.LRAt, ",") {
		t.Errorf("peaks %q", s.LRAt)
	}
	e := events(t, path, "rollback")
	if len(e) != 1 || e[0].Step != 20 || e[0].Fields["from_step"] != float64(last) || e[0].Fields["peak_before"] != 1e30 {
		t.Errorf("events of going back: %+v", e)
	}
	steps, loss := back.History().Column(KeyLoss, 0)
	if len(steps) != c.Steps || !slices.Equal(loss[:20], before[:20]) || !finite(loss[c.Steps-1]) {
		t.Errorf("%d rows after going back, the last %v", len(steps), loss[len(loss)-1])
	}
	run, err := runs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := run.Metrics(); err != nil || len(m.Steps) != c.Steps || run.Status() != runs.Done {
		t.Errorf("the folder holds %d rows, status %s: %v", len(m.Steps), run.Status(), err)
	}

	// The default halves, whatever state the run is in.
	half, err := RollBack(path, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if h := finish(t, half); h.Peak != s.Peak/2 || h.From != int64(c.Steps) {
		t.Errorf("the default gave a peak of %g after step %d", h.Peak, h.From)
	}
}

// A loss that rises for a while before the run stops has ruined the checkpoints written meanwhile: the
// run goes back to one from before, or starts again.
func TestRollBackPassesRuinedCheckpoints(t *testing.T) {
	for _, c := range []struct{ keep, back int }{{100, 20}, {1, 0}} {
		cfg := quick(t)
		cfg.LRAt, cfg.MaxNorm, cfg.Steps, cfg.KeepCheckpoints = "21:8", 1, 200, c.keep
		j := start(t, cfg, t.TempDir())
		if j.Wait(); j.Snapshot().State != Diverged || !strings.Contains(j.Snapshot().Reason, "twice its best") {
			t.Fatalf("a rate of 8 ended %s: %s", j.Snapshot().State, j.Snapshot().Reason)
		}
		back, err := RollBack(j.Snapshot().RunPath, 1e-3/8, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s := finish(t, back); s.From > int64(c.back)+10 || c.keep == 1 && s.From != 0 || s.State != Done {
			t.Errorf("keeping %d checkpoints the run went back to step %d and ended %s", c.keep, s.From, s.State)
		}
	}
}

// A finished run goes on for longer; the schedule is drawn out to the new end.
func TestContinueLonger(t *testing.T) {
	c := quick(t)
	j := start(t, c, t.TempDir())
	path := finish(t, j).RunPath
	more, err := Resume(path, 90, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := finish(t, more)
	if s.State != Done || s.From != 60 || s.Step != 90 {
		t.Fatalf("%s, from step %d to step %d", s.State, s.From, s.Step)
	}
	steps, lr := more.History().Column(KeyLR, 0)
	c.Steps = 90
	if want := c.RateAt(61); len(steps) != 90 || math.Abs(lr[60]-want) > 1e-6*want {
		t.Errorf("%d rows; step 61 was trained at %g, want %g", len(steps), lr[60], want)
	}
	list, err := runs.List(filepath.Dir(path))
	if err != nil || len(list) != 1 || list[0].Info["steps"] != "90" {
		t.Errorf("the run is listed as %+v: %v", list, err)
	}
}

// Whenever Stop comes, the run folder holds a model that opens and writes, of the last step recorded.
func TestStopLeavesAUsableModel(t *testing.T) {
	stop := func(t *testing.T, c Config, when func(*Job)) Snapshot {
		t.Helper()
		c.Steps, c.CheckpointEvery = 100_000, 0
		j := start(t, c, t.TempDir())
		when(j)
		j.Stop()
		s := finish(t, j)
		if s.State != Stopped {
			t.Fatalf("ended %s", s.State)
		}
		if s.RunPath == "" { // stopped before there was anything
			return s
		}
		m, err := OpenModel(t.Context(), s.RunPath, DeviceOptions{Name: "cpu", Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if steps := j.History().Len(); m.Step != int64(steps) {
			t.Errorf("%d steps were trained, the model is of step %d", steps, m.Step)
		}
		if _, err := m.Sample(t.Context(), SampleOptions{Prompt: "The", Tokens: 4, Temperature: 1}, nil); err != nil {
			t.Error(err)
		}
		return s
	}
	t.Run("at once", func(t *testing.T) { stop(t, quick(t), func(*Job) {}) })
	t.Run("in the first step", func(t *testing.T) {
		for range 8 {
			c := quick(t)
			c.Model.D, c.Model.FFN, c.Model.Seq, c.Batch = 64, 128, 64, 16
			stop(t, c, func(j *Job) { waitFor(t, j, func(s Snapshot) bool { return s.Saved == 1 }) })
		}
	})
	t.Run("later", func(t *testing.T) {
		s := stop(t, quick(t), func(j *Job) { waitFor(t, j, func(s Snapshot) bool { return s.Step > 15 }) })
		if s.RunPath == "" {
			t.Error("there is no run folder")
		}
	})
	t.Run("paused", func(t *testing.T) {
		stop(t, quick(t), func(j *Job) {
			waitFor(t, j, func(s Snapshot) bool { return s.Step > 5 })
			j.Pause()
			waitFor(t, j, func(s Snapshot) bool { return s.State == Paused })
		})
	})
}

// A checkpoint that was asked for is written, and the snapshot tells.
func TestCheckpointNow(t *testing.T) {
	c := quick(t)
	c.Steps, c.CheckpointEvery = 100_000, 0
	j := start(t, c, t.TempDir())
	waitFor(t, j, func(s Snapshot) bool { return s.Step > 5 })
	before := j.Snapshot()
	j.CheckpointNow()
	waitFor(t, j, func(s Snapshot) bool { return s.Saved == before.Saved+1 })
	path := j.Snapshot().Checkpoint
	if ck, err := runs.ReadCheckpoint(path); err != nil || ck.Step < before.Step || path == before.Checkpoint {
		t.Errorf("checkpoint %q of step %d: %v", path, ck.Step, err)
	}
	j.Stop()
	finish(t, j)
}
