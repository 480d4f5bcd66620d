package ui

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// formState is all that a person can change in the form: the config behind it, what the lists say, the texts
// as they are typed, whether they can be read or not, and the rows of the person's own.
type formState struct {
	base              trainer.Config
	device, attn, ffn int
	texts             []string // in the order of formFields
	own               []*model.Custom
}

// formField is a field for text and what a person calls it.
type formField struct {
	name string
	*field
}

// rowField is the name of the field for the name of a row of one's own.
const rowField = "Row name"

// formFields lists every field for text of the form.
func (w *Window) formFields() []formField {
	s := w.setup
	list := []formField{{"Steps", s.steps}, {"Batch", s.batch}, {"Learning rate", s.lr}, {"Seed", s.seed}}
	for _, n := range s.model.all() {
		list = append(list, formField{n.name, n.field})
	}
	return append(list, formField{rowField, w.variant.own.name}, formField{"Prompt", w.samples.prompt})
}

// formState reads the form.
func (w *Window) formState() formState {
	s := w.setup
	s.readInit()
	f := formState{base: s.base, device: s.device.SelectedIndex(), attn: s.model.attn.SelectedIndex(),
		ffn: s.model.ffn.SelectedIndex(), own: slices.Clone(s.own.list)}
	for _, e := range w.formFields() {
		text := e.Text
		if e.name == rowField && w.variant.own.id == "" {
			text = "" // there is no row to name
		}
		f.texts = append(f.texts, text)
	}
	return f
}

// same tells whether two states show the same.
func (f *formState) same(g *formState) bool {
	return f.base == g.base && f.device == g.device && f.attn == g.attn && f.ffn == g.ffn &&
		slices.Equal(f.texts, g.texts) && slices.Equal(f.own, g.own)
}

// showForm puts a state back, exactly.
func (w *Window) showForm(f *formState) {
	s := w.setup
	s.quiet = true
	s.base = f.base
	if !slices.Equal(s.own.list, f.own) {
		s.own.list = slices.Clone(f.own)
		s.own.tell()
	}
	preset := -1
	if p, err := model.FindPreset(f.base.Preset); err == nil {
		preset = slices.Index(s.preset.Options, p.Title)
	}
	for _, l := range []struct {
		list *listField
		at   int
	}{{s.preset, preset}, {s.device, f.device}, {s.model.attn, f.attn}, {s.model.ffn, f.ffn}} {
		silently(l.list, l.at)
	}
	fields := w.formFields()
	for i, e := range fields {
		if e.name != rowField && e.Text != f.texts[i] {
			e.SetText(f.texts[i])
		}
	}
	s.model.reveal()
	s.showData()
	s.showInit()
	s.quiet = false
	w.formChanged() // shows the row, and with another row its name
	own := w.variant.own
	for i, e := range fields {
		if e.name == rowField && own.id != "" && e.Text != f.texts[i] {
			own.quiet = true
			e.SetText(f.texts[i])
			own.quiet = false
		}
	}
}

// silently chooses an entry of a list without telling anybody; a negative place chooses none.
func silently(l *listField, at int) {
	text := ""
	if at >= 0 && at < len(l.Options) {
		text = l.Options[at]
	}
	if l.Selected != text {
		l.Selected = text
		l.Refresh()
	}
}

// change names what differs between two states, as the menu says it, and gives the field when it is nothing
// but the typing in one.
func (w *Window) change(from, to *formState) (label string, typed *field) {
	a, b := &from.base, &to.base
	m, n := &a.Model, &b.Model
	var text *formField
	for i, e := range w.formFields() {
		if from.texts[i] != to.texts[i] && (text == nil || e.name != rowField) {
			text = &e
		}
	}
	switch {
	case a.Preset != b.Preset && b.Preset != "":
		return "Preset", nil
	case len(to.own) < len(from.own):
		return "Delete Row", nil
	case n.Custom != nil && n.Custom != m.Custom && len(to.own) > len(from.own):
		return "Norm Place", nil // of a row that came to be by it
	case m.Variant != n.Variant:
		return "Variant", nil
	case m.Custom != n.Custom && m.Custom != nil && n.Custom != nil && m.Custom.Title == n.Custom.Title:
		return "Norm Place", nil
	case m.Custom != n.Custom:
		return titleCase(rowField), w.variant.own.name
	case a.Data != b.Data:
		return "Data", nil
	case from.attn != to.attn:
		return "Attention", nil
	case from.ffn != to.ffn:
		return "FFN", nil
	case m.Init != n.Init:
		return "Init", nil
	case from.device != to.device:
		return "Device", nil
	case text != nil:
		return titleCase(text.name), text.field
	case a.StopOnRise != b.StopOnRise:
		return "Rising Loss", nil
	}
	return "Configuration", nil
}

// titleCase writes a name as menus do: "Learning rate" is Learning Rate.
func titleCase(s string) string {
	words := strings.Fields(s)
	for i, word := range words {
		r, n := utf8.DecodeRuneInString(word)
		words[i] = string(unicode.ToUpper(r)) + word[n:]
	}
	return strings.Join(words, " ")
}
