package ui

import (
	"bytes"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// again closes the window and opens another one over the same folders, with new preferences as if they had
// been lost.
func (f *fixture) again(change func(o *Options)) *fixture {
	f.t.Helper()
	f.leave()
	return newFixtureWith(f.t, Dark, func(o *Options) {
		o.RunsDir, o.StateDir = f.opt.RunsDir, f.opt.StateDir
		change(o)
	})
}

func unchanged(*Options) {}

// logged collects what is logged until the test ends.
func logged(t *testing.T) *bytes.Buffer {
	var b bytes.Buffer
	log.SetOutput(&b)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	return &b
}

// TestLastState closes a window and opens the next: form, runs, tab and switches are as they were.
func TestLastState(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	if err := f.setup.pressed(diagram.Place{Kind: diagram.AtSite, Site: model.S3, From: 0, To: 4}); err != nil {
		t.Fatal(err)
	}
	f.setup.rename("Even keel")
	f.variant.picker.chosen("pre")
	if err := f.setup.pressed(diagram.Place{Kind: diagram.AtEmbedding}); err != nil {
		t.Fatal(err)
	}
	f.setup.model.ffn.SetSelectedIndex(ffnExperts)
	f.setup.steps.SetText("many")
	f.setup.lr.SetText("1e-3 ")
	f.setup.model.size[0].SetText("")
	cycle(f.setup.init)
	cycle(f.setup.device)
	f.setup.setData("/home/ada/book.txt")
	f.samples.prompt.SetText("the sea: \"\n - 1")
	f.setup.base.StopOnRise = false
	f.formChanged()
	b, a := f.shownRun(2), f.shownRun(1)
	f.runs.choose(b)
	f.loss.metric.SetSelected(metrics[1].title)
	f.loss.logY.SetChecked(true)
	f.loss.raw.SetChecked(false)
	f.loss.smooth.SetValue(0.5)
	f.grad.form.SetSelected(formMap)
	f.grad.logY.SetChecked(false)
	f.tabs.SelectIndex(tabCompare)
	want := f.shown()

	g := f.again(unchanged)
	now := g.shown()
	now.check(t, "the next session", want)
	if g.history.at != 0 || g.menu.undo.undo.Label != "Undo" {
		t.Errorf("what was restored can be undone: %q", g.menu.undo.undo.Label)
	}
	if g.setup.own.find("my_hybridnorm_star").Title != "Even keel" {
		t.Error("a row that is not in the form is lost")
	}
	g.loop.until(t, "the runs are there", func() bool { return g.selected != nil && len(g.compared()) == 2 })
	var paths []string
	for _, r := range g.session {
		paths = append(paths, r.snap.RunPath)
	}
	if !slices.Equal(paths, []string{b.snap.RunPath, a.snap.RunPath}) || g.selected.snap.RunPath != b.snap.RunPath {
		t.Errorf("on the charts are %q, selected is %q", paths, g.selected.snap.RunPath)
	}
	if g.tab() != tabCompare || g.loss.kind() != metrics[1] || !g.loss.logY.Checked || g.loss.logX.Checked ||
		g.loss.raw.Checked || g.loss.smooth.Value != 0.5 || g.loss.amount.text.Text != "Smooth 0.5" {
		t.Errorf("tab %d, metric %v, smoothing %v", g.tab(), g.loss.kind(), g.loss.smooth.Value)
	}
	g.tabs.SelectIndex(tabGradients)
	if g.grad.form.Selected != formMap || g.grad.logY.Checked {
		t.Errorf("the blocks are drawn as %s", g.grad.form.Selected)
	}
	if g.win.Canvas().Overlays().Top() != nil {
		t.Error("a dialog is open")
	}

	h := g.again(func(o *Options) {
		c := pictureConfig()
		c.Steps = 77
		o.Config = &c
	})
	if h.setup.steps.Text != "77" || h.tab() != tabGradients {
		t.Errorf("a configuration that was asked for: %s steps, tab %d", h.setup.steps.Text, h.tab())
	}
}

// TestLastStateOfEveryEdit keeps the form after each edit of the table and shows it again in another form.
func TestLastStateOfEveryEdit(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here runs beside anything else, and it is slow under the race detector")
	}
	f := newFixture(t, Dark)
	for _, e := range formEdits(f) {
		e.do(f)
		f.saveState()
		f.lib.writing.wait()
		want := f.shown()
		f.NewConfiguration()
		f.setup.seed.SetText("zero")
		c := f.firstConfig()
		f.setup.fill(c)
		f.samples.prompt.SetText(c.Prompt)
		f.restoreForm()
		f.formChanged()
		f.last = nil
		now := f.shown()
		now.check(t, "after "+e.label, want)
	}
}

