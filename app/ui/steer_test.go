package ui

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// steering goes on with fake jobs and keeps how it was asked to.
func (f *fixture) steering() Steering {
	open := func(how, path string, steps int) (Job, error) {
		f.went = append(f.went, how)
		if f.fail != nil {
			return nil, f.fail
		}
		cfg := f.current.cfg
		if steps > 0 {
			cfg.Steps = steps
		}
		j := newFakeJob(cfg)
		j.snap.RunPath = path
		f.jobs = append(f.jobs, j)
		return j, nil
	}
	return Steering{
		Resume: func(path string, steps int) (Job, error) {
			return open(fmt.Sprintf("resume %s to %d", filepath.Base(path), steps), path, steps)
		},
		RollBack: func(path string, factor float64) (Job, error) {
			return open(fmt.Sprintf("roll back %s by %g", filepath.Base(path), factor), path, 0)
		},
	}
}

// goneOn waits for the job that goes on with a run, after n others.
func (f *fixture) goneOn(n int) *fakeJob {
	f.t.Helper()
	f.loop.until(f.t, "the run goes on", func() bool { return f.current.job != nil })
	if len(f.jobs) != n+1 {
		f.t.Fatalf("%d jobs, want %d", len(f.jobs), n+1)
	}
	return f.jobs[n]
}

// TestSteeringTable writes out in which states of a run and its window what can be steered.
func TestSteeringTable(t *testing.T) {
	on := func(states ...State) map[State]bool {
		m := map[State]bool{}
		for _, s := range states {
			m[s] = true
		}
		return m
	}
	rate, back := on(Running, Paused), on(Diverged)
	longer, awake := on(Done, Stopped, Failed), on(Preparing, Running, Pausing, Stopping)
	f := newFixture(t, Dark)
	var kept []bool
	f.opt.Steer.Awake = func(on bool) { kept = append(kept, on) }
	f.run("pre", 10)
	kept = nil
	for i := range looks {
		s := State(i)
		f.current.state = s
		f.setState(s)
		for _, c := range []struct {
			name    string
			enabled bool
			want    bool
			action  Action
			next    State
		}{
			{"changing the rate", !f.menu.steer.rate.Disabled, rate[s], ActRate, s},
			{"continuing longer", !f.menu.steer.longer.Disabled, longer[s], ActLonger, Preparing},
			{"rolling back", !f.menu.steer.back.Disabled, back[s], ActRollBack, Preparing},
		} {
			if c.enabled != c.want {
				t.Errorf("%v: %s enabled is %v, want %v", s, c.name, c.enabled, c.want)
			}
			if next, ok := s.after(c.action); ok != c.want || ok && next != c.next {
				t.Errorf("%v: %s leads to %v, %v", s, c.name, next, ok)
			}
		}
		if f.awake != awake[s] {
			t.Errorf("%v: kept awake is %v, want %v", s, f.awake, awake[s])
		}
	}
	if !slices.Equal(kept, []bool{true, false}) { // Preparing to Stopping lie together in the table
		t.Errorf("awake was called with %v", kept)
	}
	f.setState(Idle)
	f.current.state = Done
	f.current.snap.RunPath = ""
	f.steerControls()
	if !f.menu.steer.longer.Disabled {
		t.Error("a run without a folder can be continued")
	}
}

