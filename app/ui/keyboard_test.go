package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// walk presses Tab until the focus is where it began, and lists what had it.
func (f *fixture) walk() []fyne.Focusable {
	c := f.win.Canvas()
	c.Unfocus()
	var chain []fyne.Focusable
	for range 300 {
		test.FocusNext(c)
		o := c.Focused()
		if o == nil || slices.Contains(chain, o) {
			break
		}
		chain = append(chain, o)
	}
	c.Unfocus()
	return chain
}

// lay lays the window out anew, as its driver would in the next frame.
func (f *fixture) lay(size fyne.Size) {
	f.win.Resize(size.AddWidthHeight(1, 0))
	f.win.Resize(size)
	f.loop.drain()
}

// inSight lists an object and all below it that is shown.
func inSight(root fyne.CanvasObject) (all []fyne.CanvasObject) {
	if !root.Visible() {
		return nil
	}
	all = append(all, root)
	var children []fyne.CanvasObject
	switch o := root.(type) {
	case *fyne.Container:
		children = o.Objects
	case fyne.Widget:
		children = test.WidgetRenderer(o).Objects()
	}
	for _, o := range children {
		all = append(all, inSight(o)...)
	}
	return all
}

// rect is where an object is in the window.
func rect(o fyne.CanvasObject) (lo, hi fyne.Position) {
	lo = fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
	return lo, lo.AddXY(o.Size().Width, o.Size().Height)
}

// byPointerOnly are the kinds of object that react to a press and never have the focus, with the way that
// keys do the same.
var byPointerOnly = map[string]string{
	"*container.tabButton": "the View menu",
	"*ui.runItem":          "the keys of the list",
	"*widget.listItem":     "the keys of the list",
	"*ui.compareItem":      "nothing to press",
	"*ui.pressTile":        "the Run menu",
	"*container.divider":   "nothing to reach behind it",
	"*widget.menuItem":     "the keys of the menu",
	"*widget.entryContent": "the keys of the entry",
	"*widget.selectable":   "the keys of the entry",
}

// reaches fails for everything below an object that can be pressed and that Tab does not come to.
func (f *fixture) reaches(t *testing.T, where string, root fyne.CanvasObject) []fyne.Focusable {
	t.Helper()
	chain := f.walk()
	for _, o := range inSight(root) {
		if d, ok := o.(fyne.Disableable); ok && d.Disabled() {
			continue
		}
		kind := fmt.Sprintf("%T", o)
		focusable, can := o.(fyne.Focusable)
		_, tap := o.(fyne.Tappable)
		_, drag := o.(fyne.Draggable)
		switch {
		case can && !slices.Contains(chain, focusable):
			lo, _ := rect(o)
			t.Errorf("%s: Tab does not come to the %s at %v", where, kind, lo)
		case !can && (tap || drag) && byPointerOnly[kind] == "" && !strings.HasSuffix(kind, "PopUp") &&
			!strings.Contains(kind, "croll") && !strings.HasSuffix(kind, "dropDown") && kind != "*widget.clip" &&
			kind != "*widget.OverlayContainer":
			t.Errorf("%s: a %s can be pressed, and has no key", where, kind)
		}
	}
	return chain
}

// inOrder fails when Tab goes up without going right, or from part to part of the window out of order.
func (f *fixture) inOrder(t *testing.T, where string, chain []fyne.Focusable) {
	t.Helper()
	parts := map[fyne.CanvasObject]int{}
	for i, root := range []fyne.CanvasObject{f.side, f.tabs, f.variant.object, f.banner} {
		for _, o := range inSight(root) {
			parts[o] = i + 1
		}
	}
	for i := 1; i < len(chain); i++ {
		a, b := chain[i-1].(fyne.CanvasObject), chain[i].(fyne.CanvasObject)
		alo, ahi := rect(a)
		blo, bhi := rect(b)
		switch {
		case parts[b] < parts[a]:
			t.Errorf("%s: Tab goes from a %T of part %d back to a %T of part %d", where, a, parts[a], b, parts[b])
		case parts[a] == parts[b] && bhi.Y <= alo.Y+1 && blo.X < ahi.X-1:
			t.Errorf("%s: Tab goes up from a %T at %v to a %T at %v", where, a, alo, b, blo)
		}
	}
}

// TestTabReachesEverything walks through the window on each tab, with all that can be on it.
func TestTabReachesEverything(t *testing.T) {
	f := newFixture(t, Dark)
	check := func(t *testing.T, what string) {
		t.Helper()
		f.lay(DefaultSize)
		f.inOrder(t, what, f.reaches(t, what, f.win.Canvas().Content()))
	}
	check(t, "an empty window")
	f.reach(Failed, false) // a banner with two answers
	f.setup.model.toggle()
	f.setup.model.attn.SetSelectedIndex(attnLatent)
	f.setup.model.ffn.SetSelectedIndex(ffnExperts)
	if err := f.setup.pressed(f.variant.diagram.places()[0].Place); err != nil { // a row of one's own
		t.Fatal(err)
	}
	for i, tab := range f.tabs.Items {
		f.tabs.SelectIndex(i)
		if i == tabSamples {
			f.loop.until(t, "there is a model to talk to", f.talk.area.Visible)
			f.talk.ToggleSecond()
		}
		check(t, tab.Text)
	}
	f.tabs.SelectIndex(tabGradients)
	f.grad.both.OnTapped()
	check(t, "Figure 2")
}

