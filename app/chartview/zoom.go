package chartview

import (
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"

	"github.com/evenkeel/evenkeel/app/chart"
)

// zoomAt scales the x range by k around a place; 0.9 shows a tenth less.
func (c *Chart) zoomAt(p fyne.Position, k float64) {
	a, px := c.area(p)
	if a == nil {
		return
	}
	t := (float64(p.X)*px - float64(a.Rect.Min.X)) / float64(a.Rect.Dx())
	v := c.view
	v.X0, v.X1 = limit(a, t-t*k, t+(1-t)*k)
	c.setView(v)
}

// pan shifts a zoomed x range by a part of its width and stops following.
func (c *Chart) pan(p fyne.Position, part float64) {
	a, _ := c.area(p)
	if a == nil || c.view.X1 <= c.view.X0 {
		return
	}
	v := c.view
	v.Follow = false
	v.X0, v.X1 = limit(a, part, 1+part)
	c.setView(v)
}

// FollowTail slides along with the newest data: a zoomed x range keeps its width, otherwise the last part of
// the range that all data span is shown.
func (c *Chart) FollowTail(part float64) {
	v := c.view
	v.Follow = true
	if f := c.painter.frame.Load(); v.X1 <= v.X0 && f != nil && len(f.Areas) > 0 {
		fit := f.Areas[0].FitX
		v.X0, v.X1 = fit.Value(1-part), fit.Value(1)
	}
	c.setView(v)
}

// limit turns a range along the axis of a, 0 to 1 being what is shown, into data: within the
// range that all data span, not narrower than a millionth of it, and none when it is all of it.
func limit(a *chart.Area, t0, t1 float64) (x0, x1 float64) {
	f := a.FitX // work along the fitted axis, where its ends are 0 and 1
	x0, x1 = f.Norm(a.X.Value(t0)), f.Norm(a.X.Value(t1))
	if x1-x0 < 1e-6 {
		mid := (x0 + x1) / 2
		x0, x1 = mid-5e-7, mid+5e-7
	}
	if x1-x0 >= 1-1e-9 {
		return 0, 0
	}
	if x0 < 0 {
		x0, x1 = 0, x1-x0
	}
	if x1 > 1 {
		x0, x1 = x0-(x1-1), 1
	}
	return f.Value(x0), f.Value(x1)
}

// zoomBox is the rectangle pulled open by dragging.
type zoomBox struct {
	on         bool
	start, end fyne.Position
	rect       *canvas.Rectangle
}

// leastDrag is how far, in units, a drag must go in a direction to choose a range in it.
const leastDrag = 8

func (b *zoomBox) init() fyne.CanvasObject {
	b.rect = canvas.NewRectangle(color.Transparent)
	b.rect.StrokeWidth = 1
	b.rect.Hide()
	return b.rect
}

// span gives the box in units, cut to the panel where the drag began. A drag along one axis
// spans the whole of the other.
func (b *zoomBox) span(a *chart.Area, k float64) (lo, hi fyne.Position, wide, tall bool) {
	left, right := float32(float64(a.Rect.Min.X)/k), float32(float64(a.Rect.Max.X)/k)
	top, bottom := float32(float64(a.Rect.Min.Y)/k), float32(float64(a.Rect.Max.Y)/k)
	cut := func(p fyne.Position) fyne.Position {
		return fyne.NewPos(min(max(p.X, left), right), min(max(p.Y, top), bottom))
	}
	s, e := cut(b.start), cut(b.end)
	lo = fyne.NewPos(min(s.X, e.X), min(s.Y, e.Y))
	hi = fyne.NewPos(max(s.X, e.X), max(s.Y, e.Y))
	wide, tall = hi.X-lo.X >= leastDrag, hi.Y-lo.Y >= leastDrag
	if !wide {
		lo.X, hi.X = left, right
	}
	if !tall {
		lo.Y, hi.Y = top, bottom
	}
	return lo, hi, wide, tall
}

func (b *zoomBox) layout(c *Chart) {
	a, k := c.area(b.start)
	if !b.on || a == nil {
		b.rect.Hide()
		return
	}
	lo, hi, wide, tall := b.span(a, k)
	if !wide && !tall {
		b.rect.Hide()
		return
	}
	th, v := c.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	b.rect.FillColor = th.Color(theme.ColorNameSelection, v)
	b.rect.StrokeColor = th.Color(theme.ColorNamePrimary, v)
	place(b.rect, lo, fyne.NewSize(hi.X-lo.X, hi.Y-lo.Y))
}

// apply zooms to the box.
func (b *zoomBox) apply(c *Chart) {
	a, k := c.area(b.start)
	if a == nil {
		return
	}
	lo, hi, wide, tall := b.span(a, k)
	v := c.view
	x0, y1 := a.Data(float64(lo.X)*k, float64(lo.Y)*k)
	x1, y0 := a.Data(float64(hi.X)*k, float64(hi.Y)*k)
	if wide && x1 > x0 {
		v.X0, v.X1, v.Follow = x0, x1, false
	}
	if tall && y1 > y0 && !math.IsInf(y1, 0) {
		v.Y0, v.Y1 = y0, y1
	}
	c.setView(v)
}
