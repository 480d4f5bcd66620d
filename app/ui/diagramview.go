package ui

import (
	"cmp"
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
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

// diagramView is the widget that paints a diagram. Pressing a place that can carry a norm asks for the
// norm to come or go, with the pointer or, once it has the focus, with arrows and space.
type diagramView struct {
	widget.BaseWidget
	press   func(diagram.Place)  // nil: nothing can be pressed
	point   func(p *placeInView) // a place is pointed at, nil for none
	paged   func(fyne.KeyName)   // a key for what the diagram is part of
	reached func(lo, hi float32) // arrows came to a place of this height
	spec    *model.Spec
	form    diagram.Options

	locked  bool
	focused bool
	at      diagram.Place // what arrows moved to
	over    diagram.Place // what the pointer is on
}

// placeInView is a place with the rectangle that can be pressed.
type placeInView struct {
	diagram.Place
	lit    bool
	lo, hi fyne.Position // of its shape
}

var (
	_ fyne.Tappable      = (*diagramView)(nil)
	_ fyne.Focusable     = (*diagramView)(nil)
	_ desktop.Hoverable  = (*diagramView)(nil)
	_ desktop.Cursorable = (*diagramView)(nil)
)

func newDiagramView() *diagramView {
	d := &diagramView{}
	d.ExtendBaseWidget(d)
	return d
}

// set shows another model.
func (d *diagramView) set(s *model.Spec, form diagram.Options) {
	d.spec, d.form = s, form
	d.Refresh()
}

// lock says whether places can be pressed.
func (d *diagramView) lock(on bool) {
	d.locked = on
	d.hover(nil)
}

// draw is the picture in some width, larger when text is.
func (d *diagramView) draw(width float32) (shapes []diagram.Shape, height float32) {
	k := columnUnits(1)
	shapes, height = diagram.Draw(d.spec, width/k, d.form)
	if k == 1 {
		return shapes, height
	}
	for i := range shapes {
		s := &shapes[i]
		s.A.X, s.A.Y, s.B.X, s.B.Y = k*s.A.X, k*s.A.Y, k*s.B.X, k*s.B.Y
		s.Width, s.Radius, s.Size = k*s.Width, k*s.Radius, k*s.Size
	}
	return shapes, k * height
}

// places lists what can be pressed, column by column from top to bottom, and the ends last.
func (d *diagramView) places() []placeInView {
	if d.spec == nil || d.press == nil || d.locked {
		return nil
	}
	width := d.Size().Width
	shapes, _ := d.draw(width)
	var list []placeInView
	for i := range shapes {
		s := &shapes[i]
		if s.Place.Kind == diagram.Nowhere {
			continue
		}
		list = append(list, placeInView{s.Place, s.Lit, fyne.NewPos(s.A.X, s.A.Y), fyne.NewPos(s.B.X, s.B.Y)})
	}
	slices.SortStableFunc(list, func(a, b placeInView) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.From, b.From), cmp.Compare(a.Site, b.Site))
	})
	return list
}

// reach is how far, in units, from a place the pointer still means it: dots are small.
const reach = 6

// placeAt finds the place at a position, nil if there is none.
func (d *diagramView) placeAt(p fyne.Position) *placeInView {
	var best *placeInView
	least := float32(reach)
	for _, q := range d.places() {
		right := q.hi.X
		if q.Kind != diagram.AtSite {
			right = q.lo.X + d.Size().Width/2 - reach // the name beside the mark as well
		}
		dx := max(q.lo.X-p.X, p.X-right, 0)
		dy := max(q.lo.Y-p.Y, p.Y-q.hi.Y, 0)
		if far := max(dx, dy); far < least || far == 0 {
			best, least = &q, far
		}
	}
	return best
}

// Tapped implements fyne.Tappable.
func (d *diagramView) Tapped(e *fyne.PointEvent) {
	if p := d.placeAt(e.Position); p != nil {
		d.press(p.Place)
		d.hover(d.placeAt(e.Position))
	}
}

// hover notes what the pointer is on.
func (d *diagramView) hover(p *placeInView) {
	over := diagram.Place{}
	if p != nil {
		over = p.Place
	}
	if d.point != nil && (over != d.over || p != nil) {
		d.point(p)
	}
	if over != d.over {
		d.over = over
		d.Refresh()
	}
}

