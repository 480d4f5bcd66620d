package ui

import (
	"testing"

	"github.com/evenkeel/evenkeel/trainer"
)

// TestStatesAndActions is GUI.md section 4 written out: for every state which controls are on, and for
// every state and action where it leads.
func TestStatesAndActions(t *testing.T) {
	const off = State(255) // the action is refused
	want := []struct {
		state                    State
		word                     string
		train, pause, stop, edit bool
		after                    [3]State // of train, pause or resume, stop
	}{
		{Idle, "Idle", true, false, false, true, [3]State{Preparing, off, off}},
		{Preparing, "Preparing", false, false, true, false, [3]State{off, off, Stopping}},
		{Running, "Running", false, true, true, false, [3]State{off, Pausing, Stopping}},
		{Pausing, "Pausing", false, false, false, false, [3]State{off, off, off}},
		{Stopping, "Stopping", false, false, false, false, [3]State{off, off, off}},
		{Asking, "Waiting", false, false, true, false, [3]State{off, off, Stopping}},
		{Paused, "Paused", false, true, true, false, [3]State{off, Running, Stopping}},
		{Diverged, "Diverged", true, false, true, false, [3]State{Preparing, off, Idle}},
		{Done, "Done", true, false, false, true, [3]State{Preparing, off, off}},
		{Stopped, "Stopped", true, false, false, true, [3]State{Preparing, off, off}},
		{Failed, "Failed", true, false, false, true, [3]State{Preparing, off, off}},
	}
	if len(want) != len(looks) {
		t.Fatalf("%d states are specified, %d exist", len(want), len(looks))
	}
	f := newFixture(t, Dark)
	for _, c := range want {
		f.setState(c.state)
		for _, b := range []struct {
			name string
			on   bool
			want bool
		}{
			{"train", !f.train.Disabled(), c.train}, {"train in the menu", !f.menu.train.Disabled, c.train},
			{"pause", !f.pause.Disabled(), c.pause}, {"pause in the menu", !f.menu.pause.Disabled, c.pause},
			{"stop", !f.stop.Disabled(), c.stop}, {"stop in the menu", !f.menu.stop.Disabled, c.stop},
			{"steps field", !f.setup.steps.Disabled(), c.edit}, {"preset", !f.setup.preset.Disabled(), c.edit},
			{"variant", !f.variant.picker.Disabled(), c.edit}, {"opening a config", !f.menu.open.Disabled, c.edit},
			{"prompt", !f.samples.prompt.Disabled(), true}, {"smoothing", !f.loss.smooth.Disabled(), true},
		} {
			if b.on != b.want {
				t.Errorf("%s: %s enabled is %v, want %v", c.word, b.name, b.on, b.want)
			}
		}
		if f.pill.look.word != c.word {
			t.Errorf("pill says %q, want %q", f.pill.look.word, c.word)
		}
		if resume := f.pause.Text == "Resume"; resume != (c.state == Paused) {
			t.Errorf("%s: the pause button says %q", c.word, f.pause.Text)
		}
		for a, next := range c.after {
			got, ok := c.state.after(Action(a))
			if ok != (next != off) || ok && got != next {
				t.Errorf("%s, action %d: next is %v, %v; want %v", c.word, a, got, ok, next)
			}
		}
	}
	f.setState(Idle)
}

func TestStateOfJob(t *testing.T) {
	for from, want := range map[trainer.State]State{
		trainer.Preparing: Preparing, trainer.Running: Running, trainer.Pausing: Pausing, trainer.Paused: Paused,
		trainer.Stopping: Stopping, trainer.Asking: Asking, trainer.Done: Done, trainer.Stopped: Stopped, trainer.Diverged: Diverged,
		trainer.Failed: Failed, "": Failed,
	} {
		if got := stateOf(from); got != want {
			t.Errorf("job %q is %v, want %v", from, got, want)
		}
		if from != "" && from.Final() == looks[want].live {
			t.Errorf("job %q: final and live agree", from)
		}
	}
}