// TestReachedIsInSight goes through the setup in the smallest window with all of it open.
func TestReachedIsInSight(t *testing.T) {
	f := newFixture(t, Dark)
	f.setup.model.toggle()
	f.setup.model.attn.SetSelectedIndex(attnLatent)
	f.lay(fyne.NewSize(900, 560))
	view := f.side.Objects[0]
	top, bottom := rect(view)
	seen := 0
	c := f.win.Canvas()
	for _, next := range []func(fyne.Canvas){test.FocusNext, test.FocusPrevious} {
		c.Unfocus()
		for range 100 {
			next(c)
			o := c.Focused().(fyne.CanvasObject)
			if !slices.Contains(inSight(view), o) {
				continue
			}
			seen++
			lo, hi := rect(o)
			if lo.Y < top.Y-1 || hi.Y > bottom.Y+1 {
				t.Errorf("the %T that has the focus is at %v to %v, what is in sight from %v to %v", o, lo.Y, hi.Y, top.Y, bottom.Y)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d stops", seen)
	}
	d := f.variant.diagram
	c.Focus(d)
	top, bottom = rect(f.variant.scroll)
	for range len(d.places()) {
		f.keys(fyne.KeyDown)
		for _, p := range d.places() {
			lo, _ := rect(d)
			if p.Place == d.at && (lo.Y+p.lo.Y < top.Y || lo.Y+p.hi.Y > bottom.Y) {
				t.Errorf("the place %v is out of sight", p.Place)
			}
		}
	}
	f.keys(fyne.KeyEnd)
	end := f.variant.scroll.Offset.Y
	f.keys(fyne.KeyPageUp)
	if y := f.variant.scroll.Offset.Y; end == 0 || y >= end {
		t.Errorf("the text below the diagram cannot be read by keys: from %v to %v", end, y)
	}
}

// TestDialogsByKeyboard opens every dialog, walks through it, and leaves it by keys alone.
func TestDialogsByKeyboard(t *testing.T) {
	for _, c := range []struct {
		name  string
		state State
		open  func(*fixture)
	}{
		{"learning rate", Running, (*fixture).changeRate},
		{"longer", Done, func(f *fixture) { f.ContinueLonger() }},
		{"rename", Done, func(f *fixture) { f.RenameRun() }},
		{"notes", Done, func(f *fixture) { f.EditNotes() }},
		{"race", Idle, func(f *fixture) { f.Race() }},
		{"discard", Running, func(f *fixture) { f.DiscardRun() }},
		{"close", Paused, func(f *fixture) { f.Close() }},
		{"nothing to export", Idle, func(f *fixture) { f.ExportShown() }},
		{"about", Idle, func(f *fixture) { f.about() }},
		{"trash", Idle, func(f *fixture) {
			kill(f.t, f.opt.RunsDir, "Ada", 3, runs.Done)
			if _, err := runs.Trash(kill(f.t, f.opt.RunsDir, "Ben", 3, runs.Done)); err != nil {
				f.t.Fatal(err)
			}
			f.ShowTrash()
			f.loop.until(f.t, "the trash", func() bool { return f.overlays() == 1 })
		}},
		{"export menu", Done, func(f *fixture) { f.exportMenu(f.export) }},
		{"menu of a run", Done, func(f *fixture) { f.runs.more.OnTapped() }},
		{"variants", Idle, func(f *fixture) { f.variant.picker.open() }},
		{"explanation", Idle, func(f *fixture) {
			f.win.Canvas().Focus(f.walk()[3])
			for _, o := range f.walk() {
				if l, ok := o.(*helpLabel); ok && f.overlays() == 0 {
					l.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, Dark)
			f.reach(c.state, true)
			c.open(f)
			if f.overlays() != 1 {
				t.Fatalf("%d dialogs are open", f.overlays())
			}
			before := f.win.Canvas().Focused()
			f.lay(DefaultSize)
			f.reaches(t, c.name, f.win.Canvas().Overlays().Top())
			if before != nil { // where the dialog itself put it
				f.win.Canvas().Focus(before)
			}
			if _, text := before.(*noteField); text {
				for range 10 { // to Cancel: escape must not throw away what was written
					test.FocusNext(f.win.Canvas())
					if b, ok := f.win.Canvas().Focused().(*widget.Button); ok && b.Text == "Cancel" {
						f.keys(fyne.KeySpace)
						break
					}
				}
			} else {
				f.keys(fyne.KeyEscape)
			}
			if f.overlays() != 0 || f.gone.Load() {
				t.Error("keys do not close it")
			}
			if err := f.consistent(); err != nil {
				t.Error(err)
			}
		})
	}
}

func (f *fixture) changeRate() { f.ChangeRate() }

// TestNotesCanBeLeft: Tab and Escape leave the field; what was typed stays in the dialog.
func TestNotesCanBeLeft(t *testing.T) {
	f := newFixture(t, Dark)
	f.run("pre", 5)
	f.EditNotes()
	d := f.annotating
	if d.notes.AcceptsTab() {
		t.Error("the field keeps Tab for itself")
	}
	test.Type(d.notes, "long thoughts")
	f.Undo()
	if d.notes.Text == "long thoughts" {
		t.Error("what is typed cannot be undone")
	}
	d.notes.SetText("long thoughts")
	d.notes.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if f.win.Canvas().Focused() != nil || f.overlays() != 1 || d.notes.Text != "long thoughts" {
		t.Errorf("after Escape %v has the focus, %d dialogs are open, and %q is typed",
			f.win.Canvas().Focused(), f.overlays(), d.notes.Text)
	}
}
