package chart

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// BarGroup is the bars of one run, one a layer.
type BarGroup struct {
	Name      string
	Slot      int       // the run's number: colour
	Values    []float64 // by layer, from 0
	Low, High []float64 // range over seeds, drawn as a whisker; both nil for none
	Hidden    bool
}

// Bars is a figure of one value a layer at one step, such as the gradient norm: groups of bars
// side by side, a group a layer, a bar a run.
type Bars struct {
	Head
	XLabel, YLabel string // "block" and "value" if empty
	LogY           bool
	Groups         []BarGroup
}

// Size gives the page of an exported file in units.
func (f *Bars) Size() (w, h float64) { return 720, 420 }

// Plot implements Figure.
func (f *Bars) Plot(st Style, v View) *Page {
	page := &Page{Title: f.Title, Caption: f.Caption, style: st}
	var shown []BarGroup
	layers := 0
	for _, g := range f.Groups {
		if g.Hidden && !st.Screen {
			continue
		}
		page.Legend = append(page.Legend, Entry{
			Name: g.Name, Color: RunColor(g.Slot), Swatch: true, Hidden: g.Hidden})
		if !g.Hidden {
			shown = append(shown, g)
			layers = max(layers, len(g.Values))
		}
	}
	fit := Axis{Min: -0.5, Max: math.Max(float64(layers), 1) - 0.5}
	x := fit
	if v.X1 > v.X0 {
		x.Min, x.Max = v.X0, v.X1
	}
	y, empty, notes := f.ranges(shown, v)
	p := newPanel(st, x, y, orElse(f.XLabel, "block"), orElse(f.YLabel, "value"))
	p.FitX, p.Empty, p.notes = fit, empty, notes
	p.xticks.most = layers + 11 // a label a layer if there is room
	p.noColumns = true
	for i, g := range shown {
		p.Plot.Add(&bars{g, i, len(shown), st})
	}
	p.read = f.reader(shown, layers)
	page.Panels = []*Panel{p}
	return page
}

// ranges decides the y axis, says why there is nothing to draw, and notes what cannot be drawn.
func (f *Bars) ranges(shown []BarGroup, v View) (y Axis, empty string, notes []string) {
	e := noExtent()
	total, broken, skipped := 0, 0, 0
	for _, g := range shown {
		for _, part := range [3][]float64{g.Values, g.Low, g.High} {
			for _, q := range part {
				switch {
				case !finite(q):
				case f.LogY && q <= 0:
				default:
					e.add(q)
				}
			}
		}
		for _, q := range g.Values {
			total++
			if !finite(q) {
				broken++
			} else if f.LogY && q <= 0 {
				skipped++
			}
		}
	}
	switch {
	case len(shown) == 0 && len(f.Groups) > 0:
		empty = "All runs are hidden"
	case total == 0:
		empty = f.emptyText()
	case broken == total:
		empty = "All values are NaN or infinite"
	case e.empty():
		empty = "No values above zero for the log axis"
	}
	if broken > 0 {
		notes = append(notes, fmt.Sprintf("× marks %s NaN or infinite", values(broken)))
	}
	if skipped > 0 {
		notes = append(notes, fmt.Sprintf("%s at or below zero not shown on the log axis",
			values(skipped)))
	}
	return f.axisY(e, v), empty, notes
}

// axisY fits the y axis. Linear bars stand on zero; on a log axis, where zero does not exist, the
// base is the decade mark below the smallest bar, or half of it when that bar would have no height.
func (f *Bars) axisY(e extent, v View) Axis {
	if e.empty() {
		e = extent{1, 2}
	}
	if v.Y1 > v.Y0 && (!f.LogY || v.Y0 > 0) {
		return Axis{v.Y0, v.Y1, f.LogY}
	}
	if f.LogY {
		decade := math.Pow(10, math.Floor(math.Log10(e.lo)))
		if e.lo < decade*1.05 {
			decade /= 2
		}
		decade = math.Max(decade, math.SmallestNonzeroFloat64)
		return Axis{decade, e.hi * math.Pow(e.hi/decade, 0.06), true}
	}
	e.add(0)
	if e.lo == e.hi {
		e.hi = 1
	}
	air := (e.hi - e.lo) * 0.06
	y := Axis{Min: e.lo, Max: e.hi + air}
	if e.lo < 0 {
		y.Min -= air
	}
	return y
}

