package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
)

// inks are the theme's colours for a diagram.
var inks = map[diagram.Ink]fyne.ThemeColorName{
	diagram.Ground: theme.ColorNameBackground, diagram.Ink1: theme.ColorNameForeground,
	diagram.Faint: theme.ColorNamePlaceHolder, diagram.Frame: theme.ColorNameSeparator, diagram.Norm: colorNorm,
	diagram.Op: colorOp, diagram.Wire: colorWire, diagram.Residual: colorResidual, diagram.Dual: colorDual,
	diagram.Gate: colorGate, diagram.OnTone: colorOnTone,
}

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
	_, h := diagram.Draw(r.d.spec, diagramWidth)
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
	col := func(n diagram.Ink) color.Color { return th.Color(inks[n], v) }
	pos := func(p diagram.Point) fyne.Position { return fyne.NewPos(p.X, p.Y) }
	shapes, _ := diagram.Draw(r.d.spec, width)
	for i := range shapes {
		s := &shapes[i]
		var o fyne.CanvasObject
		switch s.Kind {
		case diagram.Box:
			b := canvas.NewRectangle(col(s.Fill))
			b.StrokeColor, b.StrokeWidth, b.CornerRadius = col(s.Stroke), 1, s.Radius
			o = b
		case diagram.Dot:
			c := canvas.NewCircle(col(s.Fill))
			c.StrokeColor, c.StrokeWidth = col(s.Stroke), 1.25
			o = c
		case diagram.Line:
			l := canvas.NewLine(col(s.Fill))
			l.StrokeWidth, l.Position1, l.Position2 = s.Width, pos(s.A), pos(s.B)
			r.objects = append(r.objects, l)
			continue
		case diagram.Text:
			t := canvas.NewText(s.Text, col(s.Fill))
			t.TextSize, t.TextStyle.Bold = s.Size, s.Bold
			size := t.MinSize()
			t.Resize(size)
			at := pos(s.A).SubtractXY(size.Width/2, size.Height/2)
			if s.Leading {
				at.X = s.A.X
			}
			t.Move(at)
			r.objects = append(r.objects, t)
			continue
		}
		o.Move(pos(s.A))
		o.Resize(fyne.NewSize(s.B.X-s.A.X, s.B.Y-s.A.Y))
		r.objects = append(r.objects, o)
	}
}
