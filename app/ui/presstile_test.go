package ui

import (
	"testing"

	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
)

// TestRateFromTheStatusBar presses the learning rate below the charts, and the locked field of the form:
// while a run trains both ask for another one, and otherwise neither does anything.
func TestRateFromTheStatusBar(t *testing.T) {
	f := newFixture(t, Dark)
	tile, field := f.status.lr, f.setup.lr
	presses := map[string]func(){"the status bar": func() { test.Tap(tile) }, "the field": func() { field.Tapped(nil) }}
	none := func(when string) {
		t.Helper()
		for name, press := range presses {
			if press(); f.asked != nil {
				t.Errorf("%s %s asks for a learning rate", when, name)
			}
		}
		if tile.Cursor() != desktop.DefaultCursor || tile.pencil.Visible() {
			t.Errorf("%s the learning rate looks as if it could be changed", when)
		}
	}
	none("before a run")
	j := f.started()
	j.steps(30)
	j.set(func(s *trainer.Snapshot) { s.LR = 3.851e-4 })
	f.waitFor(Running)
	f.loop.until(t, "the rate is shown", func() bool { return tile.tile.text.text.Text == "0.000385" })
	if tile.Cursor() != desktop.PointerCursor || !tile.pencil.Visible() {
		t.Error("the learning rate does not look as if it could be changed")
	}
	for name, press := range presses {
		f.asked = nil
		if press(); f.asked == nil || f.asked.title != "Change Learning Rate" {
			t.Fatalf("%s does not ask for a learning rate", name)
		}
		f.asked.close()
	}
	f.asked = nil
	j.enter(trainer.Done, "")
	f.waitFor(Done)
	none("after a run")
}
