package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// statesTable says for every state and everything a person can do what comes of it: "-" when it is refused,
// with button and menu item grey and a key that does nothing; "=" when it is done and the state stays; "ask"
// when a dialog opens, whose answer the action's check gives; "no" when a sentence says why it cannot be done;
// "gone" when the window closes; else the state it leads to.
const statesTable = `
               Idle      Preparing Running  Pausing Stopping Asking   Paused   Diverged  Done      Stopped   Failed
train          Preparing -         -        -       -        -        -        Preparing Preparing Preparing Preparing
pause          -         -         Pausing  -       -        -        Running  -         -         -         -
stop           -         Stopping  Stopping -       -        Stopping Stopping Idle      -         -         -
use-the-cpu    -         -         -        -       -        Running  -        -         -         -         -
change-rate    -         -         ask      -       -        -        ask      -         -         -         -
checkpoint     -         -         =        -       -        -        =        -         -         -         -
longer         -         -         -        -       -        -        -        -         ask       ask       ask
roll-back      -         -         -        -       -        -        -        Preparing -         -         -
race           ask       -         -        -       -        -        -        ask       ask       ask       ask
use-settings   -         -         -        -       -        -        -        -         =         =         =
open-config    ask       -         -        -       -        -        -        -         ask       ask       ask
open-text      ask       -         -        -       -        -        -        -         ask       ask       ask
edit-a-field   =         -         -        -       -        -        -        -         =         =         =
edit-a-list    =         -         -        -       -        -        -        -         =         =         =
next-variant   =         -         -        -       -        -        -        -         =         =         =
prompt         =         =         =        =       =        =        =        =         =         =         =
smoothing      =         =         =        =       =        =        =        =         =         =         =
export-chart   no        no        =        =       =        =        =        =         =         =         =
export-points  no        no        =        =       =        =        =        =         =         =         =
show-or-hide   -         =         =        =       =        =        =        =         =         =         =
rename         -         ask       ask      ask     ask      ask      ask      ask       ask       ask       ask
notes          -         ask       ask      ask     ask      ask      ask      ask       ask       ask       ask
delete         -         -         -        -       -        -        -        Idle      =         =         =
discard        -         ask       ask      ask     -        ask      ask      -         -         -         -
drop-text      =         no        no       no      no       no       no       no        =         =         =
drop-config    =         no        no       no      no       no       no       no        =         =         =
drop-run       =         =         =        =       =        =        =        =         =         =         =
close          gone      ask       ask      ask     ask      ask      ask      gone      gone      gone      gone
`

// deedOf is how a person does one row of the table, in every way there is, and what must have come of it.
type deedOf struct {
	item   func(*fixture) *fyne.MenuItem
	button func(*fixture) *widget.Button
	by     func(*fixture)             // without menu item and button
	folder bool                       // of the run must be there
	slow   bool                       // one way is enough
	before func(*fixture)             // makes the effect visible
	check  func(*fixture, *was) error // after a cell that is not refused
}

// was is how things stood before.
type was struct {
	state State
	job   *fakeJob // of the current run, nil if there is none
	run   *run
	jobs  int
}

// press runs the key of a menu item as Fyne's driver does: it takes the first item with that shortcut and
// does not look whether the item is disabled.
func (f *fixture) press(key fyne.Shortcut) {
	var find func(m *fyne.Menu) bool
	find = func(m *fyne.Menu) bool {
		for _, i := range m.Items {
			if i.Shortcut != nil && i.Shortcut.ShortcutName() == key.ShortcutName() && i.Action != nil {
				i.Action()
				return true
			}
			if i.ChildMenu != nil && find(i.ChildMenu) {
				return true
			}
		}
		return false
	}
	for _, m := range f.menu.main.Items {
		if find(m) {
			return
		}
	}
}

// button finds a button of the dialog on top by its text.
func (f *fixture) button(text string) *widget.Button {
	f.t.Helper()
	top := f.win.Canvas().Overlays().Top()
	if top == nil {
		f.t.Fatalf("no dialog has a button %q", text)
	}
	for _, o := range test.LaidOutObjects(top) {
		if b, ok := o.(*widget.Button); ok && b.Text == text {
			return b
		}
	}
	f.t.Fatalf("the dialog has no button %q", text)
	return nil
}

func (f *fixture) overlays() int { return len(f.win.Canvas().Overlays().List()) }

func (f *fixture) closeDialogs() {
	for leaveOverlay(f.win.Canvas()) {
	}
}

