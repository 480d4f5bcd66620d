package chart

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Line is one curve of a figure.
type Line struct {
	Name   string
	Slot   int // the run's number: colour and dash; curves of one run share it
	Series *Series
	Seeds  []*Series // in the place of Series: the line is their mean, below it a band from least to largest
	Exact  bool      // never smoothed: validation loss
	Marks  bool      // dots on the points while there is room
	Kind   string    // of a run's further curves, such as validation: one entry of the legend stands for those of all runs
	Hidden bool
}

// Reference is a horizontal line with a label, such as the loss floor of a generated language.
type Reference struct {
	Y     float64
	Label string
}

// Lines is a figure of curves over steps, or over any other rising x.
type Lines struct {
	Head
	XLabel, YLabel string
	XMax           float64 // planned number of steps, 0 if unknown: the fitted axis spans 0 to XMax
	LogX, LogY     bool
	Smooth         float64 // weight of the moving average, 0 for none
	ShowRaw        bool    // with Smooth: also the raw points, faint
	Lines          []Line
	References     []Reference
}

// Size gives the page of an exported file in units.
func (f *Lines) Size() (w, h float64) { return 720, 440 }

// curve is a line with the points that are drawn, taken once so that range, picture and read-out
// agree while the series grows.
type curve struct {
	Line
	x, raw, y []float64
	low, high []float64 // of the band, nil for none
	color     color.NRGBA
	dash      []float64
	smoothed  bool
}

func (f *Lines) curves() []curve {
	var out []curve
	for _, l := range f.Lines {
		if l.Hidden || l.Series == nil && l.Seeds == nil {
			continue
		}
		c := curve{Line: l, color: RunColor(l.Slot), dash: RunDash(l.Slot)}
		if l.Seeds != nil {
			smooth := f.Smooth
			if l.Exact {
				smooth = 0
			}
			s := spreadOf(l.Seeds, smooth)
			c.x, c.y, c.raw, c.low, c.high = s.x, s.mean, s.mean, s.low, s.high
		} else if f.Smooth > 0 && !l.Exact {
			c.smoothed = true
			c.x, c.y = l.Series.Smoothed(f.Smooth)
			_, c.raw = l.Series.Points()
			c.raw = c.raw[:len(c.x)]
		} else {
			c.x, c.y = l.Series.Points()
			c.raw = c.y
		}
		out = append(out, c)
	}
	return out
}

// Plot implements Figure.
func (f *Lines) Plot(st Style, v View) *Page {
	page := f.plot(st, v, f.curves())
	page.Legend = f.legend(st)
	return page
}

// legend has an entry for each line; those of a kind share one, at the end and in no run's colour.
func (f *Lines) legend(st Style) []Entry {
	var entries, shared []Entry
	kinds := map[string]int{}
	for _, l := range f.Lines {
		kinds[l.Kind]++
	}
	for _, l := range f.Lines {
		switch {
		case l.Hidden && !st.Screen:
		case l.Kind == "" || kinds[l.Kind] == 1:
			entries = append(entries, Entry{
				Name: l.Name, Color: RunColor(l.Slot), Dash: RunDash(l.Slot), Marks: l.Marks,
				Hidden: l.Hidden,
			})
		case !slices.ContainsFunc(shared, func(e Entry) bool { return e.Name == l.Kind }):
			shared = append(shared, Entry{Name: l.Kind, Color: st.Muted, Marks: l.Marks})
		}
	}
	return append(entries, shared...)
}

