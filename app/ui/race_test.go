package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// raceOf starts a race from the dialog.
func (f *fixture) raceOf(steps, seeds string, variants ...string) {
	f.t.Helper()
	f.Race()
	d := f.racing
	for _, c := range d.checks {
		c.box.SetChecked(false)
	}
	for _, id := range variants {
		d.check(f.t, id).box.SetChecked(true)
	}
	d.steps.SetText(steps)
	d.seeds.SetText(seeds)
	test.Tap(d.ok)
	if !f.raceAtWork() {
		f.t.Fatalf("the race was not started: %s", d.said.Text)
	}
}

func (d *raceDialog) check(t *testing.T, id string) *raceCheck {
	t.Helper()
	for _, c := range d.checks {
		if c.id == id {
			return c
		}
	}
	t.Fatalf("the dialog does not offer %s", id)
	return nil
}

// raced is the n-th job of the race, once the window shows it.
func (f *fixture) raced(n int) *fakeJob {
	f.t.Helper()
	f.loop.until(f.t, "the next run of the race", func() bool {
		return len(f.race.runs) > n && f.race.runs[n].job != nil
	})
	return f.race.runs[n].job.(*fakeJob)
}

func (f *fixture) raceOver() {
	f.t.Helper()
	f.loop.until(f.t, "the end of the race", func() bool { return f.race.over && !looks[f.state].live })
}

// TestRace is a race of two variants and two seeds, one run of which diverges.
func TestRace(t *testing.T) {
	f := newFixture(t, Dark)
	f.raceOf("75", "2", "pre", "post")
	if f.tab() != tabRace || f.state != Preparing {
		t.Errorf("after the start the window is %v on tab %d", f.state, f.tab())
	}
	for i := range 4 {
		j := f.raced(i)
		if want := []string{"pre", "post"}[i%2]; j.cfg.Model.Variant != want || j.cfg.Seed != uint64(1+i/2) || j.cfg.Steps != 75 {
			t.Errorf("run %d trains %s with seed %d for %d steps", i, j.cfg.Model.Variant, j.cfg.Seed, j.cfg.Steps)
		}
		r := f.race.runs[i]
		if f.current != r || r.shown != (i < 2) || !strings.Contains(r.title, ", seed ") {
			t.Errorf("run %d is %q, shown %v", i, r.title, r.shown)
		}
		if i == 3 {
			j.steps(30)
			j.enter(trainer.Diverged, "The loss became NaN at step 31, in the output head.")
			break
		}
		j.steps(75)
		f.loop.until(t, "its steps", func() bool { return f.race.snap.Step >= int64(75*(i+1)) })
		if got := f.raceTab.said.full; !strings.HasPrefix(got, "Run "+string(rune('1'+i))+" of 4") {
			t.Errorf("the tab says %q", got)
		}
		j.enter(trainer.Done, "")
		f.loop.until(t, "the end of the run", func() bool { return f.race.runs[i].state == Done })
		if f.state != Preparing && f.state != Running || !f.train.Disabled() || !f.setup.steps.Disabled() {
			t.Errorf("between two runs the window is %v", f.state)
		}
	}
	f.raceOver()
	if f.state != Done || f.banner.Visible() || f.setup.steps.Disabled() {
		t.Errorf("after the race the window is %v, banner %v", f.state, f.banner.text.Text)
	}
	lines := f.raceTab.figure(f.race).(*chart.Lines).Lines
	if len(lines) != 2 || len(lines[0].Seeds) != 2 || lines[0].Seeds[1].Len() != 75 || lines[1].Seeds[1].Len() != 30 ||
		lines[1].Name != "Post-Norm (1 of 2 diverged)" {
		t.Errorf("the figure has %+v", lines)
	}
	for i, l := range lines {
		if l.Slot != f.race.runs[i].slot {
			t.Errorf("%s has colour %d in the figure and %d in the list", l.Name, l.Slot, f.race.runs[i].slot)
		}
	}
	row := f.raceTab.table.rows[0].cells
	if row[0].text.Text != "Pre-Norm" || row[1].text.Text == "–" || row[6].text.Text != "2 of 2" || row[7].text.Text != "no" ||
		f.raceTab.table.rows[1].cells[7].text.Text != "1" {
		t.Errorf("the first row is %q %q", row[0].text.Text, row[1].text.Text)
	}
	if got := f.raceTab.said.full; !strings.HasPrefix(got, "Pre-Norm is first") || f.raceTab.again.Text != "New race…" {
		t.Errorf("at the end the tab says %q, its button %q", got, f.raceTab.again.Text)
	}
}

