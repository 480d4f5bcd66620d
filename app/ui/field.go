package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// field is an entry without the strong border that Fyne draws around a disabled one: a locked form
// would else look like fields that want attention.
type field struct{ widget.Entry }

func newField(changed func(string)) *field {
	f := &field{}
	f.OnChanged = changed
	f.ExtendBaseWidget(f)
	return f
}

// CreateRenderer implements fyne.Widget.
func (f *field) CreateRenderer() fyne.WidgetRenderer {
	r := &fieldRenderer{f.Entry.CreateRenderer(), f}
	r.border()
	return r
}

type fieldRenderer struct {
	fyne.WidgetRenderer
	f *field
}

func (r *fieldRenderer) Refresh() {
	r.WidgetRenderer.Refresh()
	r.border()
}

func (r *fieldRenderer) border() {
	if !r.f.Disabled() {
		return
	}
	for _, o := range r.Objects() {
		if b, ok := o.(*canvas.Rectangle); ok && b.StrokeWidth > 0 {
			b.StrokeColor = color.Transparent
			b.Refresh()
		}
	}
}
