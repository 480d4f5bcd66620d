package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

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
