package chartview

import (
	"image"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
)

// Chart shows a figure. Its methods and fields are for the UI goroutine.
type Chart struct {
	widget.BaseWidget

	OnSecondaryTap func(*fyne.PointEvent) // right click, for the caller's menu
	OnLegendTap    func(name string)      // a row of the legend was clicked
	OnViewChanged  func()                 // zoomed, panned, fitted, Follow switched
	OnTypedKey     func(*fyne.KeyEvent)   // keys the chart has no use for

	Aside fyne.CanvasObject // stands over the upper right corner; the title keeps clear of it

	dispatch func(func())
	figure   chart.Figure
	view     chart.View
	painter  painter
	pixels   image.Point // size the canvas last asked for
	scale    float64     // pixels a Fyne unit
	shown    bool        // the canvas took the newest frame
	stale    bool        // a frame was wanted while the newest was not shown yet
	group    *Group      // whose frames are presented together, or nil
	asked    uint64      // number of the frame asked for last
	answered uint64      // number of the newest frame that is drawn
	ready    bool        // that frame waits for those of the group
	offered  bool        // the canvas was asked to take it
	painting time.Duration

	raster  *canvas.Raster
	overlay *fyne.Container
	cross   crosshair
	box     zoomBox
	focused bool
	ring    *canvas.Rectangle
	anchor  *canvas.Rectangle // always visible, never seen: asks for a repaint
}

var (
	_ fyne.Widget            = (*Chart)(nil)
	_ desktop.Hoverable      = (*Chart)(nil)
	_ desktop.Cursorable     = (*Chart)(nil)
	_ fyne.Draggable         = (*Chart)(nil)
	_ fyne.Scrollable        = (*Chart)(nil)
	_ fyne.Tappable          = (*Chart)(nil)
	_ fyne.DoubleTappable    = (*Chart)(nil)
	_ fyne.SecondaryTappable = (*Chart)(nil)
	_ fyne.Focusable         = (*Chart)(nil)
)

// New makes a chart without a figure. dispatch runs a function on the UI goroutine: fyne.Do in
// the app. It is called from the drawing goroutine and must not wait for the function to end.
func New(dispatch func(func())) *Chart {
	c := &Chart{dispatch: dispatch, shown: true}
	c.painter.done = func(n uint64) { dispatch(func() { c.present(n) }) }
	c.raster = canvas.NewRaster(c.generate)
	c.raster.ScaleMode = canvas.ImageScaleFastest // pixels are ours one by one; nothing to smooth
	c.ring = canvas.NewRectangle(nil)
	c.ring.StrokeWidth, c.ring.CornerRadius = ringWidth, 3
	c.ring.Hide()
	c.anchor = canvas.NewRectangle(nil)
	c.overlay = container.NewWithoutLayout(c.anchor, c.box.init(), c.ring)
	c.cross.init(c.overlay)
	c.ExtendBaseWidget(c)
	return c
}

// SetFigure shows a figure, which is not changed afterwards. The zoom stays; nil shows nothing.
func (c *Chart) SetFigure(f chart.Figure) {
	c.figure = f
	c.Refresh()
}

// Figure returns the figure that is shown, or nil.
func (c *Chart) Figure() chart.Figure { return c.figure }

// View returns the zoom.
func (c *Chart) View() chart.View { return c.view }

// Fit forgets the zoom and stops following.
func (c *Chart) Fit() { c.setView(chart.View{}) }

// SetFollow lets a zoomed x range slide along with the newest data, or stops that.
func (c *Chart) SetFollow(on bool) {
	v := c.view
	v.Follow = on
	c.setView(v)
}

// Following reports whether the x range slides along with the data.
func (c *Chart) Following() bool { return c.view.Follow }

// Frames returns how many frames were drawn since the chart was made.
func (c *Chart) Frames() int { return int(c.painter.frames.Load()) }

// DrawTime returns how long the last frame took on the drawing goroutine, so that a poller can
// slow down when drawing takes too large a share of its interval.
func (c *Chart) DrawTime() time.Duration { return time.Duration(c.painter.nanos.Load()) }

// PaintTime returns how long the window took, lately, to paint itself after it had taken a frame: with
// software OpenGL that takes the processor for longer than drawing the frame did.
func (c *Chart) PaintTime() time.Duration { return c.painting }

