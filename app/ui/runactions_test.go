package ui

import (
	"errors"
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
	counted, _ := runs.Trashed(f.opt.RunsDir)
	f.emptyTrash(counted)
	if gone, _ := runs.Trashed(f.opt.RunsDir); len(gone) != 1 {
		t.Fatal("deleted for good before it was confirmed")
	}
	f.runs.choose(f.lib.runs[0])
	f.DeleteRun() // after the count
	f.loop.until(t, "another is in the trash", func() bool { return len(f.lib.deleted) == 2 })
	confirm(t, f, "Delete")
	f.lib.writing.wait()
	if gone, _ := runs.Trashed(f.opt.RunsDir); len(counted) != 1 || len(gone) != 1 || len(f.lib.deleted) != 1 ||
		gone[0].Path != f.lib.deleted[0].path {
		t.Errorf("of two runs in the trash %d were counted, and %d are left", len(counted), len(gone))
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

// TestDiscardRestoreContinue: a run that was discarded, restored and trained further stays when it ends, also
// when it was discarded again while its folder could not be opened.
func TestDiscardRestoreContinue(t *testing.T) {
	f := newFixture(t, Dark)
	path := makeRun(t, f.opt.RunsDir, 1, threeRuns[0])
	j := f.started()
	j.dir = path
	j.steps(5)
	f.waitFor(Running)
	r := f.current
	f.discard(r)
	j.enter(trainer.Stopped, "")
	f.loop.until(t, "it is in the trash", func() bool { return len(f.lib.deleted) == 1 })
	if r.discarded {
		t.Error("it would be discarded again")
	}
	f.RestoreRun()
	f.loop.until(t, "it is back", func() bool { return slices.Contains(f.lib.runs, r) })
	further := func() {
		f.runs.choose(r)
		f.ContinueLonger()
		f.asked.close()
		f.asked.done("5")
	}
	f.fail = errors.New("the folder is locked")
	further()
	f.discard(r)
	f.loop.until(t, "a sentence", func() bool { return f.overlays() > 0 })
	f.closeDialogs()
	f.fail = nil
	further()
	k := f.goneOn(1)
	k.dir = path
	k.steps(5)
	f.waitFor(Running)
	k.enter(trainer.Done, "")
	f.waitFor(Done)
	f.lib.writing.wait()
	f.loop.drain()
	if _, err := os.Stat(path); err != nil || !slices.Contains(f.lib.runs, r) {
		t.Errorf("the run is listed: %v; its folder: %v", slices.Contains(f.lib.runs, r), err)
	}
}

// TestHideAll takes off the charts also what its legend row has hidden.
func TestHideAll(t *testing.T) {
	f := newFixture(t, Dark)
	a, b := f.run("pre", 5), f.run("post", 5)
	a.shown, a.faded = false, true // as a tap on its legend row
	f.hideAll()
	off := f.runMenu(a).Items[7]
	if a.faded || b.shown || !f.loss.hint.object.Visible() || off.Label != "Take All Runs off the Charts" || !off.Disabled {
		t.Errorf("faded %v, shown %v, hint %v, %q disabled: %v", a.faded, b.shown, f.loss.hint.object.Visible(),
			off.Label, off.Disabled)
	}
}

// TestRestoreLeavesQuestions: restoring takes back the news of the deletion, and not what still wants an answer.
func TestRestoreLeavesQuestions(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	deleted := func() {
		f.runs.choose(f.lib.runs[len(f.lib.runs)-1])
		f.DeleteRun()
		f.loop.until(t, "it is in the trash", func() bool { return len(f.lib.deleted) == 1 })
	}
	restored := func(press func()) {
		n := len(f.lib.runs)
		press()
		f.loop.until(t, "it is back", func() bool { return len(f.lib.runs) == n+1 })
	}
	deleted()
	f.started().enter(trainer.Diverged, "The loss became NaN at step 1.")
	f.waitFor(Diverged)
	question := f.banner.text.Text
	restored(f.RestoreRun)
	if !f.banner.Visible() || f.banner.text.Text != question {
		t.Errorf("after a restoration the banner says %q, visible %v", f.banner.text.Text, f.banner.Visible())
	}
	deleted()
	if f.banner.text.Text == question {
		t.Fatal("the deletion is no news")
	}
	restored(f.banner.button.OnTapped)
	if !f.banner.Visible() || f.banner.text.Text != question {
		t.Errorf("after the news the banner says %q, visible %v", f.banner.text.Text, f.banner.Visible())
	}
}

// TestNotesWhilePreparing: what is said of a run before it has a folder is in the folder once there is one.
func TestNotesWhilePreparing(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	r := f.current
	f.EditNotes()
	f.annotating.notes.SetText("important")
	f.annotating.tags.SetText("paper")
	f.annotating.save()
	f.annotating.box.Hide()
	path := makeRun(t, f.opt.RunsDir, 1, threeRuns[0])
	j.dir = path
	j.steps(5)
	f.loop.until(t, "its folder is known", func() bool { return r.snap.RunPath == path })
	f.lib.writing.wait()
	a, err := runs.ReadAbout(path)
	if err != nil || a.Name != r.title || a.Notes != "important" || !slices.Equal(a.Tags, []string{"paper"}) || a.Color != r.slot+1 {
		t.Errorf("kept: %+v, %v", a, err)
	}
}
