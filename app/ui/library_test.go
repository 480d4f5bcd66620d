package ui

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

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
	paused := func(l logLine) bool { return l.text == "Paused on request." }
	if n := len(f.log.lines); n != 11 || !slices.ContainsFunc(f.log.lines, paused) { // begun, paused, 8 validations, done
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

// TestDeletedWhileRead deletes a run whose metrics are on the way, before they are read and after: it does not
// come back by itself, nobody is disturbed, and restored it is on the charts as was wanted.
func TestDeletedWhileRead(t *testing.T) {
	for _, answered := range []bool{false, true} {
		f := newLibrary(t, Dark, threeRuns...)
		r := f.lib.runs[1]
		f.lib.reading.Lock() // the disk is slow
		f.showRun(r, true)
		f.runs.chosen = r
		if answered {
			f.lib.reading.Unlock()
			for len(f.loop.queue) == 0 {
				runtime.Gosched()
			}
		}
		f.DeleteRun()
		f.lib.writing.wait()
		if !answered {
			f.lib.reading.Unlock()
		}
		f.loop.until(t, "it is in the trash", func() bool { return len(f.lib.deleted) == 1 })
		f.read()
		f.loop.drain()
		if slices.Contains(f.lib.runs, r) || f.enrolled(r) || f.overlays() > 0 {
			t.Errorf("answered before: %v; listed %v, on the charts %v, %d dialogs", answered,
				slices.Contains(f.lib.runs, r), f.enrolled(r), f.overlays())
		}
		f.RestoreRun()
		f.loop.until(t, "it is on the charts", func() bool { return f.enrolled(r) && r.shown && r.hasData() })
	}
}

// TestGoneWhileRead: the same when another program has removed the folder.
func TestGoneWhileRead(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	r := f.lib.runs[1]
	f.lib.reading.Lock()
	f.showRun(r, true)
	os.RemoveAll(r.snap.RunPath)
	f.relist(2)
	f.lib.reading.Unlock()
	f.runs.choose(f.lib.runs[0])
	f.loop.until(t, "the next is read", f.lib.runs[0].hasData)
	if f.overlays() > 0 || f.enrolled(r) {
		t.Errorf("%d dialogs, on the charts %v", f.overlays(), f.enrolled(r))
	}
}

// TestListedOnce lists the folder of the run at work before its job has told which it is. The list then has it
// once, with what was said of it meanwhile, also when it was to be deleted.
func TestListedOnce(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		f := newFixture(t, Dark)
		j := f.started()
		r := f.current
		path := makeRun(t, f.opt.RunsDir, 1, threeRuns[0])
		f.relist(2)
		twin := f.lib.runs[slices.IndexFunc(f.lib.runs, func(o *run) bool { return o != r })]
		f.runs.choose(twin)
		f.annotate(twin, func(a *runs.About) { a.Notes, a.Tags = "important", []string{"paper"} })
		if deleted {
			f.lib.writing.wait()
			held, err := runs.OpenForWriting(path)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			f.DeleteRun()
		}
		j.dir = path
		j.steps(5)
		f.loop.until(t, "its folder is known", func() bool { return r.snap.RunPath == path })
		f.lib.writing.wait()
		f.loop.drain()
		f.closeDialogs()
		if got := f.titles(); !slices.Equal(got, []string{r.title}) || f.runs.chosen != r {
			t.Errorf("listed are %q, selected is %v", got, f.runs.chosen)
		}
		a, err := runs.ReadAbout(path)
		if err != nil || a.Name != r.title || a.Color != r.slot+1 || !deleted && (a.Notes != "important" || len(r.about.Tags) != 1) {
			t.Errorf("kept: %+v, %v", a, err)
		}
	}
}

// read waits until all that began to be read has been.
func (f *fixture) read() {
	f.lib.reading.Lock()
	defer f.lib.reading.Unlock()
}
