package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// undoDepth is how many edits of the form can be taken back.
const undoDepth = 200

// history is what the form showed, edit by edit. Every edit is kept whole: a form is some hundred bytes.
type history struct {
	states []formState // at least one, once it is followed
	labels []string    // labels[i] is of the edit from states[i] to states[i+1]
	at     int         // what is shown now
	typing *field      // typing here joins the newest edit; nil: the next edit is one of its own

	locked bool   // the form is locked
	within int    // edits that are made of others, one in the other
	label  string // of the outermost
}

// note takes a new state in.
func (h *history) note(now formState, label string, typing *field) {
	if typing != nil && typing == h.typing && h.at == len(h.states)-1 && h.at > 0 {
		h.states[h.at] = now
		if now.same(&h.states[h.at-1]) { // typed and taken back by hand
			h.states, h.labels, h.at, h.typing = h.states[:h.at], h.labels[:h.at-1], h.at-1, nil
		}
		return
	}
	h.states = append(h.states[:h.at+1], now)
	h.labels = append(h.labels[:h.at], label)
	if over := len(h.labels) - undoDepth; over > 0 {
		h.states, h.labels = slices.Delete(h.states, 0, over), slices.Delete(h.labels, 0, over)
	}
	h.at, h.typing = len(h.states)-1, typing
}

// undoes and redoes name the edits that can be taken back and brought again; empty when there is none.
func (h *history) undoes() string {
	if h.at == 0 {
		return ""
	}
	return h.labels[h.at-1]
}

func (h *history) redoes() string {
	if h.at >= len(h.labels) {
		return ""
	}
	return h.labels[h.at]
}

// buildUndo follows the form from what it shows now.
func (w *Window) buildUndo() {
	for _, e := range w.formFields() {
		e.focused = func(on bool) {
			if !on {
				w.history.typing = nil
			}
			w.showUndoIn(on)
		}
		e.shortcut = func(s fyne.Shortcut) bool { // Ctrl-Y, which is not in the menu
			_, redo := s.(*fyne.ShortcutRedo)
			if redo {
				w.Redo()
			}
			return redo
		}
	}
	for _, f := range w.otherFields() {
		f.focused = w.showUndoIn
	}
	w.win.Canvas().AddShortcut(&fyne.ShortcutRedo{}, func(fyne.Shortcut) { w.Redo() })
	for _, f := range []*field{w.variant.own.name, w.samples.prompt} { // others tell formChanged
		told := f.OnChanged
		f.OnChanged = func(text string) {
			told(text)
			if !w.variant.own.quiet {
				w.edited()
			}
		}
	}
	for _, l := range []*listField{w.setup.model.attn, w.setup.model.ffn} { // fill fields in as well
		told := l.OnChanged
		l.OnChanged = func(text string) {
			if w.setup.quiet {
				told(text)
				return
			}
			w.asOneEdit("", func() { told(text) })
		}
	}
	w.history = history{states: []formState{w.formState()}}
	w.showUndo()
}

// otherFields are fields for text of the window that are not of the form: they keep their own history.
func (w *Window) otherFields() []*field {
	o := &w.talk.options
	return []*field{w.runs.filter, w.compare.step, o.temperature, o.topK, o.topP, o.length, o.seed}
}

// edited notes what a person changed in the form. It may be called as often as anybody likes.
func (w *Window) edited() {
	h := &w.history
	if h.states == nil || h.within > 0 || w.setup.quiet {
		return
	}
	now := w.formState()
	if now.same(&h.states[h.at]) {
		return
	}
	label, typed := w.change(&h.states[h.at], &now)
	if h.label != "" {
		label, typed = h.label, nil
	}
	if fyne.Focusable(typed) != w.win.Canvas().Focused() {
		typed = nil
	}
	h.note(now, label, typed)
	w.showUndo()
}

// asOneEdit makes what f does to the form one edit, of some name; an empty one is found out.
func (w *Window) asOneEdit(label string, f func()) {
	h := &w.history
	if h.within == 0 {
		h.label = label
	}
	h.within++
	f()
	if h.within--; h.within == 0 {
		w.edited()
		h.label = ""
	}
}

