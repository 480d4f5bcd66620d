package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// TestKeysOfTheRunList goes through the runs and does with the lit one what its keys say.
func TestKeysOfTheRunList(t *testing.T) {
	f := newFixture(t, Dark)
	for i := range 8 {
		f.reach(Done, true)
		f.current.about.Name = fmt.Sprint("run ", i)
		f.annotate(f.current, func(a *runs.About) { a.Name = fmt.Sprint("run ", i) })
	}
	f.win.Canvas().Focus(f.runs.list)
	f.keys(fyne.KeyHome, fyne.KeyDown, fyne.KeyDown)
	r := f.runs.rows[2]
	if f.runs.chosen != r || f.selected != r {
		t.Fatalf("two down of the first is %q", f.runs.chosen.title)
	}
	f.keys(fyne.KeyReturn)
	if r.shown {
		t.Error("return does not take the run off the charts")
	}
	f.keys(fyne.KeySpace)
	if !r.shown {
		t.Error("space does not put it there again")
	}
	f.keys(fyne.KeyF2)
	if f.asked == nil || f.asked.text != r.title {
		t.Fatal("F2 does not rename it")
	}
	f.closeDialogs()
	f.keys(desktop.KeyMenu)
	if f.overlays() != 1 {
		t.Error("the menu key opens nothing")
	}
	f.closeDialogs()
	f.keys(fyne.KeyDelete)
	if slices.Contains(f.lib.runs, r) || f.runs.chosen != f.runs.rows[2] {
		t.Errorf("delete leaves the run, or the row %q", f.runs.chosen.title)
	}
	f.loop.until(t, "it is in the trash", func() bool { return len(f.lib.deleted) == 1 })
	f.keys(fyne.KeyEnd, fyne.KeyDown, fyne.KeyUp, fyne.KeyPageUp, fyne.KeyPageDown)
	if f.runs.chosen != f.runs.rows[runPage] {
		t.Errorf("a page down of the first is %q", f.runs.chosen.title)
	}
	f.runs.filter.SetText("nothing has this name")
	f.keys(fyne.KeyDown, fyne.KeyReturn, fyne.KeyDelete, fyne.KeyEnd)
	if len(f.lib.runs) != 7 {
		t.Error("a key deletes a run that is not in sight")
	}
	f.runs.filter.SetText("")
	j := f.started()
	j.steps(5)
	f.waitFor(Running)
	f.win.Canvas().Focus(f.runs.list)
	f.keys(fyne.KeyDelete)
	if !slices.Contains(f.lib.runs, f.current) || f.overlays() != 1 {
		t.Error("delete takes away a run at work, or says nothing")
	}
}

// TestPassingStoredRuns holds an arrow down over runs whose metrics are in files: only the last is read.
func TestPassingStoredRuns(t *testing.T) {
	f := newFixture(t, Dark)
	root := t.TempDir()
	for i := range 6 {
		kill(t, root, fmt.Sprint("run ", i), 3, runs.Done)
	}
	f.loop.until(t, "the empty folder is listed", func() bool { return f.lib.listed })
	f.opt.RunsDir = root
	f.scan()
	f.loop.until(t, "the runs are listed", func() bool { return len(f.runs.rows) == 6 })
	f.win.Canvas().Focus(f.runs.list)
	for range 6 {
		f.keys(fyne.KeyDown)
	}
	last := f.runs.rows[5]
	f.loop.until(t, "the last is read", func() bool { return f.selected == last })
	for _, r := range f.runs.rows[:5] {
		if r.phase != metricsUnread {
			t.Errorf("%s was read as well", r.title)
		}
	}
}

// TestChartByKeyboard moves the crosshair, zooms and pauses from a chart that has the focus, also while
// the run is paused.
func TestChartByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing windows is slow under the race detector")
	}
	f := newFixture(t, Dark)
	f.reach(Running, false)
	f.settle()
	f.win.Canvas().Focus(f.loss.view)
	f.keys(fyne.KeySpace)
	if f.state != Pausing {
		t.Fatalf("space leads to %v", f.state)
	}
	f.jobs[0].enter(trainer.Paused, "")
	f.waitFor(Paused)
	f.settle()
	f.keys(fyne.KeyLeft)
	first := f.loss.view.Readout()
	f.keys(fyne.KeyLeft)
	next := f.loss.view.Readout()
	if first == "" || next == first {
		t.Errorf("the crosshair reads %q, one step left %q", first, next)
	}
	f.itemNamed("Copy Values at the Crosshair").Action()
	if got := fyne.CurrentApp().Clipboard().Content(); got != next {
		t.Errorf("the clipboard has %q", got)
	}
	f.loss.view.TypedRune('+')
	if v := f.loss.view.View(); v.X1 <= v.X0 {
		t.Errorf("plus shows %v", v)
	}
	f.press(f.itemNamed("Fit").Shortcut)
	if v := f.loss.view.View(); v.X1 != 0 {
		t.Errorf("the key of Fit leaves %v", v)
	}
	f.keys(fyne.KeySpace)
	if f.state != Running {
		t.Errorf("space leads from paused to %v", f.state)
	}
}

