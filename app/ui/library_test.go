package ui

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// madeRun is a run folder that a test wants.
type madeRun struct {
	name, variant string
	status        runs.Status
	steps         int     // rows
	shift         float64 // added to its losses
	lr            float64
	metrics       string // a file to share instead of writing rows
}

// makeRun writes a run folder as a trainer leaves it, begun some hours after the first of March.
func makeRun(t testing.TB, root string, hours int, m madeRun) string {
	t.Helper()
	c := pictureConfig()
	c.Model.Variant, c.Steps = m.variant, m.steps
	if m.lr > 0 {
		c.LR = m.lr
	}
	created := time.Date(2025, 2, 1, hours, 0, 0, 0, time.UTC)
	meta := runs.Meta{
		Format: 1, ID: fmt.Sprintf("%s-%s-%04x", created.Format("20060102T150405Z"), m.variant, hours), Name: m.name,
		Variant: m.variant, Status: m.status, Created: created,
		Info: map[string]string{"steps": fmt.Sprint(m.steps), "loss_floor": "1.3127"},
	}
	path := filepath.Join(root, meta.ID)
	config, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	about, err := json.Marshal(meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "ckpt"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"config.yaml": config, "run.json": about} {
		if err := os.WriteFile(filepath.Join(path, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if m.metrics != "" {
		if err := os.Link(m.metrics, filepath.Join(path, "metrics.jsonl")); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run, err := runs.OpenForWriting(path)
	if err != nil {
		t.Fatal(err)
	}
	keys := trainer.MetricKeys(c.Model.Layers, 0)
	if err := run.SetKeys(keys); err != nil {
		t.Fatal(err)
	}
	row := make([]float32, len(keys))
	for s := 1; s <= m.steps; s++ {
		x := float64(s)
		for i := range row {
			row[i] = float32(0.5 + 0.1*math.Sin(x+float64(i)))
		}
		loss := 1.42 + m.shift + 3.9*math.Exp(-x*5/float64(m.steps)) + 0.08*math.Sin(x*12.9898)*math.Cos(x*4.1414)
		row[0], row[1], row[2], row[5] = float32(loss), runs.Missing, float32(c.LR), 12400
		if s%25 == 0 {
			row[1] = float32(loss + 0.04)
		}
		if err := run.Append(int64(s), x/8, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.AddEvent("sample", int64(m.steps), "the boat turns .", map[string]any{"prompt": "the"}); err != nil {
		t.Fatal(err)
	}
	if err := run.AddEvent("pause", 5, "Paused on request.", nil); err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// newLibrary is a fixture over a folder of runs.
func newLibrary(t *testing.T, a Appearance, list ...madeRun) *fixture {
	t.Helper()
	f := newFixture(t, a)
	for i, m := range list {
		makeRun(t, f.opt.RunsDir, i, m)
	}
	f.relist(len(list))
	return f
}

// relist looks at the folder again until the window knows some number of runs.
func (f *fixture) relist(n int) {
	f.t.Helper()
	f.scan()
	f.loop.until(f.t, fmt.Sprintf("%d runs are listed", n), func() bool {
		return !f.lib.scanning && len(f.lib.runs) == n
	})
}

// shownRun checks a run and waits for its metrics.
func (f *fixture) shownRun(i int) *run {
	f.t.Helper()
	r := f.lib.runs[i]
	f.showRun(r, true)
	f.loop.until(f.t, r.title+" is read", func() bool { return r.hasData() && f.enrolled(r) })
	return r
}

var threeRuns = []madeRun{
	{name: "Pre-Norm, seed 1", variant: "pre", status: runs.Done, steps: 100},
	{name: "HybridNorm*, seed 1", variant: "hybrid_star", status: runs.Done, steps: 200, shift: -0.1, lr: 1e-3},
	{name: "HybridNorm*, seed 1", variant: "hybrid_star", status: runs.Running, steps: 60, shift: 0.2},
}

// titles lists the rows.
func (f *fixture) titles() []string {
	var all []string
	for _, r := range f.runs.rows {
		all = append(all, r.title)
	}
	return all
}

// TestStoredRuns lists runs of the folder, newest first, reads one when it is shown, and no sooner.
func TestStoredRuns(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	want := []string{"HybridNorm*, seed 1 (0002)", "HybridNorm*, seed 1 (0001)", "Pre-Norm, seed 1"}
	if got := f.titles(); !slices.Equal(got, want) {
		t.Fatalf("listed as %q, want %q", got, want)
	}
	for i, want := range []string{"interrupted, step 60, loss", "done, validation", "done, validation"} {
		if got := f.lib.runs[i].summary(); !strings.HasPrefix(got, want) {
			t.Errorf("run %d: %q, want %q", i, got, want)
		}
		if f.lib.runs[i].hasData() || f.session != nil {
			t.Error("metrics were read before anyone asked")
		}
	}
	r := f.lib.runs[1]
	f.showRun(r, true)
	if got := r.summary(); got != "reading its metrics" {
		t.Errorf("while it is read: %q", got)
	}
	f.loop.until(t, "its metrics", r.hasData)
	lines := f.loss.figure(f.session).(*chart.Lines)
	if len(lines.Lines) != 2 || lines.Lines[0].Series.Len() != 200 || lines.Lines[1].Series.Len() != 8 {
		t.Fatalf("the chart has %d lines", len(lines.Lines))
	}
	if r.cfg.LR != 1e-3 || r.snap.Steps != 200 || r.snap.Floor != 1.3127 || r.slot != 0 {
		t.Errorf("lr %v, %d steps, floor %v, slot %d", r.cfg.LR, r.snap.Steps, r.snap.Floor, r.slot)
	}
	f.runs.choose(r)
	if f.selected != r || f.log.lines != nil {
		t.Errorf("selected: %v", f.selected)
	}
	f.tabs.SelectIndex(tabLog)
	if n := len(f.log.lines); n != 2 || f.log.lines[1].text != "Paused on request." {
		t.Errorf("%d lines in its log", n)
	}
	f.tabs.SelectIndex(tabSamples)
	if got := f.samples.text.String(); !strings.Contains(got, "boat turns") {
		t.Errorf("its samples: %q", got)
	}
	f.duplicate()
	if c, _ := f.setup.config(); c.LR != 1e-3 {
		t.Errorf("its settings have lr %g", c.LR)
	}
}

// TestListKeys puts the selected run on the charts and takes it off, with the keyboard and the menu, and
// offers nothing while no run is selected.
func TestListKeys(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	press := func() { f.runs.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn}) }
	press()
	if f.anyShown() || !f.menu.runs.rename.Disabled || !f.menu.runs.delete.Disabled {
		t.Error("without a selected run there is something to do")
	}
	r := f.lib.runs[1]
	f.runs.choose(r)
	press()
	f.loop.until(t, "it is on the charts", func() bool { return f.enrolled(r) })
	if f.menu.runs.rename.Disabled || !f.menu.runs.discard.Disabled || f.runMenu(r).Items[0].Label != "Take off the Charts" {
		t.Error("the menus do not follow")
	}
	f.menu.runs.show.Action()
	if r.shown || f.loss.view.Figure() != nil || !f.loss.hint.object.Visible() {
		t.Error("it is still on the charts")
	}
}

// TestElided keeps the end of a title, which tells runs apart, and fills the place there is.
func TestElided(t *testing.T) {
	newFixture(t, Dark)
	e := newElided(caption(""))
	e.keep = titleEnd
	const full = "a name of many words, longer than its row #12"
	e.set(full, "")
	for _, width := range []float32{60, 120, 200, 400} {
		e.Resize(fyne.NewSize(width, 20))
		got := e.text.text.Text
		have := fyne.MeasureText(got, e.text.text.TextSize, e.text.text.TextStyle).Width
		if !strings.HasSuffix(got, "row #12") || have > width+1 || got != full && have < width-20 {
			t.Errorf("%q takes %v of %v", got, have, width)
		}
	}
	if e.text.text.Text != full {
		t.Errorf("with room it is %q", e.text.text.Text)
	}
}

// TestSelectLatestWins: of two rows pressed at once, the later one is selected when both are read.
func TestSelectLatestWins(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	a, b := f.lib.runs[1], f.lib.runs[2]
	f.runs.choose(a)
	f.runs.choose(b)
	f.loop.until(t, "both are read", func() bool { return a.hasData() && b.hasData() })
	f.loop.drain()
	if f.selected != b || f.runs.chosen != b {
		t.Errorf("selected is %v", f.selected.title)
	}
}

// TestFilter finds runs by name, variant, tag and status.
func TestFilter(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	f.annotate(f.lib.runs[2], func(a *runs.About) { a.Tags = []string{"paper"} })
	for text, want := range map[string]int{
		"": 3, "hybrid": 2, "HYBRID_STAR done": 1, "#paper": 1, "interrupted": 1, "pre-norm": 1,
		"seed 1": 3, "done": 2, "nonsense": 0,
	} {
		f.runs.filter.SetText(text)
		if len(f.runs.rows) != want {
			t.Errorf("%q finds %d runs, want %d", text, len(f.runs.rows), want)
		}
		if f.runs.empty.Visible() != (want == 0) {
			t.Errorf("%q: the note for an empty list is shown: %v", text, f.runs.empty.Visible())
		}
	}
	if got := f.runs.empty.String(); !strings.Contains(got, "nonsense") && len(f.runs.rows) == 0 {
		t.Errorf("the empty list says %q", got)
	}
	f.runs.filter.SetText("pre-norm")
	f.started()
	if f.runs.rows[f.runs.list.Length()-1] == nil || !slices.Contains(f.runs.rows, f.current) {
		t.Error("a new run is hidden by the filter")
	}
}

// TestRenameAndNotes: what a person says of a run is in its folder, and there at the next start.
func TestRenameAndNotes(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	r := f.shownRun(2)
	path := r.snap.RunPath
	f.runs.choose(r)
	f.RenameRun()
	for text, ok := range map[string]bool{"": false, f.lib.runs[0].title: false, "the baseline": true} {
		f.asked.entry.SetText(text)
		if f.asked.ok.Disabled() == ok {
			t.Errorf("%q can be confirmed: %v", text, !ok)
		}
	}
	f.asked.entry.SetText("the baseline")
	test.Tap(f.asked.ok)
	f.EditNotes()
	f.annotating.notes.SetText("too cold?\n")
	f.annotating.tags.SetText("Paper, #seed1")
	f.annotating.save()
	f.annotating.box.Hide()
	if !slices.Contains(f.titles(), "the baseline") ||
		f.loss.figure(f.session).(*chart.Lines).Lines[0].Name != "the baseline" {
		t.Errorf("the run is called %q", r.title)
	}
	f.lib.writing.wait()
	a, err := runs.ReadAbout(path)
	if err != nil || a.Name != "the baseline" || a.Notes != "too cold?" || !slices.Equal(a.Tags, []string{"paper", "seed1"}) ||
		a.Color != 1 {
		t.Errorf("kept: %+v, %v", a, err)
	}
	f.relist(3)
	if r.title != "the baseline" || r.about.Notes != "too cold?" || !r.shown || r.slot != 0 {
		t.Errorf("after the folder was read again: %q, %+v, slot %d", r.title, r.about, r.slot)
	}
}

// TestColorsAreForLife: a run keeps its colour when it is hidden, when others come and go, and at the
// next start.
func TestColorsAreForLife(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	a, b := f.shownRun(2), f.shownRun(0)
	if a.slot != 0 || b.slot != 1 {
		t.Fatalf("slots %d and %d", a.slot, b.slot)
	}
	f.showRun(a, false)
	c := f.shownRun(1)
	f.showRun(a, true)
	if a.slot != 0 || c.slot != 2 {
		t.Errorf("slots %d and %d", a.slot, c.slot)
	}
	f.lib.writing.wait()

	f.session, f.lib.runs = nil, nil // as the next start finds them
	f.relist(3)
	again := f.shownRun(1)
	if again.snap.RunPath != c.snap.RunPath || again.slot != 2 {
		t.Errorf("the next day it has slot %d, want 2", again.slot)
	}
	f.started()
	if s := f.current.slot; s != 3 {
		t.Errorf("a new run has the colour of slot %d, which others in the list have", s)
	}
	if chart.RunColor(f.freeSlot(again.slot)) != chart.RunColor(again.slot) || f.freeSlot(again.slot) == again.slot {
		t.Errorf("two runs of one colour: slots %d and %d", again.slot, f.freeSlot(again.slot))
	}
}

// TestNewRunsAreNumbered goes on from the largest number in the list.
func TestNewRunsAreNumbered(t *testing.T) {
	f := newLibrary(t, Dark, madeRun{name: "Pre-Norm #41", variant: "pre", status: runs.Done, steps: 5})
	f.started()
	if got := f.current.title; got != "HybridNorm* #42" {
		t.Errorf("the next run is called %q", got)
	}
	if f.runs.rows[0] != f.current || f.runs.chosen != f.current {
		t.Error("the new run is not the first, or not selected")
	}
}

// TestTrashAndRestore deletes a run on the charts, takes it back, and deletes for good once confirmed.
func TestTrashAndRestore(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	r := f.shownRun(1)
	path := r.snap.RunPath
	f.runs.choose(r)
	f.runs.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDelete})
	if slices.Contains(f.lib.runs, r) || f.session != nil || f.runs.chosen == r || f.runs.chosen == nil {
		t.Fatal("the run is still listed, or nothing is selected")
	}
	f.loop.until(t, "it is in the trash", func() bool { return f.banner.Visible() })
	if _, err := os.Stat(path); err == nil {
		t.Error("its folder is still there")
	}
	f.relist(2)
	test.Tap(f.banner.button)
	f.loop.until(t, "it is back", func() bool { return slices.Contains(f.lib.runs, r) })
	if !r.shown || !f.enrolled(r) || r.slot != 0 || r.snap.RunPath != path || f.titles()[1] != r.title {
		t.Errorf("restored: shown %v, slot %d, at %q", r.shown, r.slot, r.snap.RunPath)
	}
	f.relist(3)

	f.runs.choose(r)
	f.DeleteRun()
	f.loop.until(t, "it is in the trash", func() bool { return len(f.lib.deleted) == 1 })
	f.ShowTrash()
	f.loop.until(t, "the dialog", func() bool { return f.win.Canvas().Overlays().Top() != nil })
	f.win.Canvas().Overlays().Top().Hide()
	f.emptyTrash(1)
	if gone, _ := runs.Trashed(f.opt.RunsDir); len(gone) != 1 {
		t.Fatal("deleted for good before it was confirmed")
	}
	confirm(t, f, "Delete")
	f.lib.writing.wait()
	if gone, _ := runs.Trashed(f.opt.RunsDir); len(gone) != 0 || len(f.lib.deleted) != 0 {
		t.Errorf("%d runs are in the trash", len(gone))
	}
}

// confirm presses a button of the dialog on top.
func confirm(t *testing.T, f *fixture, label string) {
	t.Helper()
	for _, o := range test.LaidOutObjects(f.win.Canvas().Overlays().Top()) {
		if b, ok := o.(interface {
			fyne.Tappable
			fyne.Disableable
		}); ok && buttonText(o) == label {
			b.Tapped(&fyne.PointEvent{})
			return
		}
	}
	t.Fatalf("the dialog has no button %q", label)
}

// TestDeleteWhatTrainsElsewhere: a folder that another process holds stays, with a sentence.
func TestDeleteWhatTrainsElsewhere(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	r := f.lib.runs[0]
	held, err := runs.OpenForWriting(r.snap.RunPath)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	f.relist(3)
	if got := r.word(); got != "training elsewhere" {
		t.Errorf("it is %s", got)
	}
	f.runs.choose(r)
	f.DeleteRun()
	f.loop.until(t, "a sentence", func() bool { return f.win.Canvas().Overlays().Top() != nil })
	if !slices.Contains(f.lib.runs, r) || r.snap.RunPath != held.Path() {
		t.Error("the run is gone from the list")
	}
}

// TestFollowsTheFolder: runs made and removed by others come and go, and one that is shown grows.
func TestFollowsTheFolder(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	r := f.shownRun(2)
	more, err := runs.OpenForWriting(r.snap.RunPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := more.Append(101, 20, make([]float32, len(trainer.MetricKeys(4, 0)))); err != nil {
		t.Fatal(err)
	}
	more.Close()
	makeRun(t, f.opt.RunsDir, 9, threeRuns[0])
	os.RemoveAll(f.lib.runs[1].snap.RunPath)
	f.behind.Store(true)
	f.SetInFront(true)
	f.loop.until(t, "the new row", func() bool {
		x, _, _ := r.series[trainer.KeyLoss].Last()
		return x == 101
	})
	if got := f.titles(); len(got) != 3 || got[0] != "Pre-Norm, seed 1 (0009)" {
		t.Errorf("listed: %q", got)
	}
}

// TestDroppedRun opens a run folder from elsewhere, also while training, and complains about others.
func TestDroppedRun(t *testing.T) {
	f := newFixture(t, Dark)
	elsewhere := t.TempDir()
	path := makeRun(t, elsewhere, 3, threeRuns[1])
	f.started().steps(5)
	f.waitFor(Running)
	f.dropped([]fyne.URI{storage.NewFileURI(path)})
	f.loop.until(t, "it is on the charts", func() bool { return len(f.session) == 2 })
	if f.session[1].slot == f.session[0].slot || f.selected != f.session[1] {
		t.Error("it has the colour of the other run, or is not selected")
	}
	f.relist(2) // it is not of the folder, and stays
	f.OpenRun(elsewhere)
	f.loop.until(t, "a sentence", func() bool { return f.win.Canvas().Overlays().Top() != nil })
}

// TestDamagedRun: a run that cannot be read says so and is taken off the charts.
func TestDamagedRun(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	r := f.lib.runs[0]
	if err := os.WriteFile(filepath.Join(r.snap.RunPath, "config.yaml"), []byte("layers: many\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.showRun(r, true)
	f.loop.until(t, "a sentence", func() bool { return f.win.Canvas().Overlays().Top() != nil })
	if r.shown || f.enrolled(r) || r.summary() == "reading its metrics" {
		t.Errorf("shown %v, says %q", r.shown, r.summary())
	}
}

// TestDiscard stops the run at work once that was confirmed, and only then; its folder goes to the trash.
func TestDiscard(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	j.steps(5)
	f.waitFor(Running)
	r := f.current
	path := makeRun(t, f.opt.RunsDir, 1, threeRuns[0])
	j.set(func(s *trainer.Snapshot) { s.RunPath = path })
	f.loop.until(t, "its folder is known", func() bool { return r.snap.RunPath == path })
	f.DeleteRun()
	f.win.Canvas().Overlays().Top().Hide() // it is at work
	f.DiscardRun()
	if f.state != Running {
		t.Fatalf("before an answer the window is %v", f.state)
	}
	confirm(t, f, "Discard")
	if f.state != Stopping {
		t.Fatalf("after the answer the window is %v", f.state)
	}
	j.enter(trainer.Stopped, "")
	f.loop.until(t, "it is in the trash", func() bool { return len(f.lib.deleted) == 1 })
	if f.session != nil || len(f.runs.rows) != 0 {
		t.Error("it is still listed")
	}
	if gone, err := runs.Trashed(f.opt.RunsDir); err != nil || len(gone) != 1 {
		t.Errorf("in the trash: %v, %v", gone, err)
	}
}