func (f *Bars) reader(shown []BarGroup, layers int) func(x, y float64) Readout {
	return func(x, _ float64) Readout {
		l := int(math.Floor(x + 0.5))
		if l < 0 || l >= layers {
			return Readout{X: math.NaN()}
		}
		out := Readout{X: float64(l), Title: fmt.Sprintf("%s %d", orElse(f.XLabel, "block"), l)}
		for _, g := range shown {
			row := ReadRow{Name: g.Name, Value: "-", Color: RunColor(g.Slot),
				X: math.NaN(), Y: math.NaN()}
			if l < len(g.Values) {
				row.Value = FormatValue(g.Values[l])
				if l < len(g.Low) && l < len(g.High) {
					row.Value += "  (" + FormatValue(g.Low[l]) + " to " + FormatValue(g.High[l]) + ")"
				}
			}
			out.Rows = append(out.Rows, row)
		}
		return out
	}
}

// bars is the plotter of one run: bar number i of n in every group.
type bars struct {
	BarGroup
	i, n  int
	style Style
}

// Plot implements plot.Plotter.
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	const group = 0.82 // of the distance between layers
	each := group / float64(b.n)
	tx, ty := p.Transforms(&c)
	col := RunColor(b.Slot)
	base := c.Min.Y
	if y, ok := p.Y.Scale.(Axis); ok && !y.Log {
		base = ty(0)
	}
	for l, v := range b.Values {
		x0 := float64(l) - group/2 + each*float64(b.i)
		left, right := tx(x0), tx(x0+each)
		if gap := (right - left) * 0.08; b.n > 1 {
			left, right = left+gap, right-gap
		}
		if right < c.Min.X || left > c.Max.X {
			continue
		}
		if !finite(v) {
			cross(c, col, (left+right)/2)
			continue
		}
		top := clampY(c, ty(v))
		foot := clampY(c, base)
		left, right = max(left, c.Min.X), min(right, c.Max.X)
		c.FillPolygon(col, []vg.Point{
			{X: left, Y: foot}, {X: right, Y: foot}, {X: right, Y: top}, {X: left, Y: top}})
		if l < len(b.Low) && l < len(b.High) {
			b.whisker(c, (left+right)/2, right-left, ty(b.Low[l]), ty(b.High[l]))
		}
	}
}

// whisker draws the range over seeds.
func (b *bars) whisker(c draw.Canvas, x, width, lo, hi vg.Length) {
	sty := draw.LineStyle{Color: mix(b.style.Ground, b.style.Ink, 0.8), Width: 0.9}
	lo, hi = clampY(c, lo), clampY(c, hi)
	r := min(width/4, 3)
	c.StrokeLine2(sty, x, lo, x, hi)
	c.StrokeLine2(sty, x-r, lo, x+r, lo)
	c.StrokeLine2(sty, x-r, hi, x+r, hi)
}

func clampY(c draw.Canvas, y vg.Length) vg.Length {
	if math.IsNaN(float64(y)) {
		return c.Min.Y
	}
	return min(max(y, c.Min.Y), c.Max.Y)
}

// cross marks a non-finite value at the lower edge.
func cross(c draw.Canvas, col color.NRGBA, x vg.Length) {
	const r = 2.6
	sty := draw.LineStyle{Color: opaque(col), Width: 1.1}
	y := c.Min.Y + 5
	c.StrokeLine2(sty, x-r, y-r, x+r, y+r)
	c.StrokeLine2(sty, x-r, y+r, x+r, y-r)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
