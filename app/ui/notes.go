package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// notesDialog edits what a person says of a run.
type notesDialog struct {
	notes *noteField
	tags  *field
	box   dialog.Dialog
	save  func()
}

// EditNotes opens the notes and tags of the selected run.
func (w *Window) EditNotes() {
	r := w.runs.chosen
	if r == nil {
		return
	}
	d := &notesDialog{notes: newNoteField(), tags: newField(nil)}
	d.notes.SetMinRowsVisible(7)
	d.notes.SetPlaceHolder("What was tried, what was seen, what to try next")
	d.notes.SetText(r.about.Notes)
	d.tags.SetPlaceHolder("such as: paper, lr-sweep")
	d.tags.SetText(strings.Join(r.about.Tags, ", "))
	label := func(text string) fyne.CanvasObject {
		return spaced(4, 6, 4, 2, newText(text, theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{}))
	}
	d.save = func() {
		notes, tags := strings.TrimSpace(d.notes.Text), runs.CleanTags(d.tags.Text)
		w.annotate(r, func(a *runs.About) { a.Notes, a.Tags = notes, tags })
	}
	d.box = dialog.NewCustomConfirm(r.title, "Save", "Cancel", column(0, label("Notes"), d.notes,
		label("Tags, with commas between"), d.tags), func(yes bool) {
		if yes {
			d.save()
		}
	}, w.win)
	d.box.Resize(fyne.NewSize(columnUnits(460), 0))
	w.annotating = d
	d.box.Show()
	w.win.Canvas().Focus(d.notes)
}

// noteField is an entry for several lines that can be left by the keyboard: Fyne's own keeps Tab for itself.
type noteField struct{ widget.Entry }

func newNoteField() *noteField {
	n := &noteField{}
	n.MultiLine, n.Wrapping = true, fyne.TextWrapWord
	n.ExtendBaseWidget(n)
	return n
}

// AcceptsTab implements fyne.Tabbable: Tab goes on to the next field.
func (n *noteField) AcceptsTab() bool { return false }

// TypedKey implements fyne.Focusable. Escape leaves the field, not yet the dialog: what was typed is not lost
// by one key.
func (n *noteField) TypedKey(e *fyne.KeyEvent) {
	if e.Name != fyne.KeyEscape {
		n.Entry.TypedKey(e)
	} else if c := fyne.CurrentApp().Driver().CanvasForObject(n); c != nil {
		c.Unfocus()
	}
}

// CreateRenderer implements fyne.Widget.
func (n *noteField) CreateRenderer() fyne.WidgetRenderer {
	return newBlinking(n.Entry.CreateRenderer())
}
