package chartview

import (
	"image/color"
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"

	"github.com/evenkeel/evenkeel/app/chart"
)

// layoutOverlay moves the objects above the raster; it never draws a frame.
func (c *Chart) layoutOverlay() {
	th, v := c.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	c.ring.StrokeColor = th.Color(theme.ColorNamePrimary, v)
	c.ring.FillColor = color.Transparent
	setVisible(c.ring, c.focused)
	c.box.layout(c)
	c.cross.layout(c)
	c.anchor.Refresh() // the canvas does not know objects that were hidden when it was last painted
}

// area finds the panel at a position of the widget in the newest frame. k is the number of frame
// pixels a unit.
func (c *Chart) area(p fyne.Position) (a *chart.Area, k float64) {
	f := c.painter.frame.Load()
	if f == nil || c.figure == nil || c.Size().Width <= 0 {
		return nil, 0
	}
	k = float64(f.Image.Rect.Dx()) / float64(c.Size().Width)
	return f.At(float64(p.X)*k, float64(p.Y)*k), k
}

// crosshair is the vertical line with dots on the curves and a box of values.
type crosshair struct {
	at   fyne.Position // of pointer or keyboard
	on   bool
	text string

	overlay *fyne.Container
	line    *canvas.Line
	back    *canvas.Rectangle
	title   *canvas.Text
	rows    []tipRow
}

// tipRow is one value: dot on the curve, then sample, name and value in the box.
type tipRow struct {
	dot         *canvas.Circle
	sample      *canvas.Rectangle
	name, value *canvas.Text
}

func (x *crosshair) init(overlay *fyne.Container) {
	x.overlay = overlay
	x.line = canvas.NewLine(color.Transparent)
	x.line.StrokeWidth = 1
	x.back = canvas.NewRectangle(color.Transparent)
	x.back.CornerRadius, x.back.StrokeWidth = 4, 1
	x.title = canvas.NewText("", color.Transparent)
	x.title.TextStyle.Bold = true
	overlay.Add(x.line)
	overlay.Add(x.back)
	overlay.Add(x.title)
	x.hide(0)
}

// hide hides the rows from the n-th on, and with n 0 everything.
func (x *crosshair) hide(n int) {
	if n == 0 {
		x.text = ""
		x.line.Hide()
		x.back.Hide()
		x.title.Hide()
	}
	for _, r := range x.rows[min(n, len(x.rows)):] {
		r.dot.Hide()
		r.sample.Hide()
		r.name.Hide()
		r.value.Hide()
	}
}

// grow makes sure that there are n rows. Dots lie below the box.
func (x *crosshair) grow(n int) {
	for len(x.rows) < n {
		r := tipRow{canvas.NewCircle(nil), canvas.NewRectangle(nil), canvas.NewText("", nil),
			canvas.NewText("", nil)}
		r.dot.StrokeWidth = 1.5
		r.sample.CornerRadius = 2
		x.rows = append(x.rows, r)
		back := 0
		for i, o := range x.overlay.Objects {
			if o == x.back {
				back = i
			}
		}
		objects := append([]fyne.CanvasObject{}, x.overlay.Objects[:back]...)
		objects = append(objects, r.dot)
		objects = append(objects, x.overlay.Objects[back:]...)
		x.overlay.Objects = append(objects, r.sample, r.name, r.value)
	}
}

