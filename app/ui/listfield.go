package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// listField is a list of the form. Unlike Fyne's it says that it was reached, so that it can be scrolled
// into sight, and takes no keys while it is locked.
type listField struct {
	widget.Select
	reached func() // it got the focus; nil: nobody asks
	seen    bool   // it was in sight once
}

func newListField(options []string, changed func(string)) *listField {
	l := &listField{}
	l.Options, l.OnChanged, l.PlaceHolder = options, changed, "(Select one)"
	l.ExtendBaseWidget(l)
	return l
}

// FocusGained implements fyne.Focusable.
func (l *listField) FocusGained() {
	l.Select.FocusGained()
	if l.reached != nil {
		l.reached()
	}
}

// TypedKey implements fyne.Focusable.
func (l *listField) TypedKey(e *fyne.KeyEvent) {
	if !l.Disabled() {
		l.Select.TypedKey(e)
	}
}

// SetSelected selects an option, unless it is selected: a list measures its text anew whenever it is
// refreshed, and the form has a dozen.
func (l *listField) SetSelected(text string) {
	if text != l.Selected {
		l.Select.SetSelected(text)
	}
}

// SetSelectedIndex does the same by the place of the option.
func (l *listField) SetSelectedIndex(i int) {
	if i >= 0 && i < len(l.Options) {
		l.SetSelected(l.Options[i])
	}
}

// ClearSelected selects nothing.
func (l *listField) ClearSelected() {
	if l.Selected != "" {
		l.Select.ClearSelected()
	}
}

// SetOptions offers other options, if they are other ones.
func (l *listField) SetOptions(options []string) {
	if !slices.Equal(options, l.Options) {
		l.Select.SetOptions(options)
	}
}

// Refresh implements fyne.CanvasObject: see field.Refresh.
func (l *listField) Refresh() {
	if l.seen {
		l.Select.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (l *listField) CreateRenderer() fyne.WidgetRenderer {
	l.seen = true
	return l.Select.CreateRenderer()
}