// TestRaceReport writes the folder from the window, twice.
func TestRaceReport(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing for print is slow under the race detector")
	}
	f := newFixture(t, Light)
	f.ReportRace() // without a race it does nothing
	f.raceOf("20", "1", "pre")
	j := f.raced(0)
	j.steps(20)
	j.enter(trainer.Done, "")
	f.raceOver()
	for range 2 {
		f.banner.close()
		test.Tap(f.raceTab.report)
		f.loop.until(t, "the report is written", func() bool { return f.banner.Visible() })
	}
	for _, dir := range []string{"race-pre", "race-pre-2"} {
		text, err := os.ReadFile(filepath.Join(f.opt.ExportDir, dir, "report.md"))
		if err != nil || !strings.Contains(string(text), "# Race of Pre-Norm") {
			t.Errorf("%s: %v", dir, err)
		}
	}
	f.banner.close()
	f.ExportShown()
	f.loop.until(t, "the chart is written", func() bool { return f.banner.Visible() })
	checkPicture(t, filepath.Join(f.exportDir(f.selected), "race-training-loss.png"))
}

// TestRaceCancelled stops a race by each way there is; the run at work is stopped and no other begins.
func TestRaceCancelled(t *testing.T) {
	for name, cancel := range map[string]func(f *fixture){
		"the toolbar":       func(f *fixture) { test.Tap(f.stop) },
		"the tab's button":  func(f *fixture) { test.Tap(f.raceTab.again) },
		"the run by itself": func(f *fixture) { f.current.job.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Dark)
			f.raceOf("50", "3", "pre", "post")
			j := f.raced(0)
			j.steps(10)
			f.waitFor(Running)
			cancel(f)
			f.loop.until(t, "the run is stopped", func() bool { return j.Snapshot().State == trainer.Stopping })
			j.enter(trainer.Stopped, "")
			f.raceOver()
			if f.state != Stopped || len(f.jobs) != 1 || f.race.snap.State != race.Cancelled || f.train.Disabled() {
				t.Errorf("the window is %v, the race %s after %d runs", f.state, f.race.snap.State, len(f.jobs))
			}
		})
	}
}

// TestRaceFails: a run that cannot be trained ends the race, and the next race can begin.
func TestRaceFails(t *testing.T) {
	f := newFixture(t, Dark)
	f.raceOf("50", "1", "pre", "post")
	j := f.raced(0)
	j.steps(10)
	j.enter(trainer.Failed, "The disk is full.")
	f.raceOver()
	f.loop.until(t, "the banner", func() bool { return f.banner.Visible() })
	if f.state != Failed || f.race.snap.State != race.Failed || f.raceTab.said.full != "The disk is full." {
		t.Errorf("the window is %v, the race %s, the tab says %q", f.state, f.race.snap.State, f.raceTab.said.full)
	}
	f.raceOf("50", "1", "pre")
	f.raced(0)
}

// TestQuitInRace leaves only when the run at work has written its checkpoint.
func TestQuitInRace(t *testing.T) {
	f := newFixture(t, Dark)
	f.raceOf("50", "2", "pre")
	j := f.raced(0)
	j.steps(5)
	f.waitFor(Running)
	f.Quit()
	f.loop.until(t, "the run is stopped", func() bool { return j.Snapshot().State == trainer.Stopping })
	if f.gone.Load() {
		t.Fatal("the window is gone before the checkpoint is written")
	}
	j.enter(trainer.Stopped, "")
	f.loop.until(t, "the window is closed", func() bool { return f.gone.Load() })
	<-f.race.race.Done()
	f.state = Stopped // what a closed window no longer learns
}