// TestTextScrollsByKeyboard reads a long text without a pointer.
func TestTextScrollsByKeyboard(t *testing.T) {
	f := newFixture(t, Dark)
	f.tabs.SelectIndex(tabSamples)
	f.samples.text.set([]textBlock{{"", "", strings.Repeat("the red bird sees the boat . ", 400)}}, false)
	f.lay(DefaultSize)
	f.win.Canvas().Focus(f.samples.text)
	y := func() float32 { return f.samples.text.scroll.Offset.Y }
	f.keys(fyne.KeyDown)
	line := y()
	f.keys(fyne.KeyPageDown)
	page := y()
	f.keys(fyne.KeyEnd)
	if end := y(); line <= 0 || page < 5*line || end <= page || !f.samples.text.atEnd() {
		t.Errorf("a line down is %v, then a page %v, the end %v", line, page, end)
	}
	f.keys(fyne.KeyHome)
	if y() != 0 {
		t.Errorf("home is at %v", y())
	}
}

// TestGoToParts goes from part to part of the window by the keys of the View menu.
func TestGoToParts(t *testing.T) {
	f := newFixture(t, Dark)
	f.reach(Done, false)
	for i, root := range []fyne.CanvasObject{f.setup.object, f.runs.object, f.tabs, f.variant.object} {
		f.press(&desktop.CustomShortcut{KeyName: fyne.KeyName('1' + rune(i)),
			Modifier: fyne.KeyModifierShortcutDefault | fyne.KeyModifierAlt})
		o, _ := f.win.Canvas().Focused().(fyne.CanvasObject)
		if o == nil || !slices.Contains(inSight(root), o) {
			t.Errorf("key %d goes to %T", i+1, o)
		}
	}
}

// TestLockTakesTheFocus locks the form while a list of it has the focus: lists change by arrows though
// they are disabled.
func TestLockTakesTheFocus(t *testing.T) {
	f := newFixture(t, Dark)
	f.reach(Done, false)
	f.win.Canvas().Focus(f.setup.init)
	f.press(f.menu.train.Shortcut)
	was := f.setup.init.Selected
	f.keys(fyne.KeyRight)
	if f.setup.init.Selected != was {
		t.Errorf("the locked form goes from %s to %s", was, f.setup.init.Selected)
	}
	f.loop.until(t, "the job is there", func() bool { return f.current.job != nil })
}

// TestKeysAreBoundOnce makes sure that no two menu items share a key, and none takes one of text fields.
func TestKeysAreBoundOnce(t *testing.T) {
	f := newFixture(t, Dark)
	of := map[string]string{"Copy": "text", "Cut": "text", "Paste": "text", "SelectAll": "text"}
	f.eachItem(func(i *fyne.MenuItem, _ string) {
		if i.Shortcut == nil {
			return
		}
		name := i.Shortcut.ShortcutName()
		if was, twice := of[name]; twice {
			t.Errorf("%s is the key of %s and of %s", name, was, i.Label)
		}
		of[name] = i.Label
	})
	if len(of) < 20 {
		t.Errorf("only %d keys", len(of))
	}
}

// eachItem visits the items of the menu bar that do something, with the path to them.
func (f *fixture) eachItem(visit func(i *fyne.MenuItem, path string)) {
	var in func(*fyne.Menu, string)
	in = func(m *fyne.Menu, path string) {
		for _, i := range m.Items {
			at := path + "/" + i.Label
			if i.ChildMenu != nil {
				in(i.ChildMenu, at)
			}
			if i.Action != nil {
				visit(i, at)
			}
		}
	}
	for _, m := range f.menu.main.Items {
		in(m, m.Label)
	}
}
