package ui

import (
	"os"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

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