// MouseIn implements desktop.Hoverable.
func (d *diagramView) MouseIn(e *desktop.MouseEvent) { d.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable.
func (d *diagramView) MouseMoved(e *desktop.MouseEvent) { d.hover(d.placeAt(e.Position)) }

// MouseOut implements desktop.Hoverable.
func (d *diagramView) MouseOut() { d.hover(nil) }

// Cursor implements desktop.Cursorable.
func (d *diagramView) Cursor() desktop.Cursor {
	if d.over.Kind != diagram.Nowhere {
		return desktop.PointerCursor
	}
	return desktop.DefaultCursor
}

// FocusGained implements fyne.Focusable.
func (d *diagramView) FocusGained() {
	d.focused = true
	d.move(0)
}

// FocusLost implements fyne.Focusable.
func (d *diagramView) FocusLost() {
	d.focused = false
	if d.point != nil {
		d.point(nil)
	}
	d.Refresh()
}

// TypedRune implements fyne.Focusable.
func (d *diagramView) TypedRune(rune) {}

// TypedKey implements fyne.Focusable: arrows go from place to place, space or return presses.
func (d *diagramView) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyDown, fyne.KeyRight:
		d.move(1)
	case fyne.KeyUp, fyne.KeyLeft:
		d.move(-1)
	case fyne.KeyPageUp, fyne.KeyPageDown, fyne.KeyHome, fyne.KeyEnd:
		if d.paged != nil {
			d.paged(e.Name)
		}
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		if d.locked || d.press == nil || d.at.Kind == diagram.Nowhere {
			return
		}
		d.press(d.at)
		d.move(0)
	}
}

// move goes some places on; with 0, or when the place is gone, it stays or starts at the first.
func (d *diagramView) move(by int) {
	list := d.places()
	i := slices.IndexFunc(list, func(p placeInView) bool { return p.Place == d.at })
	switch {
	case len(list) == 0:
		d.at = diagram.Place{}
	case i < 0:
		i = slices.IndexFunc(list, func(p placeInView) bool { return p.Kind == diagram.AtSite })
	default:
		i = min(max(i+by, 0), len(list)-1)
	}
	if i >= 0 && i < len(list) {
		d.at = list[i].Place
		if d.reached != nil {
			d.reached(list[i].lo.Y, list[i].hi.Y)
		}
		if d.point != nil {
			d.point(&list[i])
		}
	}
	d.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (d *diagramView) CreateRenderer() fyne.WidgetRenderer { return &diagramRenderer{d: d} }

type diagramRenderer struct {
	d       *diagramView
	objects []fyne.CanvasObject
	least   struct { // the height, asked for many times at each layout, and what it is of
		spec   *model.Spec
		form   diagram.Options
		width  float32
		height float32
	}
}

// diagramWidth is the least width, for two blocks side by side.
const diagramWidth = 230

func (r *diagramRenderer) Destroy()                     {}
func (r *diagramRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *diagramRenderer) Layout(s fyne.Size)           { r.build(s.Width) }

func (r *diagramRenderer) MinSize() fyne.Size {
	if r.d.spec == nil {
		return fyne.NewSize(columnUnits(diagramWidth), 0)
	}
	width := columnUnits(diagramWidth)
	if l := &r.least; l.spec != r.d.spec || l.form != r.d.form || l.width != width {
		l.spec, l.form, l.width = r.d.spec, r.d.form, width
		_, l.height = r.d.draw(width)
	}
	return fyne.NewSize(width, r.least.height)
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
	shapes, _ := r.d.draw(width)
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
	r.mark(th, v)
}

// mark puts a ring round the place that is pointed at or has the focus.
func (r *diagramRenderer) mark(th fyne.Theme, v fyne.ThemeVariant) {
	const gap = 3
	for _, p := range r.d.places() {
		if p.Place != r.d.over && !(r.d.focused && p.Place == r.d.at) {
			continue
		}
		ring := canvas.NewRectangle(color.Transparent)
		ring.StrokeColor, ring.StrokeWidth, ring.CornerRadius = th.Color(theme.ColorNamePrimary, v), 2, 6
		ring.Move(p.lo.SubtractXY(gap, gap))
		ring.Resize(fyne.NewSize(p.hi.X-p.lo.X+2*gap, p.hi.Y-p.lo.Y+2*gap))
		r.objects = append(r.objects, ring)
	}
}
