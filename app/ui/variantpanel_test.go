package ui

import (
	"testing"

	"fyne.io/fyne/v2"
)

// TestAnotherVariantIsReadFromItsTop picks a variant in a panel that was scrolled; other edits leave it.
func TestAnotherVariantIsReadFromItsTop(t *testing.T) {
	f := newFixture(t, Dark)
	scroll := f.variant.scroll
	down := func() float32 {
		scroll.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, -90)})
		return scroll.Offset.Y
	}
	at := down()
	if at == 0 {
		t.Fatal("the panel does not scroll, so this proves nothing")
	}
	f.setup.steps.SetText("123")
	if scroll.Offset.Y != at {
		t.Errorf("another number of steps moves the panel from %v to %v", at, scroll.Offset.Y)
	}
	f.setup.setVariant("residual")
	if scroll.Offset.Y != 0 {
		t.Errorf("another variant is shown from %v, want its top", scroll.Offset.Y)
	}
}
