package ui

import (
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// counted counts how often it is refreshed.
type counted struct {
	widget.BaseWidget
	n int
}

func (c *counted) Refresh() { c.n++ }

func (c *counted) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(nil))
}

// TestPageFollowsTheme: a page is refreshed for another theme only, and then when it is in sight again.
func TestPageFollowsTheme(t *testing.T) {
	app := test.NewTempApp(t)
	app.Settings().SetTheme(newTheme(Dark, 1))
	c, shown := &counted{}, true
	c.ExtendBaseWidget(c)
	p := newPage(c, func() bool { return shown })
	for _, step := range []struct {
		does string
		do   func()
		want int
	}{
		{"another page is chosen", p.Refresh, 0},
		{"the theme changes", func() { app.Settings().SetTheme(newTheme(Light, 1)); p.Refresh() }, 1},
		{"another page is chosen again", p.Refresh, 1},
		{"it is hidden", func() { shown = false; p.Hide() }, 1},
		{"the theme changes out of sight", func() { app.Settings().SetTheme(newTheme(Dark, 1)); p.Refresh() }, 1},
		{"it is chosen", func() { shown = true; p.Show(); p.Refresh() }, 2},
	} {
		if step.do(); c.n != step.want {
			t.Errorf("when %s, it was refreshed %d times, want %d", step.does, c.n, step.want)
		}
	}
	if p.Visible() != true || p.MinSize().IsZero() {
		t.Errorf("the page is %v large, visible %v", p.MinSize(), p.Visible())
	}
}

// TestCursorBlinks: on and off while nothing is typed, and on in the end; gone with the focus.
func TestCursorBlinks(t *testing.T) {
	f := newFixture(t, Dark)
	e := f.setup.steps
	blink := &test.WidgetRenderer(e).(*fieldRenderer).WidgetRenderer.(*blinking).cursor
	lit := func(want bool, when string) {
		t.Helper()
		_, _, _, a := blink.cursor.FillColor.RGBA()
		if on := blink.cursor.Visible() && a == 0xffff; on != want {
			t.Errorf("%s the cursor is lit: %v", when, on)
		}
	}
	f.win.Canvas().Focus(e)
	lit(true, "with the focus")
	if r, g, b, _ := blink.cursor.FillColor.RGBA(); blink.cursor.FillColor != theme.Color(theme.ColorNamePrimary) {
		t.Errorf("the cursor is %x %x %x", r, g, b)
	}
	tick := func(parts float32) { blink.motion.Tick(parts * float32(blinkPart) / float32(blinkTime)) }
	tick(0.5)
	lit(true, "at first")
	tick(1.5)
	lit(false, "then")
	tick(2.5)
	lit(true, "then again")
	tick(3.5)
	e.TypedRune('1')
	lit(true, "at a key")
	tick(1.5)
	blink.motion.Tick(1)
	lit(true, "in the end")
	f.win.Canvas().Unfocus()
	lit(false, "without the focus")
	if blink.motion != nil {
		t.Error("it blinks without the focus")
	}
}

// TestRaceDialogFills lists all variants a few at a time, and what a search leaves at once.
func TestRaceDialogFills(t *testing.T) {
	f := newFixture(t, Dark)
	f.Race()
	d := f.racing
	defer d.close()
	listed := func() (n int) {
		for _, c := range d.checks {
			if slices.Contains(d.list.Objects, fyne.CanvasObject(c.box)) {
				n++
			}
		}
		return n
	}
	for before := 0; before < len(d.checks); before = listed() {
		f.loop.until(t, "more variants are listed", func() bool { return listed() > before })
		if n := listed() - before; n > raceFill {
			t.Errorf("%d variants are built at once, want at most %d", n, raceFill)
		}
	}
	d.find.SetText("no such variant")
	if n := listed(); n != 2 {
		t.Errorf("a search without a result leaves %d variants, want the two that are chosen", n)
	}
	d.find.SetText("")
	if n := listed(); n != len(d.checks) {
		t.Errorf("%d of %d variants come back at once", n, len(d.checks))
	}
}

// TestRowsOfEndedRuns: only the row of a run that changed is written, and no change is lost.
func TestRowsOfEndedRuns(t *testing.T) {
	f := newFixture(t, Dark)
	a := f.run("hybrid_star", 40)
	b := f.run("pre", 40)
	f.picture()
	for _, i := range f.runs.items {
		if (i.run == a || i.run == b) && i.below.full != i.run.summary() {
			t.Errorf("%s says %q, want %q", i.run.title, i.below.full, i.run.summary())
		}
	}
	if len(f.runs.items) < 2 {
		t.Errorf("%d rows are in sight", len(f.runs.items))
	}
}