func TestChangeRate(t *testing.T) {
	f := newFixture(t, Dark)
	f.ChangeRate()
	if f.asked != nil {
		t.Fatal("the rate of nothing is asked for")
	}
	j := f.started()
	j.steps(120)
	f.loop.until(t, "step 120", func() bool { return f.current.snap.Step == 120 })
	f.menu.steer.rate.Action()
	q := f.asked
	if q.entry.Text != rateText(j.cfg.LR) {
		t.Errorf("the field starts with %q", q.entry.Text)
	}
	for text, want := range map[string]string{"fast": `Learning rate is "fast"`, "0": `"0"`, "-1": `"-1"`, "inf": `"inf"`} {
		q.entry.SetText(text)
		if !q.ok.Disabled() || !strings.Contains(q.said.Text, want) {
			t.Errorf("%q can be confirmed, or is not named: %q", text, q.said.Text)
		}
		q.answer()
	}
	if j.Snapshot().LRAt != "" {
		t.Fatal("nonsense reached the job")
	}
	c := j.cfg
	c.LR /= 2
	q.entry.SetText(q.quick[0].ID)
	if want := "to " + rateWord(c.RateAt(121)); q.ok.Disabled() || !strings.Contains(q.said.Text, want) {
		t.Errorf("half the rate says %q, want %q in it", q.said.Text, want)
	}
	test.Tap(q.ok)
	if s := j.Snapshot(); s.Peak != c.LR || s.LRAt != fmt.Sprintf("121:%g", c.LR) {
		t.Fatalf("the job's peak is %g, %q", s.Peak, s.LRAt)
	}
	f.loop.until(t, "the change is shown", func() bool { return f.current.snap.LRAt != "" })
	if got := f.current.settings(); !strings.Contains(got, fmt.Sprintf("(from step 121: %g)", c.LR)) {
		t.Errorf("the caption says %q", got)
	}
	f.ChangeRate()
	j.enter(trainer.Done, "")
	f.waitFor(Done)
	f.asked.box.Hide()
	f.duplicate()
	if next, err := f.setup.config(); err != nil || next.LRAt != "" || f.current.cfg.LRAt == "" {
		t.Errorf("the settings of the run are %q, those of the next %q: %v", f.current.cfg.LRAt, next.LRAt, err)
	}
	f.ChangeRate()
	if top := f.win.Canvas().Overlays().Top(); top != nil {
		t.Error("the rate of a run that is done is asked for")
	}
}

// diverged trains 90 steps and diverges.
func (f *fixture) diverged() *run {
	f.t.Helper()
	j := f.started()
	j.steps(90)
	j.enter(trainer.Diverged, "The loss became NaN at step 91, in the output head.")
	f.waitFor(Diverged)
	f.loop.until(f.t, "the banner", func() bool { return f.banner.Visible() })
	return f.current
}

// TestRollBack goes back from the banner: the curve stays until the new job has brought its own.
func TestRollBack(t *testing.T) {
	f := newFixture(t, Dark)
	r := f.diverged()
	if f.banner.button.Text != "Roll back at half the rate" || f.banner.other.Text != "Keep" || !f.banner.other.Visible() {
		t.Fatalf("the banner offers %q and %q", f.banner.button.Text, f.banner.other.Text)
	}
	lines := len(r.log)
	test.Tap(f.banner.button)
	if f.state != Preparing || f.banner.Visible() || len(f.session) != 1 {
		t.Fatalf("rolling back leads to %v", f.state)
	}
	j := f.goneOn(1)
	if want := []string{"roll back run-0001 by 0.5"}; !slices.Equal(f.went, want) {
		t.Errorf("asked for %q, want %q", f.went, want)
	}
	if n := r.series[trainer.KeyLoss].Len(); n != 90 {
		t.Errorf("the curve has %d points before the job has any", n)
	}
	j.steps(50) // what the trainer reads back
	j.set(func(s *trainer.Snapshot) { s.From, s.Peak = 50, j.cfg.LR/2; s.State = trainer.Running })
	f.waitFor(Running)
	f.loop.until(t, "the curve is cut", func() bool { return r.series[trainer.KeyLoss].Len() == 50 })
	j.steps(40)
	f.loop.until(t, "it grows", func() bool { return r.series[trainer.KeyLoss].Len() == 90 })
	j.enter(trainer.Done, "")
	f.waitFor(Done)
	f.loop.until(t, "the end", func() bool { return r.snap.State == trainer.Done })
	for _, l := range r.log[lines:] {
		if strings.Contains(l.text, "step 25 ") || strings.Contains(l.text, "step 50 ") {
			t.Errorf("the log tells again of %q", l.text)
		}
	}
	if !slices.ContainsFunc(r.log[lines:], func(l logLine) bool { return strings.Contains(l.text, "step 75 ") }) {
		t.Error("the log does not tell of step 75")
	}
}

