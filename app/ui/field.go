package ui

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// field is an entry that looks like a list beside it: a filled box, with a border only while it has the
// focus. Fyne's own border is drawn inside the box, strongest where the entry is disabled, so that a
// locked form would look like fields that want attention.
type field struct {
	widget.Entry
	reached  func()                   // it got the focus; nil: nobody asks
	focused  func(on bool)            // it got or lost the focus; nil: nobody asks
	shortcut func(fyne.Shortcut) bool // takes a key of the menu before the entry, and tells whether it did; nil: none

	locked    func() // it was pressed while it is locked; nil: nothing happens
	seen      bool   // it was in sight once
	at        bool   // it has the focus
	pressed   bool   // a button of the mouse is going down on it
	returning bool   // it had the focus when the window went behind others, and has it again
}

func newField(changed func(string)) *field {
	f := &field{}
	f.OnChanged = changed
	f.ExtendBaseWidget(f)
	return f
}

// FocusGained implements fyne.Focusable. When Tab or a dialog brought the focus the text is selected, so
// that typing replaces it.
func (f *field) FocusGained() {
	f.Entry.FocusGained()
	if !f.pressed && !f.returning && !f.at {
		f.Entry.TypedShortcut(&fyne.ShortcutSelectAll{})
	}
	f.at, f.returning = true, false
	if f.reached != nil {
		f.reached()
	}
	if f.focused != nil {
		f.focused(true)
	}
}

// MouseDown implements desktop.Mouseable: a press places the cursor.
func (f *field) MouseDown(e *desktop.MouseEvent) {
	f.pressed = true
	f.Entry.MouseDown(e)
	f.pressed = false
}

// Tapped implements fyne.Tappable.
func (f *field) Tapped(e *fyne.PointEvent) {
	f.Entry.Tapped(e)
	if f.Disabled() && f.locked != nil {
		f.locked()
	}
}

// TypedKey implements fyne.Focusable: escape leaves the dialog the field is in, else the field.
func (f *field) TypedKey(e *fyne.KeyEvent) {
	if e.Name != fyne.KeyEscape {
		f.Entry.TypedKey(e)
		return
	}
	if c := fyne.CurrentApp().Driver().CanvasForObject(f); c != nil && !leaveOverlay(c) {
		c.Unfocus()
	}
}

// SetText writes a text, unless it is there already.
func (f *field) SetText(text string) {
	if text != f.Text {
		f.Entry.SetText(text)
	}
}

// value is the text without the blanks around it.
func (f *field) value() string { return strings.TrimSpace(f.Text) }

// FocusLost implements fyne.Focusable.
func (f *field) FocusLost() {
	f.Entry.FocusLost()
	f.at = false
	if f.focused != nil {
		f.focused(false)
	}
}

// TypedShortcut implements fyne.Shortcutable.
func (f *field) TypedShortcut(s fyne.Shortcut) {
	if f.shortcut == nil || !f.shortcut(s) {
		f.Entry.TypedShortcut(s)
	}
}

// Refresh implements fyne.CanvasObject. A field that was never in sight has nothing to show anew, and those
// of a closed form are many.
func (f *field) Refresh() {
	if f.seen {
		f.Entry.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (f *field) CreateRenderer() fyne.WidgetRenderer {
	f.seen = true
	r := &fieldRenderer{WidgetRenderer: newBlinking(f.Entry.CreateRenderer()), f: f}
	for _, o := range r.Objects() { // ground first, then border
		if b, ok := o.(*canvas.Rectangle); ok && b.StrokeWidth > 0 {
			r.border = b
		} else if ok && r.ground == nil {
			r.ground = b
		}
	}
	r.paint()
	return r
}

type fieldRenderer struct {
	fyne.WidgetRenderer
	f              *field
	ground, border *canvas.Rectangle
}

func (r *fieldRenderer) Layout(size fyne.Size) {
	r.WidgetRenderer.Layout(size)
	if r.ground != nil { // not inset, so that it is as wide as a list
		r.ground.Move(fyne.NewPos(0, 0))
		r.ground.Resize(size)
	}
}

func (r *fieldRenderer) Refresh() {
	r.WidgetRenderer.Refresh()
	r.paint()
}

func (r *fieldRenderer) paint() {
	if r.border == nil || r.ground == nil {
		return
	}
	th, v := r.f.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	if r.f.Disabled() {
		r.ground.FillColor = th.Color(theme.ColorNameDisabledButton, v) // as a locked list
		r.ground.Refresh()
	}
	if r.f.Disabled() || r.border.StrokeColor == th.Color(theme.ColorNameInputBorder, v) {
		r.border.StrokeColor = color.Transparent
		r.border.Refresh()
	}
}
