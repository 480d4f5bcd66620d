package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
)

// TestFieldSelectsForTab: Tab into a field selects its text, so that typing replaces it; a press of the mouse
// places the cursor, and coming back to the window leaves all as it was.
func TestFieldSelectsForTab(t *testing.T) {
	f := newFixture(t, Dark)
	c, steps, batch := f.win.Canvas(), f.setup.steps, f.setup.batch
	for range 100 {
		if test.FocusNext(c); c.Focused() == steps {
			break
		}
	}
	if steps.SelectedText() != steps.Text || steps.Text == "" {
		t.Fatalf("Tab into %q selects %q", steps.Text, steps.SelectedText())
	}
	test.Type(steps, "25")
	if steps.Text != "25" {
		t.Errorf("typing after Tab makes %q", steps.Text)
	}
	leave := func() { // the order in which the driver tells
		steps.FocusLost()
		f.SetInFront(false)
		f.SetInFront(true)
		steps.FocusGained()
	}
	leave()
	steps.TypedRune('0')
	if steps.Text != "250" {
		t.Errorf("typing on after a look at another window makes %q", steps.Text)
	}
	batch.SetText("16")
	batch.Resize(fyne.NewSize(200, batch.MinSize().Height))
	batch.MouseDown(&desktop.MouseEvent{Button: desktop.MouseButtonPrimary,
		PointEvent: fyne.PointEvent{Position: fyne.NewPos(190, batch.Size().Height/2)}})
	if c.Focused() != batch || batch.SelectedText() != "" || batch.CursorColumn != 2 {
		t.Errorf("a press behind %q selects %q, cursor %d", batch.Text, batch.SelectedText(), batch.CursorColumn)
	}
	test.FocusPrevious(c)
	for range 10 {
		if test.FocusNext(c); c.Focused() == batch {
			break
		}
	}
	if batch.SelectedText() != "16" {
		t.Errorf("Tab back into %q selects %q", batch.Text, batch.SelectedText())
	}
}