// TestKeepAfterDivergence leaves the run as it is; it can still be taken back, from the menu.
func TestKeepAfterDivergence(t *testing.T) {
	f := newFixture(t, Dark)
	r := f.diverged()
	test.Tap(f.banner.other)
	if f.state != Idle || f.banner.Visible() || f.setup.steps.Disabled() || f.went != nil {
		t.Fatalf("keeping leads to %v, asked for %q", f.state, f.went)
	}
	f.menu.steer.back.Action()
	f.goneOn(1)
	if f.current != r || f.state != Preparing {
		t.Errorf("the menu leads to %v", f.state)
	}
}

// TestRollBackFails says why, and leaves everything as it was.
func TestRollBackFails(t *testing.T) {
	f := newFixture(t, Dark)
	r := f.diverged()
	f.fail = errors.New("run folder \"x\" is in use by process 7")
	f.RollBack()
	f.waitFor(Diverged)
	if f.win.Canvas().Overlays().Top() == nil || !f.banner.Visible() || r.snap.State != trainer.Diverged {
		t.Error("a roll back that fails says nothing, or takes the offer away")
	}
}

func TestContinueLonger(t *testing.T) {
	f := newFixture(t, Dark)
	first := f.run("pre", 300)
	f.run("post", 300)
	f.runs.choose(first)
	f.menu.steer.longer.Action()
	q := f.asked
	if q.entry.Text != "300" {
		t.Errorf("as many steps again are offered as %q", q.entry.Text)
	}
	q.entry.SetText("none")
	if !q.ok.Disabled() {
		t.Error("nonsense can be confirmed")
	}
	q.entry.SetText("100")
	c := first.cfg
	c.Steps = 400
	for _, want := range []string{first.title + " is trained up to step 400. The cosine is drawn anew to the new end: the learning rate rises at once from", rateWord(c.RateAt(301)), rateWord(c.RateAt(400))} {
		if !strings.Contains(q.said.Text, want) {
			t.Errorf("the note says %q, want %q in it", q.said.Text, want)
		}
	}
	f.fail = errors.New("the corpus is gone")
	test.Tap(q.ok)
	f.loop.until(t, "the refusal", func() bool { return f.win.Canvas().Overlays().Top() != nil })
	if f.state != Done || first.cfg.Steps != 300 || first.series[trainer.KeyLoss].Len() != 300 {
		t.Fatalf("after a refusal the window is %v, the run has %d steps", f.state, first.cfg.Steps)
	}
	f.win.Canvas().Overlays().Top().Hide()
	f.fail = nil
	q.done("100")
	j := f.goneOn(2)
	if got := f.went[1]; got != "resume run-0001 to 400" || f.current != first || f.selected != first {
		t.Errorf("asked for %q", got)
	}
	if c, err := f.setup.config(); err != nil || c.Model.Variant != "pre" || c.Steps != 400 {
		t.Errorf("the locked form shows %s for %d steps: %v", c.Model.Variant, c.Steps, err)
	}
	j.steps(400)
	j.enter(trainer.Done, "")
	f.waitFor(Done) // the last points may come a moment after the state
	f.loop.until(t, "the last points are drawn", func() bool { return first.series[trainer.KeyLoss].Len() >= 400 })
	if n := first.series[trainer.KeyLoss].Len(); n != 400 || first.cfg.Steps != 400 || len(f.session) != 2 {
		t.Errorf("the curve has %d points for %d steps", n, first.cfg.Steps)
	}
}