// plot builds the page of the given curves, without a legend.
func (f *Lines) plot(st Style, v View, curves []curve) *Page {
	x, y, fit, empty := f.ranges(curves, v)
	p := newPanel(st, x, y, f.XLabel, f.YLabel)
	p.FitX, p.Empty = fit, empty
	shared := &planes{}
	const fade = 77 // of 255: raw points show through one another
	for _, c := range curves {
		if c.smoothed && f.ShowRaw {
			col := c.color
			col.A = fade
			p.addLine(&polyline{x: c.x, y: c.raw, color: col, width: rawWidth, plane: shared})
		}
	}
	for _, c := range curves {
		if c.low != nil {
			p.Plot.Add(&band{x: c.x, low: c.low, high: c.high, color: c.color})
		}
	}
	for _, r := range f.References {
		p.Plot.Add(&level{Reference: r, style: st})
	}
	for _, c := range curves {
		p.addLine(&polyline{x: c.x, y: c.y, color: c.color, width: mainWidth,
			dash: c.dash, marks: c.Marks, plane: shared})
	}
	p.notes = f.notes(curves, x)
	p.read = f.reader(curves)
	return &Page{Title: f.Title, Caption: f.Caption, style: st, Panels: []*Panel{p}}
}

// ranges decides both axes; empty says why there is nothing to draw.
func (f *Lines) ranges(curves []curve, v View) (x, y, fit Axis, empty string) {
	xs := noExtent()
	finitePoints, points := 0, 0
	for _, c := range curves {
		first := 0
		for first < len(c.x) && f.LogX && c.x[first] <= 0 {
			first++
		}
		points += len(c.x)
		if n := len(c.x); first < n {
			xs.add(c.x[first])
			xs.add(c.x[n-1])
		}
	}
	fit = fitX(xs, f.XMax, f.LogX, View{})
	x = fitX(xs, f.XMax, f.LogX, v)
	ys := f.yExtent(curves, x, false, &finitePoints)
	if ys.empty() { // zoomed to between two points
		ys = f.yExtent(curves, x, true, &finitePoints)
	}
	if ys.empty() { // or beyond them
		ys = f.yExtent(curves, fit, true, &finitePoints)
	}
	switch {
	case len(curves) == 0 && len(f.Lines) > 0:
		empty = "All curves are hidden"
	case points == 0:
		empty = f.emptyText()
	case finitePoints == 0:
		empty = "All values are NaN or infinite"
	case ys.empty() && (f.LogX || f.LogY):
		empty = "No values above zero for the log axis"
	}
	if ys.empty() {
		ys = extent{1, 2}
	}
	low := ys.lo
	for _, r := range f.References {
		if finite(r.Y) && (!f.LogY || r.Y > 0) {
			ys.add(r.Y)
		}
	}
	if ys.lo < low && !f.LogY { // the lowest thing is a reference: room for its label below it
		ys.lo -= (ys.hi - ys.lo) * 0.03
	}
	return x, fitY(ys, f.LogY, v), fit, empty
}

// yExtent is the range of all that is drawn within x, with or without the neighbours just outside.
func (f *Lines) yExtent(curves []curve, x Axis, wide bool, finitePoints *int) extent {
	e := noExtent()
	for _, c := range curves {
		lo, hi := cut(c.x, x.Min, x.Max)
		drawn := [][]float64{c.y}
		if c.smoothed && f.ShowRaw {
			drawn = append(drawn, c.raw)
		}
		if c.low != nil {
			drawn = append(drawn, c.low, c.high)
		}
		for _, ys := range drawn {
			for i := lo; i < hi; i++ {
				if !finite(ys[i]) {
					continue
				}
				*finitePoints++
				if f.LogY && ys[i] <= 0 || !wide && (c.x[i] < x.Min || c.x[i] > x.Max) {
					continue
				}
				e.add(ys[i])
			}
		}
	}
	return e
}

// notes says what the picture cannot show: broken values and those a log axis leaves out.
func (f *Lines) notes(curves []curve, x Axis) (notes []string) {
	broken, skipped := 0, 0
	for _, c := range curves {
		for i, v := range c.raw {
			switch {
			case f.LogX && c.x[i] <= 0:
				skipped++
			case c.x[i] < x.Min || c.x[i] > x.Max:
			case !finite(v):
				broken++
			case f.LogY && v <= 0:
				skipped++
			}
		}
	}
	if broken > 0 {
		notes = append(notes, fmt.Sprintf("× marks %s NaN or infinite", values(broken)))
	}
	if skipped > 0 {
		notes = append(notes, fmt.Sprintf("%s at or below zero not shown on the log axis",
			values(skipped)))
	}
	return notes
}