// TestLastStateOfNoUse: what cannot be read, is of another version or says something that is not known any
// more is ignored with a line in the log. What can be used of it is.
func TestLastStateOfNoUse(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here runs beside anything else, and it is slow under the race detector")
	}
	good := func() string {
		f := newFixture(t, Dark)
		f.setup.seed.SetText("42")
		f.tabs.SelectIndex(tabRace)
		f.saveState()
		f.lib.writing.wait()
		text, err := os.ReadFile(f.lastPath())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}()
	for _, c := range []struct {
		name, text, seed, logged string
		tab                      int
	}{
		{"good", good, "42", "", tabRace},
		{"empty", "", "1", "version 0", tabLoss},
		{"cut off", good[:len(good)/2], "1", "not restored", tabLoss},
		{"no text", "\x00\xff\x00", "1", "not restored", tabLoss},
		{"another version", strings.Replace(good, "version: 1", "version: 2", 1), "1", "version 2", tabLoss},
		{"a list", "- 1\n- 2\n", "1", "not restored", tabLoss},
		{"unknown key", strings.Replace(good, "warmup:", "warm_up:", 1), "1", "warm_up", tabRace},
		{"unknown variant", strings.Replace(good, "variant: hybrid_star", "variant: hybrid_moon", 1), "1", "hybrid_moon", tabRace},
		{"unknown tab", strings.Replace(good, "tab: Race", "tab: Knitting", 1), "42", "", tabLoss},
		{"places that are not there", strings.NewReplacer("attention: 0", "attention: 99", "ffn: 0", "ffn: -4").Replace(good), "42", "", tabRace},
		{"runs that are gone", strings.Replace(good, "tab: Race", "tab: Race\nshown: [/nowhere/a, \"\"]\nselected: /nowhere/b", 1), "42", "", tabRace},
		{"a form of something else", "version: 1\nform: 5\n", "1", "not restored", tabLoss},
		{"a config of something else", "version: 1\nform:\n  config: [1]\n", "1", "not restored", tabLoss},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := logged(t)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, lastName), []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			f := newFixtureWith(t, Dark, func(o *Options) { o.StateDir = dir })
			f.loop.until(t, "the folder is listed", func() bool { return f.lib.listed })
			f.loop.drain()
			if f.setup.seed.Text != c.seed || f.tab() != c.tab || f.last != nil {
				t.Errorf("seed %s, tab %d", f.setup.seed.Text, f.tab())
			}
			if f.win.Canvas().Overlays().Top() != nil || f.banner.Visible() {
				t.Error("somebody is disturbed")
			}
			if got := lines.String(); !strings.Contains(got, c.logged) || c.logged == "" && strings.Contains(got, "restored") {
				t.Errorf("logged:\n%s", got)
			}
			if _, err := f.setup.config(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLastRunDamaged: a run that was on the charts and cannot be read any more is left out without a dialog.
func TestLastRunDamaged(t *testing.T) {
	lines := logged(t)
	f := newLibrary(t, Dark, threeRuns...)
	bad := f.shownRun(1)
	good := f.shownRun(2)
	f.runs.choose(bad)
	if err := os.WriteFile(filepath.Join(bad.snap.RunPath, "config.yaml"), []byte("layers: many\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	g := f.again(unchanged)
	g.loop.until(t, "the other run", func() bool { return len(g.compared()) == 1 })
	g.loop.until(t, "the line in the log", func() bool { return strings.Contains(lines.String(), "cannot be shown") })
	g.loop.drain()
	if r := g.compared()[0]; r.snap.RunPath != good.snap.RunPath || g.win.Canvas().Overlays().Top() != nil {
		t.Errorf("shown is %s", r.title)
	}
	r := g.lib.runs[slices.IndexFunc(g.lib.runs, func(r *run) bool { return r.snap.RunPath == bad.snap.RunPath })]
	g.showRun(r, true)
	g.loop.until(t, "the sentence, once a person asks", func() bool { return g.win.Canvas().Overlays().Top() != nil })
}

// TestLastStateWaits: the runs of the last session are not taken away from a person who was faster than the
// listing of the folder, and a window that leaves before it keeps what it knew.
func TestLastStateWaits(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	f.runs.choose(f.shownRun(2))
	path := f.selected.snap.RunPath
	f.leave()
	dirs := func(o *Options) {
		o.RunsDir, o.StateDir = f.opt.RunsDir, f.opt.StateDir
		queue := o.Dispatch
		o.Dispatch = func(g func()) { queue(g) }
	}
	g := newFixtureWith(t, Dark, dirs)
	g.last = &lastState{Shown: []string{path}, Selected: path} // as before the listing
	l, err := g.lastState()
	if err != nil || !slices.Equal(l.Shown, []string{path}) || l.Selected != path {
		t.Errorf("leaving early keeps %+v, %v", l, err)
	}
	g.loop.until(t, "the listing", func() bool { return len(g.lib.runs) == 3 })
	other := g.lib.runs[0]
	g.runs.choose(other)
	g.last = &lastState{Shown: []string{path}, Selected: path}
	g.restoreRuns()
	if g.runs.chosen != other {
		t.Error("the choice of a person is lost")
	}
}

// TestLastPath: the file is beside the folder of runs unless another folder is named.
func TestLastPath(t *testing.T) {
	for _, c := range []struct{ runs, state, want string }{
		{"/data/evenkeel/runs", "", "/data/evenkeel/window.yaml"},
		{"/data/evenkeel/runs", "/tmp/x", "/tmp/x/window.yaml"},
		{"", "", ""},
	} {
		w := &Window{opt: Options{RunsDir: filepath.FromSlash(c.runs), StateDir: filepath.FromSlash(c.state)}}
		if got := w.lastPath(); got != filepath.FromSlash(c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// TestStateIsKeptEarly: the state is on disk once a run has begun and when the window goes behind others, so
// that a process that is killed takes nothing with it.
func TestStateIsKeptEarly(t *testing.T) {
	f := newFixture(t, Dark)
	kept := func() string {
		f.loop.drain()
		f.lib.writing.wait()
		text, _ := os.ReadFile(f.lastPath())
		return string(text)
	}
	if kept() != "" {
		t.Error("a state is written before anything has happened")
	}
	f.setup.seed.SetText("42")
	f.started()
	if !strings.Contains(kept(), "seed: 42") {
		t.Error("Train keeps nothing")
	}
	f.jobs[0].enter(trainer.Done, "")
	f.waitFor(Done)
	f.setup.seed.SetText("43")
	f.SetInFront(false)
	if !strings.Contains(kept(), "seed: 43") {
		t.Error("going behind keeps nothing")
	}
	info, err := os.ReadDir(filepath.Dir(f.lastPath()))
	if err != nil || len(info) != 1 {
		t.Errorf("the folder holds %v, %v", info, err)
	}
}