// kill leaves a run folder as a process that died at a step does.
func kill(t *testing.T, root, name string, step int64, status runs.Status) string {
	t.Helper()
	cfg := trainer.DefaultConfig()
	cfg.Name = name
	text, err := cfg.YAML()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runs.Create(root, "x", runs.Meta{
		Name: name, Status: status, Info: map[string]string{"steps": "300"},
	}, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.SetKeys([]string{"loss"}); err != nil {
		t.Fatal(err)
	}
	for i := range step {
		if err := run.Append(i+1, 0, []float32{1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	return run.Path()
}

// TestInterruptedRunsAreOffered starts a window over a folder in which two runs died in training.
func TestInterruptedRunsAreOffered(t *testing.T) {
	f := newFixture(t, Dark)
	root := t.TempDir()
	paths := map[string]string{}
	for name, step := range map[string]int64{"Ada": 57, "Ben": 8} {
		paths[name] = kill(t, root, name, step, runs.Running)
	}
	kill(t, root, "nothing trained", 0, runs.Preparing)
	kill(t, root, "done", 5, runs.Done)
	kill(t, root, "paused", 5, runs.Paused)
	f.loop.until(t, "the empty folder is listed", func() bool { return f.lib.listed })
	f.opt.RunsDir, f.lib.listed = root, false
	f.scan()
	f.loop.until(t, "the offer", func() bool { return f.banner.Visible() })
	first, second := "Ada", "Ben"
	if strings.HasPrefix(f.banner.text.Text, "“Ben") {
		first, second = second, first // made in the same second
	}
	step := map[string]string{"Ada": "57", "Ben": "8"}
	want := "“" + first + "” was interrupted at step " + step[first] + " of 300; so was one more run."
	if f.banner.text.Text != want || f.banner.button.Text != "Resume" || f.banner.other.Text != "Leave" {
		t.Fatalf("the banner says %q, want %q", f.banner.text.Text, want)
	}
	test.Tap(f.banner.other)
	want = "“" + second + "” was interrupted at step " + step[second] + " of 300."
	if f.banner.text.Text != want {
		t.Fatalf("then the banner says %q, want %q", f.banner.text.Text, want)
	}
	run, err := runs.Open(paths[first])
	if err != nil {
		t.Fatal(err)
	}
	f.loop.until(t, "the run is left", func() bool {
		if run.Status() == runs.Stopped {
			return true
		}
		f.opt.Dispatch(func() {}) // look again
		return false
	})
	test.Tap(f.banner.button)
	f.waitFor(Preparing)
	if f.banner.Visible() || len(f.session) != 1 || f.current.title != second {
		t.Fatalf("resuming goes on with %q, %d runs on the charts", f.current.title, len(f.session))
	}
	j := f.goneOn(0)
	if want := "resume " + filepath.Base(paths[second]) + " to 0"; f.went[0] != want {
		t.Errorf("asked for %q, want %q", f.went[0], want)
	}
	j.steps(20)
	f.waitFor(Running)

	list, err := runs.List(root) // as the next start would see it
	if err != nil {
		t.Fatal(err)
	}
	again := interrupted(list)
	if len(again) != 1 || again[0].Name != second {
		t.Errorf("%v would be offered again, want %s", again, second)
	}
}

// TestCheckpointNow says that a checkpoint was asked for, and when it is written.
func TestCheckpointNow(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	j.steps(30)
	f.waitFor(Running)
	usual := f.status.said.text.Text
	f.menu.checkpoint.Action()
	if j.saved != 1 || f.status.said.text.Text != "Writing a checkpoint after this step" {
		t.Fatalf("%d asked for; the line says %q", j.saved, f.status.said.text.Text)
	}
	j.steps(1)
	f.loop.until(t, "step 31", func() bool { return f.current.snap.Step == 31 })
	if f.status.said.text.Text == usual {
		t.Error("a step takes the word away")
	}
	j.set(func(s *trainer.Snapshot) { s.Saved, s.Checkpoint = 1, s.RunPath+"/ckpt/step-00000031" })
	f.loop.until(t, "the word", func() bool { return f.status.said.text.Text == "Checkpoint written: step-00000031" })
	if !f.told.Stop() {
		t.Error("nothing takes the word back")
	}
	f.status.awaiting("")
	if f.status.said.text.Text != usual {
		t.Errorf("then the line says %q", f.status.said.text.Text)
	}
	f.menu.checkpoint.Action()
	j.enter(trainer.Stopped, "")
	f.waitFor(Stopped)
	f.loop.until(t, "the end", func() bool { return !f.saving })
	if got := f.status.said.text.Text; !strings.HasPrefix(got, "Kept in") {
		t.Errorf("a run that ended says %q", got)
	}
}

// TestSteersForReal changes the rate of a real run, stops it, and trains it longer.
func TestSteersForReal(t *testing.T) {
	f := newFixture(t, Dark)
	root := t.TempDir()
	job := func(j *trainer.Job, err error) (Job, error) { return j, err }
	f.opt.Start = func(c trainer.Config) (Job, error) { return job(trainer.Start(c, trainer.Options{Root: root})) }
	f.opt.Steer.Resume = func(path string, steps int) (Job, error) {
		return job(trainer.Resume(path, steps, trainer.Options{}))
	}
	c := trainer.DefaultConfig()
	c.Preset, c.Model.Layers, c.Model.D, c.Model.FFN, c.Model.Seq = "", 2, 32, 48, 16
	c.Steps, c.Batch, c.DataBytes, c.Device, c.Warmup = 100_000, 2, 60_000, "cpu", 0
	c.EvalEvery, c.SampleEvery, c.CheckpointEvery = 0, 0, 0
	f.useConfig(c)
	f.Train()
	f.waitFor(Running)
	f.ChangeRate()
	f.asked.entry.SetText("0.0003")
	f.asked.answer()
	f.loop.until(t, "the change", func() bool { return f.current.snap.Peak == 0.0003 })
	f.loop.until(t, "steps with it", func() bool {
		_, lr, ok := f.current.series[trainer.KeyLR].Last()
		return ok && lr < 0.000301
	})
	f.Stop()
	f.waitFor(Stopped)
	r := f.current
	at := r.snap.Step
	f.ContinueLonger()
	f.asked.entry.SetText("5")
	f.asked.answer()
	if f.state != Preparing {
		t.Fatalf("continuing leads to %v", f.state)
	}
	f.waitFor(Done)
	steps, lr := r.series[trainer.KeyLR].Points()
	if len(steps) != int(at)+5 || r.snap.From != at || r.snap.LRAt == "" || lr[len(lr)-1] > 0.0001 {
		t.Errorf("%d points, resumed after step %d with %q; the last rate is %g", len(steps), r.snap.From, r.snap.LRAt, lr[len(lr)-1])
	}
}

// TestLockedFormShowsWhatTrains: also when another run goes on after a divergence, which locks the form.
func TestLockedFormShowsWhatTrains(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	a := f.shownRun(1)
	f.setup.setVariant("post")
	j := f.started()
	j.steps(5)
	j.enter(trainer.Diverged, "x")
	f.waitFor(Diverged)
	f.runs.choose(a)
	f.ContinueLonger()
	f.asked.close()
	f.asked.done("7")
	if shows := f.setup.base.Model.Variant; shows != a.cfg.Model.Variant || f.setup.steps.Text != fmt.Sprint(a.cfg.Steps) {
		t.Errorf("%s trains to step %d, the form shows %s and %s", a.cfg.Model.Variant, a.cfg.Steps, shows, f.setup.steps.Text)
	}
	f.goneOn(1).enter(trainer.Stopped, "")
	f.loop.until(t, "the end", func() bool { return !looks[f.state].live })
}

// TestRateAfterTheEnd: a run may end while a person thinks about its rate.
func TestRateAfterTheEnd(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	j.steps(5)
	f.waitFor(Running)
	f.ChangeRate()
	r := f.current
	j.enter(trainer.Done, "")
	f.waitFor(Done)
	r.job = nil // its folder has all of it
	f.asked.close()
	f.asked.done("0.001")
	if f.overlays() != 1 || !strings.Contains(visibleText(f.win.Canvas().Overlays().Top()), "has ended") {
		t.Errorf("%d dialogs are open", f.overlays())
	}
}