func values(n int) string {
	if n == 1 {
		return "1 value"
	}
	return FormatCount(float64(n)) + " values"
}

// reader snaps to the nearest step of any visible curve and reads all curves there.
func (f *Lines) reader(curves []curve) func(x, y float64) Readout {
	return func(x, _ float64) Readout {
		at := math.NaN()
		for _, c := range curves {
			if k := nearest(c.x, x); k >= 0 && !(math.Abs(c.x[k]-x) >= math.Abs(at-x)) {
				at = c.x[k]
			}
		}
		out := Readout{X: at, Title: f.XLabel + " " + FormatCount(at)}
		smoothed := false
		for _, c := range curves {
			out.Rows = append(out.Rows, c.read(at, f.LogY))
			smoothed = smoothed || c.smoothed
		}
		if smoothed {
			out.Title += ", smoothed"
		}
		return out
	}
}

// read gives the value at the sample closest to x, and where that is when it is not at x; "-" outside the
// series.
func (c *curve) read(x float64, log bool) ReadRow {
	row := ReadRow{Name: c.Name, Value: "-", Color: c.color, X: math.NaN(), Y: math.NaN()}
	n := len(c.x)
	if n == 0 || x < c.x[0] || x > c.x[n-1] {
		return row
	}
	k := nearest(c.x, x)
	row.Value = FormatValue(c.y[k])
	if !finite(c.raw[k]) {
		row.Value = FormatValue(c.raw[k])
	} else if !(log && c.y[k] <= 0) {
		row.X, row.Y = c.x[k], c.y[k]
	}
	if c.x[k] != x {
		row.Value += " at " + FormatCount(c.x[k])
	}
	if c.low != nil && c.high[k] > c.low[k] {
		row.Value += "  (" + FormatValue(c.low[k]) + " to " + FormatValue(c.high[k]) + ")"
	}
	return row
}

// level draws a reference line and its label: below it at the right end, where falling curves
// leave room, or above it at the left end if there is no room below.
type level struct {
	Reference
	style Style
}

// Plot implements plot.Plotter.
func (l *level) Plot(c draw.Canvas, p *plot.Plot) {
	t := p.Y.Norm(l.Y)
	if !(t >= 0 && t <= 1) {
		return
	}
	y := c.Y(t)
	line := draw.LineStyle{Color: l.style.Muted, Width: 1}
	for _, part := range dashes([]vg.Point{{X: c.Min.X, Y: y}, {X: c.Max.X, Y: y}},
		[]float64{4, 3}, 1) {
		c.StrokeLines(line, part)
	}
	sty := l.style.text(0.95, l.style.Muted)
	h := sty.Height(l.Label)
	if y-c.Min.Y > h+3 {
		l.write(c, sty, c.Max.X-4-sty.Width(l.Label), y-2-h/2)
		return
	}
	l.write(c, sty, c.Min.X+4, y+2+h/2)
}

// write puts the label on a veil of the ground colour, so that faint raw points do not cross it.
func (l *level) write(c draw.Canvas, sty text.Style, x, y vg.Length) {
	if l.Label == "" {
		return
	}
	veil := l.style.Ground
	veil.A = 190
	w, r := sty.Width(l.Label), sty.Height(l.Label)/2-1
	c.FillPolygon(veil, []vg.Point{{X: x - 2, Y: y - r}, {X: x + w + 2, Y: y - r},
		{X: x + w + 2, Y: y + r}, {X: x - 2, Y: y + r}})
	middle(&c, sty, x, y, l.Label)
}