// Readout returns what the crosshair reads as lines of text, empty without a crosshair.
func (c *Chart) Readout() string { return c.cross.text }

func (c *Chart) setView(v chart.View) {
	if v == c.view {
		return
	}
	c.view = v
	c.Refresh()
	if c.OnViewChanged != nil {
		c.OnViewChanged()
	}
}

// draw asks for a frame and reports whether it did. While the newest frame was not yet taken by the
// canvas, as in a hidden tab or a window on another desktop, it only notes that another is wanted.
func (c *Chart) draw() bool {
	if c.pixels.X < 8 || c.pixels.Y < 8 || c.figure == nil {
		return false
	}
	if !c.shown {
		c.stale = true
		c.raster.Refresh() // the canvas forgets objects it has not painted for long: offer it again
		return false
	}
	c.stale, c.shown = false, false
	c.asked++
	c.painter.ask(job{c.asked, c.figure, c.style(), c.view, c.pixels.X, c.pixels.Y, c.scale})
	return true
}

// drawing reports whether a frame is on its way.
func (c *Chart) drawing() bool { return c.answered != c.asked }

// present runs on the UI goroutine when the n-th frame is ready.
func (c *Chart) present(n uint64) {
	c.answered, c.ready = n, true
	if c.group != nil {
		c.group.present()
	} else {
		c.offer()
	}
}

// offer lets the canvas take the newest frame.
func (c *Chart) offer() {
	c.ready, c.offered = false, true
	c.raster.Refresh()
	c.layoutOverlay()
}

// generate is called while the canvas is painted; it only hands over the newest frame. A frame of
// another size is stretched until the right one is ready.
func (c *Chart) generate(w, h int) image.Image {
	resized := c.pixels != image.Pt(w, h)
	c.pixels = image.Pt(w, h)
	if s := c.Size(); s.Width > 0 {
		c.scale = float64(w) / float64(s.Width)
	}
	c.shown = true
	c.timePainting()
	if resized || c.stale {
		c.draw()
	}
	if f := c.painter.frame.Load(); f != nil && c.figure != nil {
		return f.Image
	}
	ground := image.NewRGBA(image.Rect(0, 0, 1, 1))
	ground.Set(0, 0, c.style().Ground)
	return ground
}

// timePainting measures the painting of the window that is under way, to its end: only then is the UI
// goroutine free for what is dispatched here.
func (c *Chart) timePainting() {
	if !c.offered {
		return
	}
	c.offered = false
	start := time.Now()
	c.dispatch(func() { c.painting = (c.painting + time.Since(start)) / 2 })
}

// style reads the theme of this moment.
func (c *Chart) style() chart.Style {
	th, v := c.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	st := chart.StyleOn(th.Color(theme.ColorNameBackground, v),
		th.Color(theme.ColorNameForeground, v), float64(th.Size(theme.SizeNameCaptionText)))
	st.Screen = true
	if c.Aside != nil {
		st.Aside = float64(c.Aside.MinSize().Width)
	}
	return st
}

// ringWidth is the stroke of the frame round a chart that has the focus, in units.
const ringWidth = 1.5

// CreateRenderer implements fyne.Widget.
func (c *Chart) CreateRenderer() fyne.WidgetRenderer {
	return &renderer{c, []fyne.CanvasObject{c.raster, c.overlay}}
}

type renderer struct {
	c       *Chart
	objects []fyne.CanvasObject
}

func (r *renderer) Destroy()                     {}
func (r *renderer) MinSize() fyne.Size           { return fyne.NewSize(240, 160) }
func (r *renderer) Objects() []fyne.CanvasObject { return r.objects }

func (r *renderer) Layout(s fyne.Size) {
	r.c.raster.Resize(s)
	r.c.overlay.Resize(s)
	const inset = 2 * ringWidth // what is outside of the chart, or nearly, is cut off
	r.c.ring.Move(fyne.NewPos(inset, inset))
	r.c.ring.Resize(s.SubtractWidthHeight(2*inset, 2*inset))
}

// Refresh leaves the overlay to the frame it asks for: the window is painted once, with both.
func (r *renderer) Refresh() {
	if !r.c.draw() {
		r.c.layoutOverlay()
	}
}
