package ui

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/assets"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// firstStart is a window over a folder of runs, with the example at hand.
func firstStart(t *testing.T, root string) *fixture {
	t.Helper()
	f := newFixtureWith(t, Dark, func(o *Options) { o.RunsDir, o.Example = root, assets.Example })
	f.settled()
	return f
}

// settled waits until the folder of runs is what it will be, and listed.
func (f *fixture) settled() {
	f.t.Helper()
	f.lib.writing.wait() // what it dispatched comes before the listing
	f.loop.until(f.t, "the folder is listed", func() bool {
		return !f.lib.scanning && (f.lib.listed || f.runs.fault != "")
	})
}

// nextStart closes the window and opens another of the same person.
func (f *fixture) nextStart() *fixture {
	f.t.Helper()
	f.leave()
	f.loop.drain()
	o := f.opt
	o.Window, o.Dispatch = fyne.CurrentApp().NewWindow("Evenkeel"), f.loop.do
	g := &fixture{t: f.t, loop: f.loop}
	g.Window = New(o)
	g.settled()
	f.t.Cleanup(g.end)
	return g
}

// shownTitles lists the runs on the charts, in the order of the legend.
func (f *fixture) shownTitles() []string {
	var all []string
	for _, r := range f.session {
		if r.shown {
			all = append(all, r.title)
		}
	}
	return all
}

var exampleTitles = []string{"HybridNorm* example", "Pre-Norm example", "Post-Norm example"}

// TestFirstStart opens the window over a folder of runs that does not exist: the example is in it, and every tab
// has something to show.
func TestFirstStart(t *testing.T) {
	root := filepath.Join(t.TempDir(), "evenkeel", "runs")
	f := firstStart(t, root)
	if got := f.shownTitles(); !slices.Equal(got, exampleTitles) || !slices.Equal(f.titles(), exampleTitles) {
		t.Fatalf("the charts show %q, the list %q", got, f.titles())
	}
	if f.selected == nil || f.selected != f.lib.runs[0] || f.selected.cfg.Model.Variant != "hybrid_star" || f.runs.chosen != f.selected {
		t.Errorf("%+v is selected", f.selected)
	}
	if !f.banner.Visible() || !strings.Contains(f.banner.text.Text, "came with Evenkeel") || f.loss.hint.object.Visible() {
		t.Errorf("the banner says %q", f.banner.text.Text)
	}
	if f.state != Idle {
		t.Errorf("the window is %v", f.state)
	}
	var slots []int
	for _, r := range f.session {
		slots = append(slots, r.slot)
		if !slices.Contains(r.about.Tags, "example") || !r.matches([]string{"#example"}) {
			t.Errorf("%s has tags %q", r.title, r.about.Tags)
		}
	}
	if slices.Sort(slots); slots[0] == 0 || slots[2] > 3 || len(slices.Compact(slots)) != 3 {
		t.Errorf("the colours are %v; the first is of a newcomer's run, those after the fourth are dashed", slots)
	}
	if l := f.loss.view.Figure().(*chart.Lines); len(l.Lines) != 6 || len(l.References) != 1 || l.XMax != 300 {
		t.Errorf("the loss is shown as %+v", l)
	}
	f.tabs.SelectIndex(tabGradients)
	if p, ok := f.grad.over.Figure().(*chart.LayerLines); !ok || len(p.Layers) != 12 {
		t.Errorf("gradients are shown as %+v", f.grad.over.Figure())
	}
	f.grad.showFigure2(true)
	f.redraw()
	for i, p := range f.grad.over.Figure().(*chart.Row).Panels {
		if b := p.(*chart.Bars); len(b.Groups) != 3 || len(b.Groups[0].Values) != 12 || b.Title != []string{"step 1", "step 100"}[i] {
			t.Errorf("panel %d of Figure 2 is %+v", i, b)
		}
	}
	if n := len(f.selected.samples); n < 4 {
		t.Errorf("%d samples", n)
	}
	if n := len(f.selected.log); n < 15 {
		t.Errorf("the log has %d lines: %v", n, f.selected.log)
	}
	if !f.known(f.selected) || f.selected.snap.Checkpoint == "" {
		t.Errorf("there is no checkpoint to talk to: %+v", f.selected.snap)
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".*")); len(left) > 0 {
		t.Errorf("%q is left in the folder of runs", left)
	}
}

