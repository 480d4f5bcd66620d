package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/model"
)

// diagramView is the widget that paints a diagram.
type diagramView struct {
	widget.BaseWidget
	spec *model.Spec
}

func newDiagramView() *diagramView {
	d := &diagramView{}
	d.ExtendBaseWidget(d)
	return d
}

// set shows another model.
func (d *diagramView) set(s *model.Spec) {
	d.spec = s
	d.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (d *diagramView) CreateRenderer() fyne.WidgetRenderer { return &diagramRenderer{d: d} }

type diagramRenderer struct {
	d       *diagramView
	objects []fyne.CanvasObject
}

// diagramWidth is the least width, for two blocks side by side.
const diagramWidth = 230

func (r *diagramRenderer) Destroy()                     {}
func (r *diagramRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *diagramRenderer) Layout(s fyne.Size)           { r.build(s.Width) }

func (r *diagramRenderer) MinSize() fyne.Size {
	if r.d.spec == nil {
		return fyne.NewSize(diagramWidth, 0)
	}
	_, h := diagram(r.d.spec, diagramWidth)
	return fyne.NewSize(diagramWidth, h)
}

func (r *diagramRenderer) Refresh() {
	r.build(r.d.Size().Width)
	canvas.Refresh(r.d)
}

// build makes the canvas objects with the colours of this moment.
func (r *diagramRenderer) build(width float32) {
	r.objects = nil
	if r.d.spec == nil || width <= 0 {
		return
	}
	th, v := r.d.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	col := func(n fyne.ThemeColorName) color.Color { return th.Color(n, v) }
	shapes, _ := diagram(r.d.spec, width)
	for i := range shapes {
		s := &shapes[i]
		var o fyne.CanvasObject
		switch s.kind {
		case shapeBox:
			b := canvas.NewRectangle(col(s.fill))
			b.StrokeColor, b.StrokeWidth, b.CornerRadius = col(s.stroke), 1, s.radius
			o = b
		case shapeDot:
			c := canvas.NewCircle(col(s.fill))
			c.StrokeColor, c.StrokeWidth = col(s.stroke), 1.25
			o = c
		case shapeLine:
			l := canvas.NewLine(col(s.fill))
			l.StrokeWidth, l.Position1, l.Position2 = s.width, s.a, s.b
			r.objects = append(r.objects, l)
			continue
		case shapeText:
			t := canvas.NewText(s.text, col(s.fill))
			t.TextSize, t.TextStyle.Bold = s.size, s.bold
			size := t.MinSize()
			t.Resize(size)
			at := s.a.SubtractXY(size.Width/2, size.Height/2)
			if s.leading {
				at.X = s.a.X
			}
			t.Move(at)
			r.objects = append(r.objects, t)
			continue
		}
		o.Move(s.a)
		o.Resize(fyne.NewSize(s.b.X-s.a.X, s.b.Y-s.a.Y))
		r.objects = append(r.objects, o)
	}
}
