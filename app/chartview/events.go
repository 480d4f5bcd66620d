package chartview

import (
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// Cursor implements desktop.Cursorable.
func (c *Chart) Cursor() desktop.Cursor { return desktop.CrosshairCursor }

// MouseIn implements desktop.Hoverable.
func (c *Chart) MouseIn(e *desktop.MouseEvent) { c.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable: the crosshair follows, nothing is drawn anew.
func (c *Chart) MouseMoved(e *desktop.MouseEvent) {
	c.cross.on, c.cross.at = true, e.Position
	c.layoutOverlay()
}

// MouseOut implements desktop.Hoverable.
func (c *Chart) MouseOut() {
	c.cross.on = false
	c.layoutOverlay()
}

// Scrolled implements fyne.Scrollable: up zooms in at the pointer, sideways pans.
func (c *Chart) Scrolled(e *fyne.ScrollEvent) {
	if dx := float64(e.Scrolled.DX); math.Abs(dx) > math.Abs(float64(e.Scrolled.DY)) {
		c.pan(e.Position, -dx/math.Max(float64(c.Size().Width), 1))
		return
	}
	c.zoomAt(e.Position, math.Pow(1.01, -float64(e.Scrolled.DY)))
}

// Dragged implements fyne.Draggable.
func (c *Chart) Dragged(e *fyne.DragEvent) {
	if !c.box.on {
		start := e.Position.Subtract(e.Dragged)
		if a, _ := c.area(start); a == nil {
			return
		}
		c.box.on, c.box.start = true, start
	}
	c.box.end = e.Position
	c.cross.at = e.Position
	c.layoutOverlay()
}

// DragEnd implements fyne.Draggable: zooms to the box.
func (c *Chart) DragEnd() {
	if !c.box.on {
		return
	}
	c.box.on = false
	c.box.apply(c)
	c.layoutOverlay()
}

// Tapped implements fyne.Tappable: takes the focus, or tells which legend row was hit.
func (c *Chart) Tapped(e *fyne.PointEvent) {
	if cv := fyne.CurrentApp().Driver().CanvasForObject(c); cv != nil {
		cv.Focus(c)
	}
	f := c.painter.frame.Load()
	if f == nil || c.OnLegendTap == nil || c.Size().Width <= 0 {
		return
	}
	k := float64(f.Image.Rect.Dx()) / float64(c.Size().Width)
	x, y := int(float64(e.Position.X)*k), int(float64(e.Position.Y)*k)
	for _, b := range f.Legend {
		if x >= b.Rect.Min.X && x < b.Rect.Max.X && y >= b.Rect.Min.Y && y < b.Rect.Max.Y {
			c.OnLegendTap(b.Name)
			return
		}
	}
}

// DoubleTapped implements fyne.DoubleTappable: shows all data again.
func (c *Chart) DoubleTapped(*fyne.PointEvent) { c.Fit() }

// TappedSecondary implements fyne.SecondaryTappable.
func (c *Chart) TappedSecondary(e *fyne.PointEvent) {
	if c.OnSecondaryTap != nil {
		c.OnSecondaryTap(e)
	}
}

// FocusGained implements fyne.Focusable.
func (c *Chart) FocusGained() {
	c.focused = true
	c.layoutOverlay()
}

// FocusLost implements fyne.Focusable.
func (c *Chart) FocusLost() {
	c.focused, c.box.on = false, false
	c.layoutOverlay()
}

// TypedRune implements fyne.Focusable: plus and minus zoom around the crosshair, zero fits.
func (c *Chart) TypedRune(r rune) {
	switch r {
	case '+', '=':
		c.enter()
		c.zoomAt(c.cross.at, 0.7)
	case '-':
		c.enter()
		c.zoomAt(c.cross.at, 1/0.7)
	case '0':
		c.Fit()
	}
}

// TypedKey implements fyne.Focusable: arrows move the crosshair from value to value.
func (c *Chart) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyLeft:
		c.step(-1)
	case fyne.KeyRight:
		c.step(1)
	case fyne.KeyEscape:
		c.box.on, c.cross.on = false, false
		c.layoutOverlay()
	default:
		if c.OnTypedKey != nil {
			c.OnTypedKey(e)
		}
	}
}

// enter puts the crosshair into the middle of the first panel unless it is in one already.
func (c *Chart) enter() {
	if a, _ := c.area(c.cross.at); a != nil {
		return
	}
	f := c.painter.frame.Load()
	if f == nil || len(f.Areas) == 0 || c.Size().Width <= 0 {
		return
	}
	k := float32(f.Image.Rect.Dx()) / c.Size().Width
	r := f.Areas[0].Rect
	c.cross.at = fyne.NewPos(float32(r.Min.X+r.Max.X)/2/k, float32(r.Min.Y+r.Max.Y)/2/k)
}

// step moves the crosshair to the next value in a direction: pixel by pixel until it reads
// another x.
func (c *Chart) step(dir float64) {
	c.enter()
	a, k := c.area(c.cross.at)
	if a == nil {
		return
	}
	px, py := float64(c.cross.at.X)*k, float64(c.cross.at.Y)*k
	was := a.Read(a.Data(px, py)).X
	if c.cross.on {
		if at, _ := a.Pixel(was, was); !math.IsNaN(at) {
			px = at
		}
		for q := px + dir; q >= float64(a.Rect.Min.X) && q <= float64(a.Rect.Max.X); q += dir {
			if a.Read(a.Data(q, py)).X != was {
				px = q
				break
			}
		}
	}
	c.cross.on = true
	c.cross.at.X = float32(px / k)
	c.layoutOverlay()
}