// reach brings the window into a state the way a person and a trainer would, with a run folder that is there
// when asked for.
func (f *fixture) reach(s State, folder bool) {
	f.t.Helper()
	f.closeDialogs()
	if looks[f.state].live {
		f.answered()
		f.current.job.(*fakeJob).enter(trainer.Stopped, "")
		f.loop.until(f.t, "the run before has ended", func() bool { return !looks[f.state].live })
	}
	f.closeDialogs()
	f.useConfig(pictureConfig())
	f.tabs.SelectIndex(tabLoss)
	if s == Idle {
		if f.session != nil {
			f.t.Fatal("a window is idle as long as nothing was trained")
		}
		return
	}
	j := f.started()
	if folder {
		j.dir = kill(f.t, f.opt.RunsDir, fmt.Sprintf("run-%04d", len(f.jobs)), 1, runs.Running)
	}
	if s == Preparing {
		return
	}
	j.steps(20)
	f.loop.until(f.t, "step 20", func() bool { return f.state == Running && f.current.series[trainer.KeyLoss].Len() == 20 })
	switch s {
	case Pausing, Paused:
		f.Pause()
	case Stopping, Stopped:
		f.Stop()
	}
	if at, ends := map[State]trainer.State{Asking: trainer.Asking, Paused: trainer.Paused, Diverged: trainer.Diverged,
		Done: trainer.Done, Stopped: trainer.Stopped, Failed: trainer.Failed}[s]; ends {
		j.enter(at, "It became NaN at step 21, first in block 2.")
	}
	f.waitFor(s)
	if !looks[s].live { // what follows the end comes a moment later
		f.loop.until(f.t, "the end", func() bool {
			f.counter.mu.Lock()
			defer f.counter.mu.Unlock()
			return f.counter.seen[f.current.cfg.Device].title == f.current.title // learning comes last
		})
	}
}

// answered waits for the trainer's answer to a start: jobs are not looked at before.
func (f *fixture) answered() {
	f.t.Helper()
	if looks[f.state].live {
		f.loop.until(f.t, "the job is there", func() bool { return f.current.job != nil })
	}
}

// print is all of a window that a refused action must not change.
func (f *fixture) print() string {
	c, err := f.setup.config()
	text, _ := c.YAML()
	var all strings.Builder
	fmt.Fprintln(&all, f.state, len(f.jobs), f.overlays(), len(f.lib.runs), f.tab(), f.win.Title(), err, string(text))
	fmt.Fprintln(&all, f.banner.Visible(), f.banner.text.Text, f.samples.prompt.Text, f.loss.smooth.Value, f.closing, f.went)
	for _, r := range f.lib.runs {
		fmt.Fprintln(&all, r.title, r.shown, r.state, r == f.selected, r == f.runs.chosen)
	}
	for _, j := range f.jobs {
		fmt.Fprintln(&all, j.calls)
	}
	return all.String()
}

// consistent tells what in the window contradicts its state.
func (f *fixture) consistent() error {
	l := looks[f.state]
	for _, c := range []struct {
		name      string
		is, wants bool
	}{
		{"train", !f.train.Disabled(), l.train}, {"train in the menu", !f.menu.train.Disabled, l.train},
		{"train in the hint", !f.loss.hint.button.Disabled(), l.train}, {"race in the menu", !f.menu.race.Disabled, l.train},
		{"pause", !f.pause.Disabled(), l.pause}, {"pause in the menu", !f.menu.pause.Disabled, l.pause},
		{"stop", !f.stop.Disabled(), l.stop}, {"stop in the menu", !f.menu.stop.Disabled, l.stop},
		{"the pause button says Resume", f.pause.Text == "Resume", l.resume},
		{"the menu says Resume", f.menu.pause.Label == "Resume", l.resume},
		{"the diagram can be pressed", !f.variant.diagram.locked, l.edit},
		{"the prompt can be typed", !f.samples.prompt.Disabled(), true},
		{"the question of the GPU", f.banner.pending != nil && f.banner.pending.open, f.state == Asking},
		{"awake", f.awake, l.awake},
	} {
		if c.is != c.wants {
			return fmt.Errorf("%s: %s is %v, want %v", f.state, c.name, c.is, c.wants)
		}
	}
	for _, d := range append(f.setup.model.lockable(), f.setup.preset, f.setup.data, f.setup.steps, f.setup.batch,
		f.setup.lr, f.setup.seed, f.setup.init, f.setup.device, f.variant.picker) {
		if d.Disabled() == l.edit {
			return fmt.Errorf("%s: a field of the form is disabled: %v", f.state, d.Disabled())
		}
	}
	if f.pill.look.word != l.word {
		return fmt.Errorf("%s: the pill says %q", f.state, f.pill.look.word)
	}
	d, ok := f.win.Canvas().Focused().(fyne.Disableable)
	if _, text := d.(*field); ok && d.Disabled() && !text { // whose text can still be copied
		return fmt.Errorf("%s: the focus is on a disabled %T", f.state, d)
	}
	live := 0
	for _, j := range f.jobs {
		if !j.Snapshot().State.Final() {
			live++
		}
	}
	if !l.live && live > 0 || live > 1 {
		return fmt.Errorf("%s: %d jobs are at work", f.state, live)
	}
	if n := f.overlays(); n > 1 {
		return fmt.Errorf("%s: %d dialogs lie on each other", f.state, n)
	}
	return nil
}

