package ui

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// formEdit is one thing a person can do to the form, and what the menu calls it.
type formEdit struct {
	label string
	on    fyne.Disableable // the control; nil: none of its own
	do    func(f *fixture)
}

// enter types a text into a field in place of what it has.
func (f *fixture) enter(e *field, text string) {
	c := f.win.Canvas()
	if c.Focus(e); c.Focused() != e {
		e.SetText(text) // it is not on show, which a person cannot do
		return
	}
	e.TypedShortcut(&fyne.ShortcutSelectAll{})
	for _, r := range text {
		e.TypedRune(r)
	}
	if text == "" {
		e.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDelete})
	}
	c.Unfocus()
}

// cycle chooses the next entry of a list.
func cycle(l *listField) { l.SetSelectedIndex((l.SelectedIndex() + 1) % len(l.Options)) }

// digits are another text for a field each time: some make sense, some do not.
func digits(e *field) string {
	return map[string]string{"": "12", "12": "0x7", "0x7": "64"}[e.Text]
}

// formEdits is every control of the form. All but the first few texts are told apart from what was there.
func formEdits(f *fixture) []formEdit {
	s, v := f.setup, f.variant
	place := func(kind diagram.Place) func(*fixture) {
		return func(f *fixture) {
			if err := f.setup.pressed(kind); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	list := []formEdit{
		{"Preset", s.preset, func(*fixture) {
			cycle(s.preset)
			if s.preset.SelectedIndex() > 3 { // the paper's are large
				s.preset.SetSelectedIndex(0)
			}
		}},
		{"Variant", v.picker, func(*fixture) {
			id := "pre"
			if s.base.Model.Variant == id {
				id = "residual"
			}
			v.picker.chosen(id)
		}},
		{"Norm Place", nil, place(diagram.Place{Kind: diagram.AtEmbedding})},
		{"Norm Place", nil, place(diagram.Place{Kind: diagram.AtSite, Site: model.Q, From: 0, To: 1})},
		{"Data", s.data, func(*fixture) {
			s.data.SetSelectedIndex((s.data.SelectedIndex() + 1) % len(corpora))
		}},
		{"Data", nil, func(f *fixture) {
			f.OpenPath(filepath.Join("/home/ada", fmt.Sprintf("book %d.txt", len(s.base.Data))))
		}},
		{"Init", s.init, func(*fixture) { cycle(s.init) }},
		{"Device", s.device, func(*fixture) { cycle(s.device) }},
		{"Attention", s.model.attn, func(*fixture) { cycle(s.model.attn) }},
		{"FFN", s.model.ffn, func(*fixture) { cycle(s.model.ffn) }},
		{"Configuration", nil, func(f *fixture) {
			c := pictureConfig()
			c.Steps, c.Prompt = 77+len(f.samples.prompt.Text), "once"+f.samples.prompt.Text
			f.useConfig(c)
		}},
		{"Run’s Settings", nil, func(f *fixture) {
			c := trainer.DefaultConfig()
			c.Model.Layers, c.LRAt, c.Seed = 3, "50:1e-4", uint64(len(s.seed.Text))+100
			f.showSettingsOf(newRun(0, c))
		}},
		{"Prompt", f.samples.prompt, func(f *fixture) {
			f.tabs.SelectIndex(tabSamples)
			f.enter(f.samples.prompt, f.samples.prompt.Text+"the sea")
		}},
		{"Row Name", v.own.name, func(f *fixture) {
			if v.own.id == "" {
				v.picker.chosen("pre")
				place(diagram.Place{Kind: diagram.AtEnd})(f)
			}
			f.enter(v.own.name, s.base.Model.Custom.Title+" again")
		}},
		{"Delete Row", v.own.drop, func(f *fixture) {
			if v.own.id == "" {
				v.picker.chosen("pre")
				place(diagram.Place{Kind: diagram.AtEnd})(f)
			}
			test.Tap(v.own.drop)
		}},
	}
	for _, e := range f.formFields() {
		if e.field != f.samples.prompt && e.field != v.own.name {
			list = append(list, formEdit{titleCase(e.name), e.field, func(f *fixture) { f.enter(e.field, digits(e.field)) }})
		}
	}
	return list
}

// shown is the form as a person and the trainer see it.
type shown struct {
	config, problem string
	texts           []string
	own             string
	chosen          []string
}

func (f *fixture) shown() shown {
	f.t.Helper()
	s := shown{own: f.setup.own.text()}
	c, err := f.setup.config()
	c.Prompt = f.samples.prompt.Text
	text, yerr := c.YAML()
	if yerr != nil {
		f.t.Fatal(yerr)
	}
	if s.config = string(text); err != nil { // the config is only half of what is in the form
		s.config, s.problem = "", err.Error()
	}
	for _, e := range f.formFields() {
		if e.name != rowField || f.variant.own.object.Visible() {
			s.texts = append(s.texts, e.name+"="+e.Text)
		}
	}
	m := f.setup.model
	for _, l := range []*listField{f.setup.preset, f.setup.data, f.setup.init, f.setup.device, m.attn, m.ffn} {
		s.chosen = append(s.chosen, l.Selected)
	}
	s.chosen = append(s.chosen, f.variant.picker.Selected)
	return s
}

func (s *shown) check(t rapid.TB, what string, want shown) {
	t.Helper()
	if d := cmp.Diff(want, *s, cmp.AllowUnexported(shown{})); d != "" {
		t.Fatalf("%s shows another form (-want +got):\n%s", what, d)
	}
}

// TestUndoOfEveryControl makes every edit, takes it back and brings it again, with a model that opens all
// fields and a row of a person's own on show.
func TestUndoOfEveryControl(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here runs beside anything else, and it is slow under the race detector")
	}
	f := newFixture(t, Dark)
	f.setup.model.toggle()
	f.setup.model.attn.SetSelectedIndex(attnLatent)
	f.setup.model.ffn.SetSelectedIndex(ffnExperts)
	covered := map[fyne.Disableable]bool{f.variant.own.apart: true} // shows the same row in another way
	for _, e := range formEdits(f) {
		covered[e.on] = true
		if f.variant.own.id == "" {
			if err := f.setup.pressed(diagram.Place{Kind: diagram.AtEnd}); err != nil {
				t.Fatal(err)
			}
		}
		before, n := f.shown(), f.history.at
		e.do(f)
		after := f.shown()
		if d := f.history.at - n; d != 1 || f.menu.undo.undo.Label != "Undo "+e.label || f.menu.undo.undo.Disabled {
			t.Errorf("%s makes %d edits, the menu says %q", e.label, d, f.menu.undo.undo.Label)
		}
		f.Undo()
		now := f.shown()
		now.check(t, "undoing "+e.label, before)
		if got := f.menu.undo.redo; got.Label != "Redo "+e.label || got.Disabled {
			t.Errorf("after undoing %s the menu says %q", e.label, got.Label)
		}
		f.Redo()
		now = f.shown()
		now.check(t, "redoing "+e.label, after)
		if got := f.menu.undo.redo; got.Label != "Redo" || !got.Disabled {
			t.Errorf("with nothing to redo the menu says %q", got.Label)
		}
	}
	for _, c := range append(f.setup.model.lockable(), f.setup.preset, f.setup.data, f.setup.steps, f.setup.batch,
		f.setup.lr, f.setup.seed, f.setup.init, f.setup.device, f.variant.picker, f.variant.own.name,
		f.variant.own.drop, f.samples.prompt) {
		if !covered[c] {
			t.Errorf("%T %+v is edited by no row of the table", c, c)
		}
	}
}

// TestUndoAnyOrder does edits, undos and redos in random order; the form always shows what a list of all its
// states says.
func TestUndoAnyOrder(t *testing.T) {
	if n := flag.Lookup("rapid.checks"); n.Value.String() == n.DefValue { // a sequence of edits takes its time
		_ = n.Value.Set("30")
		t.Cleanup(func() { _ = n.Value.Set(n.DefValue) })
	}
	f := newFixture(t, Dark)
	f.setup.model.toggle()
	edits := formEdits(f)
	rapid.Check(t, func(r *rapid.T) {
		f.history = history{states: []formState{f.formState()}}
		f.showUndo()
		states, at := []shown{f.shown()}, 0
		for range rapid.IntRange(1, 10).Draw(r, "n") {
			switch k := rapid.IntRange(-len(edits)/2, len(edits)-1).Draw(r, "edit"); {
			case k >= 0:
				n := f.history.at
				edits[k].do(f)
				d := f.history.at - n
				if d == 0 {
					break // such as the same preset again; the check below sees that nothing changed
				}
				if d > 1 { // rows to name or delete are made first
					f.Undo()
					states = states[:at+1]
					for range d - 2 {
						f.Undo()
					}
					for range d - 1 {
						states = append(states, f.shown())
						at++
						f.Redo()
					}
				}
				states, at = append(states[:at+1], f.shown()), at+1
			case k%2 == 0:
				f.Undo()
				at = max(0, at-1)
			default:
				f.Redo()
				at = min(len(states)-1, at+1)
			}
			now := f.shown()
			now.check(r, "the form", states[at])
			if f.menu.undo.undo.Disabled != (at == 0) || f.menu.undo.redo.Disabled != (at == len(states)-1) {
				r.Fatalf("at %d of %d the menu says %q, %q", at, len(states), f.menu.undo.undo.Label, f.menu.undo.redo.Label)
			}
		}
		for f.history.at > 0 {
			f.Undo()
		}
		now := f.shown()
		now.check(r, "the start", states[0])
	})
}

// TestUndoOfTyping: typing in a field is one edit until the focus leaves or something else is changed, and no
// edit when the old text is back.
func TestUndoOfTyping(t *testing.T) {
	f := newFixture(t, Dark)
	s := f.setup
	start := f.shown()
	texts := []string{s.steps.Text}
	put := func(what, text string) {
		t.Helper()
		for _, r := range text {
			s.steps.TypedRune(r)
		}
		if texts = append(texts, s.steps.Text); f.history.at != len(f.history.labels) || f.history.at != len(texts)-1 {
			t.Errorf("%s: %d edits, want %d", what, f.history.at, len(texts)-1)
		}
	}
	s.steps.SetText(s.steps.Text) // nothing
	f.win.Canvas().Focus(s.steps)
	put("typing", "123")
	cycle(s.device)
	texts = append(texts, s.steps.Text)
	put("typing on after choosing a device", "4")
	f.win.Canvas().Focus(s.batch)
	f.win.Canvas().Focus(s.steps)
	put("typing on after a visit elsewhere", "56")
	for i := range texts[1:] {
		f.Undo()
		if want := texts[len(texts)-2-i]; s.steps.Text != want {
			t.Errorf("the field shows %q, want %q", s.steps.Text, want)
		}
	}
	now := f.shown()
	now.check(t, "after undoing all", start)
	f.Undo()
	now = f.shown()
	now.check(t, "after undoing more than all", start)
	s.steps.TypedRune('9')
	if f.history.at != 1 {
		t.Errorf("typing after undoing all makes %d edits", f.history.at)
	}
	s.steps.TypedKey(&fyne.KeyEvent{Name: fyne.KeyBackspace})
	if f.history.at != 0 || !f.menu.undo.undo.Disabled || !f.menu.undo.redo.Disabled {
		t.Errorf("typing and taking it back leaves %d edits, %q", f.history.at, f.menu.undo.undo.Label)
	}
}

// TestUndoDepth: the oldest edits are forgotten, the others stay.
func TestUndoDepth(t *testing.T) {
	h := history{states: []formState{{device: -1}}}
	const n = undoDepth + 25
	for i := range n {
		h.note(formState{device: i}, fmt.Sprint(i), nil)
	}
	if len(h.states) != undoDepth+1 || len(h.labels) != undoDepth || h.at != undoDepth {
		t.Fatalf("%d states, %d labels, at %d", len(h.states), len(h.labels), h.at)
	}
	for i, label := range h.labels {
		if want := n - undoDepth + i; label != fmt.Sprint(want) || h.states[i+1].device != want {
			t.Fatalf("edit %d is %q and leads to %d, want %d", i, label, h.states[i+1].device, want)
		}
	}
}

// press does what the driver does with a key of the menu: a menu item that is off is asked as well.
func (f *fixture) pressShortcut(s fyne.Shortcut) {
	for _, m := range f.menu.main.Items {
		for _, i := range m.Items {
			if i.Shortcut != nil && i.Shortcut.ShortcutName() == s.ShortcutName() {
				i.Action()
				return
			}
		}
	}
	if o, ok := f.win.Canvas().Focused().(fyne.Shortcutable); ok {
		o.TypedShortcut(s)
		return
	}
	f.win.Canvas().(fyne.Shortcutable).TypedShortcut(s)
}

// TestUndoKeys presses the keys with the focus on fields of the form, on other fields and on none.
func TestUndoKeys(t *testing.T) {
	f := newFixture(t, Dark)
	s, c := f.setup, f.win.Canvas()
	undo := fyne.Shortcut(&fyne.ShortcutUndo{})
	redo := fyne.Shortcut(&desktop.CustomShortcut{KeyName: fyne.KeyZ,
		Modifier: fyne.KeyModifierShortcutDefault | fyne.KeyModifierShift})
	again := fyne.Shortcut(&fyne.ShortcutRedo{}) // Ctrl-Y
	f.enter(s.seed, "42")
	expect := func(what string, key fyne.Shortcut, e *field, want string) {
		t.Helper()
		f.pressShortcut(key)
		if e.Text != want {
			t.Errorf("%s: the field shows %q, want %q", what, e.Text, want)
		}
	}
	c.Focus(s.batch)
	expect("undo from another field of the form", undo, s.seed, "1")
	expect("Ctrl-Y there", again, s.seed, "42")
	c.Unfocus()
	expect("undo from nowhere", undo, s.seed, "1")
	expect("Ctrl-Y from nowhere", again, s.seed, "42")

	c.Focus(f.runs.filter)
	if f.menu.undo.undo.Label != "Undo" || f.menu.undo.undo.Disabled {
		t.Errorf("in the filter the menu says %q", f.menu.undo.undo.Label)
	}
	test.Type(f.runs.filter, "abc")
	expect("undo in the filter", undo, f.runs.filter, "")
	if s.seed.Text != "42" {
		t.Error("undo in the filter reached the form")
	}
	expect("redo in the filter", redo, f.runs.filter, "abc")
	expect("undo in the filter", undo, f.runs.filter, "")
	expect("undo in a filter with nothing to undo", undo, s.seed, "1")
	c.Unfocus()
	if f.menu.undo.redo.Label != "Redo Seed" {
		t.Errorf("out of the filter the menu says %q", f.menu.undo.redo.Label)
	}
	expect("redo", redo, s.seed, "42")

	f.about()
	expect("undo behind a dialog", undo, s.seed, "42")
	c.Overlays().Top().Hide()

	f.started().steps(5)
	f.waitFor(Running)
	if !f.menu.undo.undo.Disabled || f.menu.undo.undo.Label != "Undo" {
		t.Errorf("while a run is at work the menu says %q", f.menu.undo.undo.Label)
	}
	expect("undo while a run is at work", undo, s.seed, "42")
	f.tabs.SelectIndex(tabSamples)
	c.Focus(f.samples.prompt)
	test.Type(f.samples.prompt, "sea")
	expect("undo in the prompt of a run at work", undo, f.samples.prompt, "")
	expect("redo there", redo, f.samples.prompt, "sea")
	f.jobs[0].enter(trainer.Done, "")
	f.waitFor(Done)
	expect("undo of what was typed then", undo, f.samples.prompt, "")
	expect("undo of what was before", undo, s.seed, "1")
}

// TestUndoTakesTheFieldAway: a field that is gone after an undo does not keep the focus.
func TestUndoTakesTheFieldAway(t *testing.T) {
	f := newFixture(t, Dark)
	if err := f.setup.pressed(diagram.Place{Kind: diagram.AtEnd}); err != nil {
		t.Fatal(err)
	}
	f.win.Canvas().Focus(f.variant.own.name)
	f.Undo()
	if f.variant.own.object.Visible() || f.win.Canvas().Focused() != nil {
		t.Errorf("the name of a row that is gone has the focus: %v", f.win.Canvas().Focused())
	}
}
