package trainer

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// short is a run of 30 steps with checkpoints of steps 0, 10, 20 and 30. It returns the folder.
func short(t *testing.T) string {
	t.Helper()
	c := quick(t)
	c.Steps, c.KeepCheckpoints = 30, 100
	return finish(t, start(t, c, t.TempDir())).RunPath
}

// each changes the file of the given name in every checkpoint of a run.
func each(t *testing.T, run, name string, change func(text []byte) []byte) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(run, "ckpt", "step-*", name))
	if err != nil || len(paths) != 4 {
		t.Fatalf("%d checkpoints: %v", len(paths), err)
	}
	for _, p := range paths {
		edit(t, p, change)
	}
}

func edit(t *testing.T, path string, change func(text []byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flipLast(b []byte) []byte { b[len(b)-1] ^= 1; return b }

func replaced(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return []byte(strings.Replace(string(b), old, with, 1)) }
}

// goOn resumes a run and gives how it ended.
func goOn(t *testing.T, path string) (Snapshot, error) {
	t.Helper()
	j, err := Resume(path, 35, Options{})
	if err != nil {
		return Snapshot{}, err
	}
	err = j.Wait()
	return j.Snapshot(), err
}

// A run whose checkpoints are all lost is refused, whatever befell them, and keeps what was measured. So is
// going back with it.
func TestResumeKeepsWhatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(path string)
		want string
	}{
		"damaged":   {func(p string) { each(t, p, fileModel, flipLast) }, "4 are broken"},
		"truncated": {func(p string) { each(t, p, fileOptim, func(b []byte) []byte { return b[:100] }) }, "is truncated"},
		"of a newer format": {func(p string) {
			each(t, p, "MANIFEST.json", replaced(`"format": 1`, `"format": 2`))
		}, "has format 2"},
		"gone": {func(p string) { os.RemoveAll(filepath.Join(p, "ckpt")) }, "has no checkpoint to continue from"},
	} {
		t.Run(name, func(t *testing.T) {
			path := short(t)
			c.harm(path)
			for range 2 { // the first must leave what the second finds
				if _, err := goOn(t, path); !errors.Is(err, runs.ErrNoCheckpoint) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("resumed: %v", err)
				}
			}
			if name != "gone" {
				j, err := RollBack(path, 0.5, Options{})
				if err == nil {
					err = j.Wait()
				}
				if !errors.Is(err, runs.ErrNoCheckpoint) {
					t.Errorf("went back: %v", err)
				}
			}
			run, err := runs.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if m, err := run.Metrics(); err != nil || len(m.Steps) != 30 {
				t.Errorf("%d of 30 rows are left: %v", len(m.Steps), err)
			}
		})
	}
}