// Undo takes the last edit back. A field that is not of the form has its own history, which goes first
// while somebody types there; so has the prompt while a run locks the form.
func (w *Window) Undo() { w.travel(-1, (*widget.Entry).Undo) }

// Redo brings the edit again that was taken back last.
func (w *Window) Redo() { w.travel(1, (*widget.Entry).Redo) }

func (w *Window) travel(by int, inText func(*widget.Entry)) {
	h := &w.history
	locked := !looks[w.state].edit
	if e, own := w.typedInto(); e != nil && (locked || !own) {
		was := e.Text
		if inText(e); e.Text != was {
			return
		}
	}
	to := h.at + by
	if locked || to < 0 || to >= len(h.states) || w.inDialog() {
		return
	}
	h.at, h.typing = to, nil
	h.within++ // nobody notes this as an edit
	w.showForm(&h.states[to])
	h.within--
	if e, own := w.typedInto(); own && !w.seen(e) {
		w.win.Canvas().Unfocus() // a field that is gone must not go on blinking
	}
	w.showUndo()
}

// typedInto is the entry with the focus, nil if there is none, and whether it is of the form.
func (w *Window) typedInto() (e *widget.Entry, own bool) {
	switch f := w.win.Canvas().Focused().(type) {
	case *field:
		own = slices.ContainsFunc(w.formFields(), func(o formField) bool { return o.field == f })
		e = &f.Entry
	case *pickerFilter:
		e = &f.Entry
	case *noteField:
		e = &f.Entry
	case *widget.Entry:
		e = f
	}
	if e == nil || e.Disabled() {
		return nil, false
	}
	return e, own
}

// seen tells whether a field of the form is there to be seen.
func (w *Window) seen(e *widget.Entry) bool {
	if e == &w.variant.own.name.Entry {
		return w.variant.own.id != ""
	}
	for _, n := range w.setup.model.all() {
		if e == &n.Entry {
			return w.setup.model.needs(n)
		}
	}
	return true
}

// undoItems are the first rows of the Edit menu.
type undoItems struct{ undo, redo *fyne.MenuItem }

func (w *Window) undoItems() undoItems {
	u := undoItems{fyne.NewMenuItem("Undo", w.Undo), item("Redo", w.Redo, fyne.KeyZ, true)}
	u.undo.Shortcut = &fyne.ShortcutUndo{} // what the driver makes of the key, so that the menu sees it first
	return u
}

// free lets the keys through wherever they are pressed: a field of a dialog has its own history, also when
// there is nothing to take back in the form.
func (u *undoItems) free(w *Window) { u.undo.Action, u.redo.Action = w.Undo, w.Redo }

func (u *undoItems) rows() []*fyne.MenuItem {
	return []*fyne.MenuItem{u.undo, u.redo, fyne.NewMenuItemSeparator()}
}

// showUndo says in the menu what can be taken back and brought again.
func (w *Window) showUndo() { w.showUndoIn(true) }

// showUndoIn does so for the field with the focus, or for none: the canvas names one that is being left as
// long as it is told.
func (w *Window) showUndoIn(field bool) {
	h := &w.history
	if w.menu == nil || h.states == nil {
		return
	}
	locked := !looks[w.state].edit
	if locked != h.locked {
		h.locked, h.typing = locked, nil
	}
	e, own := w.typedInto()
	text := field && e != nil && (locked || !own)
	changed := false
	for _, i := range []struct {
		item       *fyne.MenuItem
		verb, what string
	}{{w.menu.undo.undo, "Undo", h.undoes()}, {w.menu.undo.redo, "Redo", h.redoes()}} {
		label, off := i.verb, (locked || i.what == "") && !text
		if !locked && !text && i.what != "" {
			label += " " + i.what
		}
		changed = changed || i.item.Label != label || i.item.Disabled != off
		i.item.Label, i.item.Disabled = label, off
	}
	if changed {
		w.menu.refresh()
	}
}