func (x *crosshair) layout(c *Chart) {
	a, k := c.area(x.at)
	if !x.on || a == nil || c.box.on {
		x.hide(0)
		return
	}
	read := a.Read(a.Data(float64(x.at.X)*k, float64(x.at.Y)*k))
	if math.IsNaN(read.X) {
		x.hide(0)
		return
	}
	th, v := c.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	px, _ := a.Pixel(read.X, read.X)
	lineX := float32(min(max(px, float64(a.Rect.Min.X)), float64(a.Rect.Max.X)) / k)
	x.line.StrokeColor = th.Color(theme.ColorNamePlaceHolder, v)
	x.line.Position1 = fyne.NewPos(lineX, float32(float64(a.Rect.Min.Y)/k))
	x.line.Position2 = fyne.NewPos(lineX, float32(float64(a.Rect.Max.Y)/k))
	x.line.Show()
	x.line.Refresh()

	rows := read.Rows
	lineHeight := fyne.MeasureText("0", th.Size(theme.SizeNameCaptionText), fyne.TextStyle{}).Height
	fits := int((c.Size().Height-12)/lineHeight) - 1
	if len(rows) > max(fits, 1) {
		rows = rows[:max(fits, 1)]
	}
	x.grow(len(rows))
	x.hide(max(len(rows), 1))
	for i, r := range rows {
		x.dot(i, r, a, k, th.Color(theme.ColorNameBackground, v))
	}
	x.tip(c, read.Title, rows, lineX)
	x.text = asText(read)
}

// dot marks the point a value belongs to.
func (x *crosshair) dot(i int, r chart.ReadRow, a *chart.Area, k float64, ground color.Color) {
	const size = 8
	d := x.rows[i].dot
	px, py := a.Pixel(r.X, r.Y)
	if math.IsNaN(px) || math.IsNaN(py) || px < float64(a.Rect.Min.X)-1 ||
		px > float64(a.Rect.Max.X)+1 || py < float64(a.Rect.Min.Y) || py > float64(a.Rect.Max.Y) {
		d.Hide()
		return
	}
	d.FillColor, d.StrokeColor = r.Color, ground
	d.Resize(fyne.NewSquareSize(size))
	d.Move(fyne.NewPos(float32(px/k)-size/2, float32(py/k)-size/2))
	d.Show()
	d.Refresh()
}

// tip lays the box of values out beside the line, on the side with more room.
func (x *crosshair) tip(c *Chart, title string, rows []chart.ReadRow, lineX float32) {
	const pad, sample, gap = 7, 9, 12
	th, v := c.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	size := th.Size(theme.SizeNameCaptionText)
	ink := th.Color(theme.ColorNameForeground, v)
	set := func(t *canvas.Text, s string) fyne.Size {
		t.Text, t.TextSize, t.Color = s, size, ink
		return t.MinSize()
	}
	head := set(x.title, title)
	var names, values float32
	for i, r := range rows {
		names = max(names, set(x.rows[i].name, r.Name).Width)
		values = max(values, set(x.rows[i].value, r.Value).Width)
	}
	w := max(head.Width, sample+5+names+gap+values) + 2*pad
	h := head.Height*float32(len(rows)+1) + 2*pad - 4
	p := fyne.NewPos(lineX+12, x.at.Y+12)
	if p.X+w > c.Size().Width {
		p.X = max(lineX-12-w, 0)
	}
	p.Y = max(min(p.Y, c.Size().Height-h), 0)

	x.back.FillColor = th.Color(theme.ColorNameOverlayBackground, v)
	x.back.StrokeColor = th.Color(theme.ColorNameInputBorder, v)
	place(x.back, p, fyne.NewSize(w, h))
	y := p.Y + pad - 2
	place(x.title, fyne.NewPos(p.X+pad, y), head)
	for i, r := range rows {
		y += head.Height
		row := x.rows[i]
		row.sample.FillColor = r.Color
		place(row.sample, fyne.NewPos(p.X+pad, y+(head.Height-sample)/2), fyne.NewSquareSize(sample))
		place(row.name, fyne.NewPos(p.X+pad+sample+5, y), row.name.MinSize())
		vw := row.value.MinSize()
		place(row.value, fyne.NewPos(p.X+w-pad-vw.Width, y), vw)
	}
}

func asText(r chart.Readout) string {
	lines := []string{r.Title}
	for _, row := range r.Rows {
		lines = append(lines, row.Name+"\t"+row.Value)
	}
	return strings.Join(lines, "\n")
}

func place(o fyne.CanvasObject, p fyne.Position, s fyne.Size) {
	o.Move(p)
	o.Resize(s)
	o.Show()
	o.Refresh()
}

func setVisible(o fyne.CanvasObject, on bool) {
	if on {
		o.Show()
	} else {
		o.Hide()
	}
	o.Refresh()
}