// A run killed before its first checkpoint starts over.
func TestResumeStartsOver(t *testing.T) {
	path := short(t)
	final := weights(t, path)
	if err := errors.Join(os.RemoveAll(filepath.Join(path, "ckpt")), os.Remove(filepath.Join(path, "metrics.jsonl"))); err != nil {
		t.Fatal(err)
	}
	run, err := runs.OpenForWriting(path) // and is killed before its first step
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := runConfig(run)
	if err != nil {
		t.Fatal(err)
	}
	s, err := resumeSession(t.Context(), newJob(cfg), run, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ck, err := run.Latest(); err != nil || ck.Step != 0 {
		t.Errorf("its newest checkpoint is of step %d, %v", ck.Step, err)
	}
	if err := s.close(nil); err != nil {
		t.Fatal(err)
	}
	j, err := Resume(path, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := finish(t, j); s.From != 0 || string(weights(t, path)) != string(final) {
		t.Errorf("it went on from step %d, or to other weights", s.From)
	}
}

// A checkpoint that is not whole is passed over for an older one, and a person is told.
func TestResumePassesOver(t *testing.T) {
	newest := func(path, name string) string { return filepath.Join(path, "ckpt", "step-00000030", name) }
	for name, harm := range map[string]func(path string){
		"without a state": func(path string) {
			edit(t, newest(path, "MANIFEST.json"), func(b []byte) []byte {
				var m map[string]any
				if err := json.Unmarshal(b, &m); err != nil {
					t.Fatal(err)
				}
				delete(m["files"].(map[string]any), fileState)
				b, _ = json.Marshal(m)
				return b
			})
			os.Remove(newest(path, fileState))
		},
		"truncated": func(path string) { os.Truncate(newest(path, fileModel), 100) },
		"damaged":   func(path string) { edit(t, newest(path, fileModel), flipLast) },
	} {
		t.Run(name, func(t *testing.T) {
			path := short(t)
			harm(path)
			s, err := goOn(t, path)
			if err != nil || s.From != 20 || s.Step != 35 {
				t.Fatalf("it went on from step %d to %d: %v", s.From, s.Step, err)
			}
			told := func(n string) bool { return strings.Contains(n, "step-00000030 was passed over: ") }
			if len(events(t, path, "damaged")) != 1 || !slices.ContainsFunc(s.Notes, told) {
				t.Errorf("nobody is told: %q", s.Notes)
			}
		})
	}
}

// A run goes on with the config it was trained with. What changes nothing in training may differ, keys that
// did not exist when the folder was written may be absent, and any other difference is named.
func TestResumeHoldsToItsConfig(t *testing.T) {
	path := short(t)
	config := filepath.Join(path, fileConfig)
	whole, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, with, want string }{
		{"batch: 2\n", "batch: 4\n", "gives batch 4, but the checkpoint of step 30 was trained with 2"},
		{"batch: 2\n", "", "gives batch 16, but"},
		{"layers: 2\n", "layers: 3\n", "gives layers 3, but"},
		{"beta2: 0.95\n", "beta2: 0.9\n", "gives beta2 0.9, but"},
		{"variant: hybrid_star\n", "variant: own\ncustom: {id: own, rows: [{blocks: '0:L', sites: [s2]}]}\n", "gives variant own, but"},
		{"layers: 2\n", "layers: 1000000000000000000\n", "layers"},
		{string(whole), "", "but the checkpoint of step 30 was trained with"},
	} {
		if !strings.Contains(string(whole), c.old) {
			t.Fatalf("config.yaml holds no %q", c.old)
		}
		edit(t, config, func([]byte) []byte { return replaced(c.old, c.with)(whole) })
		if _, err := Resume(path, 35, Options{}); err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), config) {
			t.Errorf("%q for %q: %v", c.with, c.old, err)
		}
	}
	edit(t, config, func([]byte) []byte { return whole })
	for _, c := range [][2]string{
		{"eval_every: 0\n", "eval_every: 5\n"}, {"micro: 1\n", "micro: 2\n"}, {"threads: 0\n", "threads: 1\n"},
		{"max_gate: 0\n", ""}, {"moe_z: 0.001\n", "moe_z: 0.1\n"}, // a dense model has no use for it
	} {
		edit(t, config, replaced(c[0], c[1]))
	}
	if s, err := goOn(t, path); err != nil || s.From != 30 {
		t.Errorf("harmless changes: from step %d, %v", s.From, err)
	}
}

// Stop, CheckpointNow and Pause keep the time of training, and it goes on from there.
func TestTimeOfTrainingIsKept(t *testing.T) {
	c := quick(t)
	c.Steps, c.CheckpointEvery = 100_000, 0
	j := start(t, c, t.TempDir())
	path := func() string { return j.Snapshot().RunPath }
	behind := func() bool { // the newest checkpoint knows less time than the row of its step
		run, err := runs.Open(path())
		if err != nil {
			t.Fatal(err)
		}
		ck, err := run.Latest()
		if err != nil {
			t.Fatal(err)
		}
		st, err := readState(ck)
		m, merr := run.Metrics()
		if err := errors.Join(err, merr); err != nil {
			t.Fatal(err)
		}
		i := slices.Index(m.Steps, ck.Step)
		return i < 0 || m.Wall[i] < 0.003 || st.Elapsed.Seconds() < m.Wall[i]-1e-3
	}
	part := func() { from := j.Snapshot().Step; waitFor(t, j, func(s Snapshot) bool { return s.Step > from+30 }) }
	part()
	saved := j.Snapshot().Saved
	j.CheckpointNow()
	waitFor(t, j, func(s Snapshot) bool { return s.Saved > saved })
	if behind() {
		t.Error("CheckpointNow loses time")
	}
	part()
	j.Pause()
	waitFor(t, j, func(s Snapshot) bool { return s.State == Paused })
	if behind() {
		t.Error("Pause loses time")
	}
	j.Continue()
	part()
	j.Stop()
	finish(t, j)
	if behind() {
		t.Error("Stop loses time")
	}
	var err error
	if j, err = Resume(path(), 0, Options{}); err != nil {
		t.Fatal(err)
	}
	part()
	j.Stop()
	finish(t, j)
	run, err := runs.Open(path())
	if err != nil {
		t.Fatal(err)
	}
	if m, err := run.Metrics(); err != nil || !slices.IsSorted(m.Wall) {
		t.Errorf("the time of training goes back on the way: %v", err)
	}
}