// TestSecondStart: what was deleted stays deleted, also when the folder is as empty as at the first start.
func TestSecondStart(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	f := firstStart(t, root)
	f.runs.choose(f.lib.runs[1])
	f.DeleteRun()
	g := f.nextStart()
	if got := g.titles(); len(got) != 2 || slices.Contains(got, "Pre-Norm example") || g.banner.Visible() {
		t.Errorf("the second start lists %q, banner %v", got, g.banner.Visible())
	}
	for len(g.lib.runs) > 0 {
		g.runs.choose(g.lib.runs[0])
		g.DeleteRun()
	}
	g.lib.writing.wait()
	if err := os.RemoveAll(filepath.Join(root, ".trash")); err != nil {
		t.Fatal(err)
	}
	h := g.nextStart()
	if len(h.lib.runs) != 0 || !h.loss.hint.object.Visible() || h.banner.Visible() {
		t.Errorf("the third start lists %q", h.titles())
	}
	entry := h.menu.main.Items[len(h.menu.main.Items)-1].Items[0]
	if entry.Label != "Show the Example Runs" {
		t.Fatalf("the Help menu begins with %q", entry.Label)
	}
	entry.Action()
	h.lib.writing.wait()
	h.loop.until(t, "the example is back", func() bool { return len(h.shownTitles()) == 3 })
	if !slices.Equal(h.titles(), exampleTitles) {
		t.Errorf("the example brought back is %q", h.titles())
	}
	h.hideAll()
	entry.Action() // shows what is there
	h.lib.writing.wait()
	h.loop.until(t, "the example is shown", func() bool { return len(h.shownTitles()) == 3 })
	if len(h.lib.runs) != 3 {
		t.Errorf("shown again there are %q", h.titles())
	}
}

// TestFirstStartOverAUsedFolder leaves the folder of an older user alone, also after all of its runs are gone.
func TestFirstStartOverAUsedFolder(t *testing.T) {
	for name, fill := range map[string]func(root string) error{
		"runs": func(root string) error { makeRun(t, root, 0, threeRuns[0]); return nil },
		"trash": func(root string) error {
			_, err := runs.Trash(makeRun(t, root, 0, threeRuns[0]))
			return err
		},
		"another file": func(root string) error { return os.WriteFile(filepath.Join(root, "notes.txt"), nil, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := fill(root); err != nil {
				t.Fatal(err)
			}
			f := firstStart(t, root)
			if n := len(f.shownTitles()); n != 0 || len(f.lib.runs) > 1 || f.banner.Visible() || !f.loss.hint.object.Visible() {
				t.Errorf("%d runs are shown of %q", n, f.titles())
			}
			if err := os.RemoveAll(root); err != nil {
				t.Fatal(err)
			}
			if g := f.nextStart(); len(g.lib.runs) != 0 {
				t.Errorf("after all is gone the window lists %q", g.titles())
			}
		})
	}
}

// TestFirstStartCutShort goes on with what an interrupted first start has left.
func TestFirstStartCutShort(t *testing.T) {
	root := t.TempDir()
	if err := assets.Example(root); err != nil {
		t.Fatal(err)
	}
	list, err := runs.List(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(list[2].Path); err != nil {
		t.Fatal(err)
	}
	if err := runs.Annotate(list[1].Path, func(a *runs.About) { a.Name = "kept" }); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, unpackedPrefix+"123", list[2].ID, "ckpt"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := firstStart(t, root)
	if got, want := f.titles(), []string{exampleTitles[0], "kept", exampleTitles[2]}; !slices.Equal(got, want) {
		t.Errorf("the window lists %q, want %q", got, want)
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".*")); len(left) > 0 {
		t.Errorf("%q is left in the folder of runs", left)
	}
}