// TestStatesAndActions does everything in every state, in every way: by button, menu and key.
func TestStatesAndActions(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(statesTable), "\n")
	columns := strings.Fields(lines[0])
	if len(columns) != len(looks) {
		t.Fatalf("%d states are specified, %d exist", len(columns), len(looks))
	}
	all := deeds()
	if len(lines)-1 != len(all) {
		t.Fatalf("%d actions are specified, %d can be done", len(lines)-1, len(all))
	}
	for i, name := range columns {
		s := State(i)
		if s.String() != name && !(s == Asking && name == "Asking") {
			t.Fatalf("column %d is of %s, want %s", i, name, s)
		}
		if testing.Short() && !slices.Contains([]State{Running, Diverged}, s) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f, reached, folder := newFixture(t, Dark), "", false
			for _, line := range lines[1:] {
				cells := strings.Fields(line)
				d, ok := all[cells[0]]
				if !ok || len(cells) != len(columns)+1 {
					t.Fatalf("no action is called %s, or it has %d cells", cells[0], len(cells)-1)
				}
				for _, way := range d.ways(f) {
					if s == Idle && f.session != nil || f.gone.Load() {
						f = newFixture(t, Dark)
					}
					if d.folder && !folder || f.print() != reached { // what is refused leaves all as it was
						f.reach(s, d.folder)
						reached, folder = f.print(), d.folder
					}
					if err := f.try(s, d, way, cells[i+1]); err != nil {
						t.Errorf("%s by %s: %v", cells[0], way, err)
					}
				}
			}
		})
	}
}

// ways lists how an action can be done.
func (d deedOf) ways(f *fixture) (ways []string) {
	switch {
	case d.item != nil && d.item(f).Shortcut != nil:
		ways = append(ways, "key") // does what the item does, and is all that runs a grey one
	case d.item != nil:
		ways = append(ways, "menu")
	}
	if d.button != nil {
		ways = append(ways, "button")
	}
	if d.by != nil {
		ways = append(ways, "hand")
	}
	if d.slow || testing.Short() {
		return ways[len(ways)-1:]
	}
	return ways
}

// try does one thing in one state and tells what is wrong with what came of it.
func (f *fixture) try(s State, d deedOf, way, want string) error {
	if err := f.consistent(); err != nil {
		return fmt.Errorf("before: %w", err)
	}
	if d.before != nil {
		d.before(f)
	}
	off, print := want == "-", f.print()
	before := &was{state: s, run: f.current, jobs: len(f.jobs)}
	if f.current != nil {
		before.job, _ = f.current.job.(*fakeJob)
	}
	if d.item != nil && d.item(f).Disabled != off {
		return fmt.Errorf("the menu item is grey: %v", !off)
	}
	if d.button != nil && d.button(f).Disabled() != off {
		return fmt.Errorf("the button is grey: %v", !off)
	}
	closed := false
	f.win.SetOnClosed(func() { closed = true })
	switch way {
	case "menu":
		if off {
			return nil // nobody can choose it
		}
		d.item(f).Action()
	case "key":
		f.press(d.item(f).Shortcut)
	case "button":
		test.Tap(d.button(f))
	default:
		d.by(f)
	}
	if !closed {
		f.answered()
	}
	next, dialogs := s, 0
	switch want {
	case "-":
		if now := f.print(); now != print {
			return fmt.Errorf("it is refused and changes\n%sto\n%s", print, now)
		}
		return nil
	case "gone":
		if !closed {
			return fmt.Errorf("the window is still there")
		}
		return nil
	case "=":
	case "ask", "no":
		dialogs = 1
	default:
		next = stateNamed(want)
	}
	if n := f.overlays(); n != dialogs || f.state != next || closed {
		return fmt.Errorf("the window is %v with %d dialogs, want %v with %d", f.state, n, next, dialogs)
	}
	if err := f.consistent(); err != nil {
		return err
	}
	if d.check != nil && want != "no" {
		return d.check(f, before)
	}
	return nil
}

func stateNamed(name string) State {
	for i := range looks {
		if looks[i].word == name {
			return State(i)
		}
	}
	return Asking
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