// However much else was asked for, Stop and Pause are heard, and the later of Pause and Continue holds.
func TestOrders(t *testing.T) {
	o := newOrders()
	for range 100 {
		o.send(cmdCheckpoint)
		o.send(cmdUseCPU)
		o.rouse()
	}
	o.send(cmdPause)
	o.send(cmdStop)
	var got []command
	take := func() {
		got = nil
		for c, ok := o.take(betweenSteps); ok; c, ok = o.take(betweenSteps) {
			got = append(got, c)
		}
	}
	if take(); !slices.Equal(got, []command{cmdStop, cmdCheckpoint, cmdPause, cmdUseCPU}) || o.any() {
		t.Errorf("heard %v", got)
	}
	for _, last := range []command{cmdPause, cmdContinue} {
		o.send(cmdPause)
		o.send(cmdContinue)
		o.send(last)
		if take(); !slices.Equal(got, []command{last}) {
			t.Errorf("heard %v, the last was %v", got, last)
		}
	}
	o.send(cmdPause)
	if c, ok := o.take(whileAsking); ok || !o.any() {
		t.Errorf("a job that asks took %v", c)
	}
}

// Stop holds after any number of changes that come faster than steps.
func TestStopIsHeard(t *testing.T) {
	c := quick(t)
	c.Steps = 20_000
	j := start(t, c, t.TempDir())
	waitFor(t, j, func(s Snapshot) bool { return s.Step >= 1 })
	for i := range 2000 {
		if err := j.SetLearningRate(1e-3 + 1e-7*float64(i)); err != nil {
			t.Fatal(err)
		}
	}
	j.Stop()
	if s := finish(t, j); s.State != Stopped || s.Step == s.Steps {
		t.Errorf("the job ended %s at step %d", s.State, s.Step)
	}
}

// A checkpoint written between the update that ruined the weights and the step that shows it is not gone back
// to, and not written where a validation tells. The first rate gives large losses, the others NaN.
func TestRollBackPassesPoison(t *testing.T) {
	told := 0
	for _, rate := range []string{"1e3", "1e12", "1e35"} {
		for _, every := range []int{0, 5} {
			c := quick(t)
			c.LR, c.LRAt, c.Warmup, c.Steps, c.EvalEvery, c.KeepCheckpoints = 1e-2, "20:"+rate, 0, 29, every, 100
			c.Model.Variant = "pre"
			j := start(t, c, t.TempDir())
			j.Wait()
			s := j.Snapshot()
			if s.State != Diverged {
				t.Fatalf("a rate of %s ended %s", rate, s.State)
			}
			if strings.Contains(s.Reason, "validation loss became") {
				told++
				poisonedRow(t, j)
			}
			back, err := RollBack(s.RunPath, 1e-38, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if s := finish(t, back); s.State != Done || s.From != 10 {
				t.Errorf("rate %s, validating every %d: it went back to step %d and ended %s", rate, every, s.From, s.State)
			}
		}
	}
	if told == 0 {
		t.Error("no validation told")
	}
}

// poisonedRow checks what a run keeps that a validation after step 20 has stopped.
func poisonedRow(t *testing.T, j *Job) {
	t.Helper()
	s := j.Snapshot()
	if steps, val := j.History().Column(KeyValLoss, 0); len(val) != 4 || steps[3] != 20 || finite(val[3]) || !finite(s.ValLoss) {
		t.Errorf("validation losses %v, the last %v", val, s.ValLoss)
	}
	if ck, err := findCheckpoint(s.RunPath); err != nil || ck.Step != 10 {
		t.Errorf("the newest checkpoint is of step %d: %v", ck.Step, err)
	}
	run, err := runs.Open(s.RunPath)
	if err != nil {
		t.Fatal(err)
	}
	m, err := run.Metrics()
	if col := m.Column(KeyValLoss); err != nil || len(col) != 20 || runs.IsMissing(col[19]) || finite(float64(col[19])) {
		t.Errorf("the rows keep %v: %v", col, err)
	}
}

// A checkpoint from which a run diverged again is passed over the next time, as long as there is an older one.
func TestRollBackGoesFurther(t *testing.T) {
	c := quick(t)
	c.LRAt, c.StopOnRise, c.MaxNorm, c.KeepCheckpoints = "25:1e30", false, 0, 100
	j := start(t, c, t.TempDir())
	j.Wait()
	path := j.Snapshot().RunPath
	for _, want := range []int64{20, 10, 0, 0} {
		back, err := RollBack(path, 1, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if back.Wait(); back.Snapshot().From != want || back.Snapshot().State != Diverged {
			t.Fatalf("it went back to step %d, want %d, and ended %s", back.Snapshot().From, want, back.Snapshot().State)
		}
	}
}