// TestFirstStartWithoutARunsFolder says in a sentence why there is no example; all else works, and the next
// start tries again.
func TestFirstStartWithoutARunsFolder(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "evenkeel")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(blocked, "runs")
	f := firstStart(t, root)
	if text := f.banner.text.Text; !f.banner.Visible() || !strings.HasPrefix(text, "The example runs could not be put into ") ||
		!strings.Contains(text, root) || !strings.Contains(text, "(not a directory)") {
		t.Errorf("the banner says %q", f.banner.text.Text)
	}
	if !f.loss.hint.object.Visible() {
		t.Error("the empty chart says nothing")
	}
	f.run("pre", 30)
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if g := f.nextStart(); !slices.Equal(g.shownTitles(), exampleTitles) {
		t.Errorf("once the folder can be made the window shows %q", g.shownTitles())
	}
}

// TestFirstStartWithADamagedExample leaves nothing half done.
func TestFirstStartWithADamagedExample(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	f := newFixtureWith(t, Light, func(o *Options) {
		o.RunsDir = root
		o.Example = func(dir string) error {
			makeRun(t, dir, 0, threeRuns[0])
			return errors.New("the archive is damaged")
		}
	})
	f.settled()
	if want := "The example runs cannot be shown. The archive is damaged."; f.banner.text.Text != want || len(f.lib.runs) != 0 {
		t.Errorf("the banner says %q, the window lists %q", f.banner.text.Text, f.titles())
	}
	if left, _ := os.ReadDir(root); len(left) > 0 {
		t.Errorf("%v is left in the folder of runs", left)
	}
}

// TestOwnRunBesideTheExample: a first run is compared with the example, in a colour of its own; after that a
// person decides what is on the charts.
func TestOwnRunBesideTheExample(t *testing.T) {
	f := firstStart(t, filepath.Join(t.TempDir(), "runs"))
	r := f.run("hybrid_star", 30)
	if got, want := f.shownTitles(), append(slices.Clone(exampleTitles), "HybridNorm* #1"); !slices.Equal(got, want) {
		t.Errorf("the charts show %q, want %q", got, want)
	}
	if f.banner.Visible() || f.selected != r || r.slot != 0 || f.loss.view.Figure().(*chart.Lines).XMax != 300 {
		t.Errorf("banner %v, %q is selected, colour %d", f.banner.Visible(), f.selected.title, r.slot)
	}
	c := trainer.DefaultConfig()
	c.Steps = 5000
	f.useConfig(c)
	f.started()
	if got := f.shownTitles(); len(got) != 5 {
		t.Errorf("before the second run of their own a person had 4 on the charts; now %q", got)
	}
}

// TestMakeRoom takes the example off the charts before runs it cannot be compared with.
func TestMakeRoom(t *testing.T) {
	f := firstStart(t, filepath.Join(t.TempDir(), "runs"))
	example := f.example
	for _, c := range []struct {
		name   string
		change func(*trainer.Config)
		stay   bool
	}{
		{"the default run", func(*trainer.Config) {}, true},
		{"another model", func(c *trainer.Config) { c.Model.Layers, c.Batch, c.LR = 2, 4, 1e-4 }, true},
		{"1,000 steps", func(c *trainer.Config) { c.Steps = 1000 }, true},
		{"5,000 steps", func(c *trainer.Config) { c.Steps = 5000 }, false},
		{"20 steps", func(c *trainer.Config) { c.Steps = 20 }, false},
		{"another text", func(c *trainer.Config) { c.Data = "opticks" }, false},
		{"another tokenizer", func(c *trainer.Config) { c.Tokenizer = "bpe" }, false},
	} {
		f.example = example
		for _, r := range example {
			r.shown = true
		}
		cfg := trainer.DefaultConfig()
		c.change(&cfg)
		f.makeRoom(&cfg)
		if n := len(f.shownTitles()); (n == 3) != c.stay || (n == 0) == c.stay {
			t.Errorf("beside %s %d runs of the example stay on the charts", c.name, n)
		}
	}
}
