package ui

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// field is an entry that looks like a list beside it: a filled box, with a border only while it has the
// focus. Fyne's own border is drawn inside the box, strongest where the entry is disabled, so that a
// locked form would look like fields that want attention.
type field struct{ widget.Entry }

func newField(changed func(string)) *field {
	f := &field{}
	f.OnChanged = changed
	f.ExtendBaseWidget(f)
	return f
}

// value is the text without the blanks around it.
func (f *field) value() string { return strings.TrimSpace(f.Text) }

// CreateRenderer implements fyne.Widget.
func (f *field) CreateRenderer() fyne.WidgetRenderer {
	r := &fieldRenderer{WidgetRenderer: f.Entry.CreateRenderer(), f: f}
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
