package chart

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is one pair of axes with its data.
type Panel struct {
	Title string     // shown above the axes; only rows of panels have one
	Plot  *plot.Plot // ranges, scales and data; the panel draws labels and titles
	Empty string     // said in place of the axes when there is nothing to draw
	X, Y  Axis
	FitX  Axis // the x axis without zoom

	xlabel, ylabel string
	xticks, yticks *ticks
	xmarks, ymarks []plot.Tick // chosen when the panel is laid out
	noColumns      bool        // no vertical grid: bars are columns enough
	bar            *colorBar
	lines          []*polyline
	notes          []string
	read           func(x, y float64) Readout
	area           vg.Rectangle // where the data went, known once drawn
}

// Read gives the values at a place in data coordinates.
func (p *Panel) Read(x, y float64) Readout {
	if p.read == nil || p.Empty != "" {
		return Readout{X: math.NaN()}
	}
	return p.read(x, y)
}

// addLine adds a curve to the plot.
func (p *Panel) addLine(l *polyline) {
	p.lines = append(p.lines, l)
	p.Plot.Add(l)
}

// newPanel makes axes. Gonum keeps ranges, scales and plotters; it draws no tick and no label, as
// it puts labels of log axes off centre, detaches axes from the data, and lets the plot shrink and
// grow with the labels at its ends.
func newPanel(st Style, x, y Axis, xlabel, ylabel string) *Panel {
	p := &Panel{Plot: plot.New(), X: x, Y: y, FitX: x, xlabel: xlabel, ylabel: ylabel}
	p.xticks = &ticks{axis: x, counts: true, most: 11}
	p.yticks = &ticks{axis: y, most: 8}
	p.Plot.BackgroundColor = nil // the page is filled once; a vector fill costs 20 ms a frame
	p.Plot.X.Min, p.Plot.X.Max, p.Plot.X.Scale = x.Min, x.Max, x
	p.Plot.Y.Min, p.Plot.Y.Max, p.Plot.Y.Scale = y.Min, y.Max, y
	for _, a := range []*plot.Axis{&p.Plot.X, &p.Plot.Y} {
		a.Tick.Marker = plot.ConstantTicks(nil)
		a.LineStyle.Width, a.Padding = 0, 0
	}
	p.Plot.Add(&scaffold{panel: p, style: st})
	return p
}

const (
	// leastPlot is the room, in units, below which a panel stays blank: axes with labels wider
	// than the plot have no sensible layout.
	leastPlot = 60
	labelGap  = 6 // units between tick labels and plot
	rightRoom = 5 // units right of the plot for half a tick label, besides the page's margin
)

// draw lays a panel out: title, colour bar, axes with as many labels as fit.
func (p *Panel) draw(c draw.Canvas, st Style) {
	p.area = vg.Rectangle{}
	if p.Empty != "" {
		sty := st.text(1.1, st.Muted)
		sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
		c.FillText(sty, c.Center(), elide(p.Empty, sty, c.Max.X-c.Min.X))
		return
	}
	outer := c
	title := bold(st.text(1, st.Ink))
	title.YAlign = draw.YTop
	if p.Title != "" {
		c.Max.Y -= title.Height(p.Title) + 4
	}
	if p.bar != nil {
		c.Max.X -= p.bar.width(c, st)
	}
	label := st.text(1, st.Muted)
	if p.ylabel != "" {
		c.Min.X += label.FontExtents().Height + 8
	}
	if p.xlabel != "" {
		c.Min.Y += label.FontExtents().Height + 3
	}
	if c.Max.X-c.Min.X < leastPlot || c.Max.Y-c.Min.Y < leastPlot {
		return
	}
	p.inner(&c, st.text(0.95, st.Muted))
	p.Plot.Draw(c)
	p.drawLabels(c, outer, st)

	label.XAlign = draw.XCenter
	at := vg.Point{X: c.Center().X, Y: outer.Min.Y + label.FontExtents().Descent}
	c.FillText(label, at, elide(p.xlabel, label, c.Max.X-c.Min.X))
	label.YAlign, label.Rotation = draw.YTop, math.Pi/2
	at = vg.Point{X: outer.Min.X, Y: c.Center().Y}
	c.FillText(label, at, elide(p.ylabel, label, outer.Max.Y-outer.Min.Y))
	if p.Title != "" {
		s := elide(p.Title, title, c.Max.X-c.Min.X)
		c.FillText(title, vg.Point{X: c.Min.X, Y: outer.Max.Y}, s)
	}
	if p.bar != nil {
		p.bar.draw(c, c.Rectangle, st)
	}
}

