package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
)

// blinks tells whether an entry takes itself to have the focus: it then has a border of the accent colour,
// and its cursor is repainted all the time.
func blinks(e fyne.Widget) bool {
	e.Refresh()
	for _, o := range test.WidgetRenderer(e).Objects() {
		if r, ok := o.(*canvas.Rectangle); ok && r.StrokeWidth > 0 && r.StrokeColor == theme.Color(theme.ColorNamePrimary) {
			return true
		}
	}
	return false
}

// TestPickerGivesTheFocusBack closes the list of variants in every way there is: each time the search field
// knows that it lost the focus, and the picker has it.
func TestPickerGivesTheFocusBack(t *testing.T) {
	f := newFixture(t, Dark)
	p, c := f.variant.picker, f.win.Canvas()
	outside := fyne.NewPos(c.Size().Width/2, c.Size().Height-20)
	for name, leave := range map[string]func(){
		"a press outside":        func() { test.TapCanvas(c, outside) },
		"another button outside": func() { p.popup.TappedSecondary(&fyne.PointEvent{Position: outside}) },
		"escape":                 func() { p.filter.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape}) },
		"a choice":               func() { p.filter.OnSubmitted("") },
	} {
		test.Tap(p)
		if c.Focused() != p.filter || !blinks(p.filter) || !p.popup.Visible() || c.Overlays().Top() != p.popup {
			t.Fatalf("before %s the list is not open, or %T has the focus", name, c.Focused())
		}
		test.TapCanvas(c, fyne.CurrentApp().Driver().AbsolutePositionForObject(p.filter).AddXY(1, 1))
		if !p.popup.Visible() {
			t.Fatal("a press on the search field closes the list")
		}
		leave()
		if p.popup.Visible() || c.Overlays().Top() != nil {
			t.Errorf("%s leaves the list open", name)
		}
		if blinks(p.filter) || c.Focused() != p {
			t.Errorf("after %s the hidden search field blinks: %v; the focus is on %T", name, blinks(p.filter), c.Focused())
		}
	}
}
