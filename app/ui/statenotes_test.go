package ui

import (
	"math"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
)

// stateNotes is what each state shows and lets a person do besides its controls.
var stateNotes = map[State]func(*testing.T, *fixture){
	Idle: func(t *testing.T, f *fixture) {
		if f.estimate.params.text.text.Text == unknown || f.estimate.bytes.text.text.Text == unknown {
			t.Error("no estimate of parameters and memory is shown")
		}
		f.retype(f.setup.lr, "fast")
		f.press(f.menu.train.Shortcut)
		if f.state != Idle || f.overlays() != 1 || !strings.Contains(f.estimate.problem.text.Text, `Learning rate is "fast"`) {
			t.Errorf("a bad field leads to %v, named as %q", f.state, f.estimate.problem.text.Text)
		}
	},
	Preparing: func(t *testing.T, f *fixture) {
		if f.status.bar.value >= 0 || f.status.said.text.Text != "Reading text" {
			t.Errorf("the bar stands at %v, the line says %q", f.status.bar.value, f.status.said.text.Text)
		}
		f.press(f.menu.stop.Shortcut)
		if f.state != Stopping || f.jobs[0].asked("stop") != 1 {
			t.Errorf("stop leads to %v", f.state)
		}
	},
	Running: func(t *testing.T, f *fixture) {
		if f.samples.prompt.Disabled() || f.loss.smooth.Disabled() || f.status.said.text.Text == "" {
			t.Error("prompt or smoothing cannot be changed")
		}
	},
	Pausing:  awaits,
	Stopping: awaits,
	Asking: func(t *testing.T, f *fixture) {
		if b := f.banner; !strings.Contains(b.text.Text, "It became NaN") || b.button.Text != "Train on the CPU" || b.shut.Visible() {
			t.Errorf("the banner says %q and offers %q", b.text.Text, b.button.Text)
		}
	},
	Paused: func(t *testing.T, f *fixture) {
		if f.status.said.text.Text != "Paused; a checkpoint is written" {
			t.Errorf("the line says %q", f.status.said.text.Text)
		}
		f.settle()
		f.win.Canvas().Focus(f.loss.view)
		f.loss.logY.SetChecked(true)
		f.keys(fyne.KeyLeft)
		f.loss.view.TypedRune('+')
		f.settle()
		if v := f.loss.view.View(); f.loss.view.Readout() == "" || v.X1 <= v.X0 {
			t.Errorf("the chart reads %q and shows %v", f.loss.view.Readout(), v)
		}
	},
	Diverged: func(t *testing.T, f *fixture) {
		if b := f.banner; !strings.Contains(b.text.Text, "step 21") || !strings.Contains(b.text.Text, "block 2") ||
			!strings.HasPrefix(b.button.Text, "Roll back") || b.other.Text != "Keep" || !b.other.Visible() {
			t.Errorf("the banner says %q and offers %q and %q", b.text.Text, b.button.Text, b.other.Text)
		}
	},
	Done: func(t *testing.T, f *fixture) {
		test.AssertNotificationSent(t, fyne.NewNotification("Evenkeel", f.current.title+": "+f.current.summary()), func() {
			f.behind.Store(true)
			f.finished(f.current)
		})
		test.AssertNotificationSent(t, nil, func() {
			f.behind.Store(false)
			f.finished(f.current)
		})
	},
	Stopped: func(t *testing.T, f *fixture) {
		if !strings.HasPrefix(f.status.said.text.Text, "Kept in ") {
			t.Errorf("the line says %q", f.status.said.text.Text)
		}
	},
	Failed: func(t *testing.T, f *fixture) {
		b, saved := f.banner, f.current.snap.Checkpoint
		if !strings.Contains(b.text.Text, "It became NaN") || saved == "" || !strings.Contains(b.text.Text, homely(saved)) {
			t.Errorf("the banner says %q, the last checkpoint is %s", b.text.Text, saved)
		}
		test.Tap(b.button)
		if text := fyne.CurrentApp().Clipboard().Content(); b.button.Text != "Copy details" ||
			!strings.Contains(text, saved) || !strings.Contains(text, "Failed: It became NaN") {
			t.Errorf("%s copies %q", b.button.Text, text)
		}
		test.Tap(b.other)
		if f.tab() != tabLog || len(f.log.lines) == 0 || !f.log.lines[len(f.log.lines)-1].bad {
			t.Errorf("%s leads to tab %d with %d lines", b.other.Text, f.tab(), len(f.log.lines))
		}
	},
}

// awaits checks what is said when the end of a step takes long.
func awaits(t *testing.T, f *fixture) {
	const long = "Waiting for the step at work to end; then a checkpoint is written"
	if said := f.status.said.text.Text; said != "Finishing the step and writing a checkpoint" {
		t.Errorf("at first the line says %q", said)
	}
	if !f.waiting.Stop() {
		t.Fatal("nothing looks whether it takes long")
	}
	f.patience = 1
	f.watchWaiting(f.state)
	f.loop.until(t, "what is awaited", func() bool { return f.status.said.text.Text == long })
	f.jobs[0].enter(map[State]trainer.State{Pausing: trainer.Paused, Stopping: trainer.Stopped}[f.state], "")
	f.loop.until(t, "the step has ended", func() bool { return f.state == Paused || f.state == Stopped })
	if said := f.status.said.text.Text; said == long {
		t.Error("the line still waits")
	}
}

// TestStateNotes checks what each state shows besides its controls.
func TestStateNotes(t *testing.T) {
	if len(stateNotes) != len(looks) {
		t.Fatalf("%d states are specified, %d exist", len(stateNotes), len(looks))
	}
	for s, check := range stateNotes {
		t.Run(s.String(), func(t *testing.T) {
			if testing.Short() && s == Paused {
				t.Skip("drawing windows is slow under the race detector")
			}
			f := newFixture(t, Dark)
			f.reach(s, false)
			snap := trainer.Snapshot{Loss: math.NaN()}
			if f.current != nil {
				snap = f.current.snap
			}
			if l := looks[s]; l.live && s != Preparing && f.status.step.text.text.Text != whole(snap.Step)+" / "+whole(snap.Steps) {
				t.Errorf("the status shows %q", f.status.step.text.text.Text)
			}
			check(t, f)
			f.closeDialogs()
		})
	}
}

// TestAskingNotifies tells a person elsewhere that a run waits for an answer.
func TestAskingNotifies(t *testing.T) {
	f := newFixture(t, Dark)
	f.reach(Running, false)
	f.SetInFront(false)
	test.AssertNotificationSent(t, fyne.NewNotification("Evenkeel", f.current.title+" waits for an answer"), func() {
		f.jobs[0].enter(trainer.Asking, "The GPU is gone.")
		f.waitFor(Asking)
	})
}