// inner takes the room of the tick labels off the canvas and chooses the labels. The column of y
// labels is rounded up to whole steps and the other margins are fixed, so that the plot does not
// jump with every digit while data arrive or the view is zoomed.
func (p *Panel) inner(c *draw.Canvas, sty text.Style) {
	line := sty.FontExtents().Height
	c.Max.X -= rightRoom
	c.Max.Y -= line / 3
	c.Min.Y += line + labelGap
	p.yticks.fits = apart(p.Y, c.Max.Y-c.Min.Y, 1.2*line, func(string) vg.Length { return line })
	p.ymarks = p.yticks.Ticks(0, 0)
	var widest vg.Length
	for _, t := range p.ymarks {
		widest = max(widest, sty.Width(t.Label))
	}
	step := sty.Width("0.00")
	c.Min.X += vg.Length(math.Ceil(float64(widest/step)))*step + labelGap

	widths := map[string]vg.Length{} // measuring text is slow, and sets of labels overlap
	p.xticks.fits = apart(p.X, c.Max.X-c.Min.X, sty.Width("00"), func(s string) vg.Length {
		w, known := widths[s]
		if !known {
			w = sty.Width(s)
			widths[s] = w
		}
		return w
	})
	p.xmarks = p.xticks.Ticks(0, 0)
}

// apart returns a test whether labels along an axis of a length keep a gap between them; extent
// measures a label in the direction of the axis.
func apart(a Axis, length, gap vg.Length, extent func(string) vg.Length) func([]plot.Tick) bool {
	return func(set []plot.Tick) bool {
		last := vg.Length(math.Inf(-1))
		for _, t := range set {
			if t.IsMinor() {
				continue
			}
			at, half := vg.Length(a.Norm(t.Value))*length, extent(t.Label)/2
			if at-half < last+gap {
				return false
			}
			last = at + half
		}
		return true
	}
}

// drawLabels writes the tick labels around the data rectangle. Labels at the ends move inwards
// rather than off the page.
func (p *Panel) drawLabels(c, outer draw.Canvas, st Style) {
	sty := st.text(0.95, st.Muted)
	for _, t := range p.ymarks {
		if y := c.Y(p.Y.Norm(t.Value)); c.ContainsY(y) && !t.IsMinor() {
			middle(&c, sty, c.Min.X-labelGap-sty.Width(t.Label), y, t.Label)
		}
	}
	base := c.Min.Y - labelGap - sty.FontExtents().Height/2
	for _, t := range p.xmarks {
		if x := c.X(p.X.Norm(t.Value)); c.ContainsX(x) && !t.IsMinor() {
			w := sty.Width(t.Label)
			left := max(min(x-w/2, outer.Max.X+8-w), outer.Min.X)
			middle(&c, sty, left, base, t.Label)
		}
	}
}

// scaffold is the first plotter of a panel: it notes the data rectangle and draws grid, base line
// and tick marks, moved to whole pixels on raster images so that they stay crisp.
type scaffold struct {
	panel *Panel
	style Style
}

// Plot implements plot.Plotter.
func (s *scaffold) Plot(c draw.Canvas, p *plot.Plot) {
	s.panel.area = c.Rectangle
	k, raster := pixelsPerUnit(c)
	snap := func(v vg.Length) vg.Length {
		if !raster {
			return v
		}
		return (vg.Length(math.Floor(float64(v)*k)) + 0.5) / vg.Length(k)
	}
	width := vg.Length(0.6)
	if raster {
		width = vg.Length(math.Max(1, math.Round(0.6*k)) / k)
	}
	tx, ty := p.Transforms(&c)
	grid := draw.LineStyle{Color: s.style.Grid, Width: width}
	axis := draw.LineStyle{Color: mix(s.style.Ground, s.style.Ink, 0.45), Width: width}
	base := snap(c.Min.Y)
	for _, t := range s.panel.ymarks {
		if y := ty(t.Value); c.ContainsY(y) && !t.IsMinor() {
			c.StrokeLine2(grid, c.Min.X, snap(y), c.Max.X, snap(y))
		}
	}
	for _, t := range s.panel.xmarks {
		x := tx(t.Value)
		if !c.ContainsX(x) {
			continue
		}
		length := vg.Length(2)
		if !t.IsMinor() {
			length = 3.5
		}
		if !t.IsMinor() && !s.panel.noColumns {
			c.StrokeLine2(grid, snap(x), c.Min.Y, snap(x), c.Max.Y)
		}
		c.StrokeLine2(axis, snap(x), base-length, snap(x), base)
	}
	c.StrokeLine2(axis, c.Min.X, base, c.Max.X, base)
}