func TestRaceDialog(t *testing.T) {
	f := newFixture(t, Light)
	f.Race()
	d := f.racing
	if p, err := d.plan(); err != nil || strings.Join(p.Variants, " ") != "hybrid_star pre" || p.Seeds != raceSeeds || p.Steps != 300 {
		t.Errorf("the dialog offers %v, %d seeds, %d steps, %v", p.Variants, p.Seeds, p.Steps, err)
	}
	f.loop.until(t, "an estimate", func() bool { return strings.Contains(d.said.Text, "about") })
	if !strings.HasPrefix(d.said.Text, "6 runs of 300 steps, about ") {
		t.Errorf("it says %q", d.said.Text)
	}
	if f.win.Canvas().Focused() != fyne.Focusable(d.steps) {
		t.Error("the steps are not ready to be typed")
	}
	says := func(words string) {
		t.Helper()
		if !strings.Contains(d.said.Text, words) || d.ok.Disabled() != (words != "") {
			t.Errorf("it says %q, want %q; Race is off: %v", d.said.Text, words, d.ok.Disabled())
		}
	}
	d.steps.SetText("many")
	says("Steps")
	d.steps.SetText("40")
	d.seeds.SetText("0")
	says("Seeds")
	d.seeds.SetText("2")
	says("")
	for _, c := range d.checks[:7] {
		c.box.SetChecked(true)
	}
	says("at most 6")
	for _, c := range d.checks {
		c.box.SetChecked(c.id == "mix_ln")
	}
	says("")
	d.find.SetText("peri-ln")
	shown := 0
	for _, c := range d.checks {
		for _, o := range d.list.Objects {
			if o == fyne.CanvasObject(c.box) {
				shown++
				if c.id != "mix_ln" && c.id != "peri_ln" {
					t.Errorf("%s is listed for the words peri-ln", c.id)
				}
			}
		}
	}
	if shown != 2 {
		t.Errorf("%d variants are listed, want the one that fits and the one that is chosen", shown)
	}
	d.steps.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if !f.raceAtWork() || f.race.snap.Steps != 80 {
		t.Fatalf("Return does not start the race")
	}
	f.raced(0)
	f.Race() // while one is at work there is no other
	if f.racing != d {
		t.Error("the dialog opens during a race")
	}
}

// TestRacePictures compares dialog, race at work and end of a race with kept pictures.
func TestRacePictures(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing windows is slow under the race detector")
	}
	for _, c := range []struct {
		name string
		a    Appearance
	}{{"dark", Dark}, {"light", Light}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, c.a)
			f.useConfig(pictureConfig())
			f.tabs.SelectIndex(tabRace)
			f.Race()
			f.loop.until(t, "an estimate", func() bool { return strings.Contains(f.racing.said.Text, "about") })
			compare(t, "race-dialog-"+c.name, f.picture())
			f.racing.close()
			f.raceOf("300", "2", "hybrid_star", "pre", "post")
			for i := range 5 {
				j := f.raced(i)
				j.steps(300 - 140*(i/4))
				if i == 4 {
					f.loop.until(t, "step 160", func() bool { return f.race.runs[4].snap.Step == 160 && f.race.runs[4].hasData() })
					compare(t, "race-running-"+c.name, f.picture())
				}
				state := trainer.Done
				if i == 2 {
					state = trainer.Diverged
				}
				j.enter(state, "The loss became NaN.")
			}
			j := f.raced(5)
			j.steps(300)
			j.enter(trainer.Done, "")
			f.raceOver()
			compare(t, "race-done-"+c.name, f.picture())
		})
	}
}

// TestReportOnce: while a report is written there is no second one, and charts of a race can be exported when
// none of its runs is on the other charts.
func TestReportOnce(t *testing.T) {
	f := newFixture(t, Dark)
	f.raceOf("20", "1", "pre", "post")
	for i := range 2 {
		j := f.raced(i)
		j.steps(20)
		j.enter(trainer.Done, "")
	}
	f.raceOver()
	f.hideAll()
	f.tabs.SelectIndex(tabRace)
	f.banner.close()
	f.ReportRace()
	if f.raceTab.report.Text == reportLabel || !f.raceTab.report.Disabled() {
		t.Error("the button does not show that a report is written")
	}
	f.ReportRace()
	f.ExportShown()
	f.exports.wait()
	f.loop.drain()
	if f.overlays() > 0 {
		t.Error(visibleText(f.win.Canvas().Overlays().Top()))
	}
	if f.raceTab.report.Text != reportLabel || f.raceTab.report.Disabled() {
		t.Error("the button does not come back")
	}
	list, err := os.ReadDir(f.opt.ExportDir)
	if err != nil || len(list) != 2 { // the report, and the folder of the picture
		t.Errorf("%d entries in the folder of exports, %v", len(list), err)
	}
}

// TestDiscardInARace says that the race ends with the run.
func TestDiscardInARace(t *testing.T) {
	f := newFixture(t, Dark)
	f.raceOf("20", "2", "pre", "post")
	j := f.raced(0)
	j.steps(5)
	f.waitFor(Running)
	f.DiscardRun()
	if text := visibleText(f.win.Canvas().Overlays().Top()); !strings.Contains(text, "The race ends with it") {
		t.Errorf("asked is %q", text)
	}
	confirm(t, f, "Discard")
	j.enter(trainer.Stopped, "")
	f.raceOver()
}
