package chart

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// HeatMap is a figure of layers by steps as colour. A cell reaches half way to the logged steps
// beside it. Where several steps share a pixel column the largest value is shown, and a non-finite
// one before all, because spikes are what one looks for.
type HeatMap struct {
	Head
	XLabel     string    // "step" if empty
	YLabel     string    // "block" if empty
	ValueLabel string    // at the colour bar: "gradient norm (L2)"
	XMax       float64   // planned number of steps, 0 if unknown
	LogX       bool      // log step axis
	Log        bool      // colour by logarithm
	Layers     []*Series // by layer, from 0
}

// Size gives the page of an exported file in units.
func (f *HeatMap) Size() (w, h float64) { return 720, 420 }

// heatRow is one layer with its points.
type heatRow struct{ x, y []float64 }

// Plot implements Figure.
func (f *HeatMap) Plot(st Style, v View) *Page {
	d := f.gather()
	n := len(d.rows)
	y := Axis{Min: -0.5, Max: math.Max(float64(n), 1) - 0.5}
	if v.Y1 > v.Y0 {
		y.Min, y.Max = v.Y0, v.Y1
	}
	p := newPanel(st, fitX(d.xs, f.XMax, f.LogX, v), y, orElse(f.XLabel, "step"), orElse(f.YLabel, "block"))
	p.yticks.counts = true
	p.FitX = fitX(d.xs, f.XMax, f.LogX, View{})
	switch {
	case d.points == 0:
		p.Empty = f.emptyText()
	case d.broken == d.points:
		p.Empty = "All values are NaN or infinite"
	case d.values.empty():
		p.Empty = "No values above zero for the log scale"
	}
	if d.broken > 0 {
		p.notes = append(p.notes, fmt.Sprintf("magenta marks %s NaN or infinite", values(d.broken)))
	}
	if d.skipped > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%s at or below zero left blank", values(d.skipped)))
	}
	scale, lut := valueScale(d.values, f.Log), kindlmann()
	p.bar = &colorBar{label: f.ValueLabel, axis: scale, colors: lut[:]}
	p.Plot.Add(&heat{d.rows, scale, &lut})
	p.read = f.reader(d.rows)
	return &Page{Title: f.Title, Caption: f.Caption, style: st, Panels: []*Panel{p}}
}

// heatData is the points of all layers, taken once, with their ranges and counts.
type heatData struct {
	rows                    []heatRow
	xs, values              extent
	points, broken, skipped int
}

func (f *HeatMap) gather() heatData {
	d := heatData{rows: make([]heatRow, len(f.Layers)), xs: noExtent(), values: noExtent()}
	for l, s := range f.Layers {
		if s == nil {
			continue
		}
		r := heatRow{}
		r.x, r.y = s.Points()
		d.rows[l] = r
		d.points += len(r.y)
		for i, q := range r.y {
			if !f.LogX || r.x[i] > 0 {
				d.xs.add(r.x[i])
			}
			switch {
			case !finite(q):
				d.broken++
			case f.Log && q <= 0:
				d.skipped++
			default:
				d.values.add(q)
			}
		}
	}
	return d
}

// valueScale is the range of the colours; a constant field gets the middle colour.
func valueScale(e extent, log bool) Axis {
	switch {
	case e.empty():
		return Axis{1, 2, log}
	case e.lo < e.hi:
		return Axis{e.lo, e.hi, log}
	case log:
		return Axis{e.lo / 2, e.lo * 2, true}
	}
	d := math.Max(math.Abs(e.lo)*0.5, 1e-12)
	return Axis{e.lo - d, e.lo + d, false}
}

func (f *HeatMap) reader(rows []heatRow) func(x, y float64) Readout {
	return func(x, y float64) Readout {
		out := Readout{X: math.NaN()}
		l := int(math.Floor(y + 0.5))
		if l < 0 || l >= len(rows) {
			return out
		}
		k := nearest(rows[l].x, x)
		if k < 0 {
			return out
		}
		out.X = rows[l].x[k]
		out.Title = orElse(f.XLabel, "step") + " " + FormatCount(out.X)
		out.Rows = []ReadRow{{Name: fmt.Sprintf("%s %d", orElse(f.YLabel, "block"), l), Value: FormatValue(rows[l].y[k]),
			Color: color.NRGBA{128, 128, 128, 255}, X: out.X, Y: float64(l)}}
		return out
	}
}

// heat is the plotter of the cells.
type heat struct {
	rows  []heatRow
	scale Axis
	lut   *[256]color.NRGBA
}

// Plot implements plot.Plotter.
func (h *heat) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.X.Scale.(Axis)
	y, _ := p.Y.Scale.(Axis)
	k, _ := pixelsPerUnit(c)
	cols := max(1, int(math.Round(float64(c.Max.X-c.Min.X)*k)))
	first := max(0, int(math.Floor(y.Min+0.5)))
	last := min(len(h.rows)-1, int(math.Ceil(y.Max-0.5)))
	if last < first {
		return
	}
	cells := image.NewNRGBA(image.Rect(0, 0, cols, last-first+1))
	edges := make([]float64, cols+1)
	for i := range edges {
		edges[i] = x.Value(float64(i) / float64(cols))
	}
	for l := first; l <= last; l++ {
		h.paint(cells, last-l, h.rows[l], edges, x.Log)
	}
	r := c.Rectangle
	r.Min.Y, r.Max.Y = c.Y(y.Norm(float64(first)-0.5)), c.Y(y.Norm(float64(last)+0.5))
	// A zoomed axis cuts through the outer rows, so the cells are clipped by their own rectangle.
	clipCells(c, r, cells)
}

// paint colours one row of cells: for each pixel column the points whose cells meet it.
func (h *heat) paint(cells *image.NRGBA, row int, q heatRow, edges []float64, log bool) {
	n := len(q.x)
	if n == 0 {
		return
	}
	start := 0 // first point; a log axis leaves out those at or below zero
	if log {
		start = sort.SearchFloat64s(q.x, math.SmallestNonzeroFloat64)
	}
	right := func(i int) float64 { // where the cell of point i ends
		switch {
		case i+1 < n && log && i >= start:
			return math.Sqrt(q.x[i] * q.x[i+1])
		case i+1 < n:
			return (q.x[i] + q.x[i+1]) / 2
		case n == 1:
			return math.Inf(1)
		}
		return q.x[i] + (q.x[i]-q.x[i-1])/2
	}
	i := start
	for cx := range len(edges) - 1 {
		for i < n && right(i) <= edges[cx] {
			i++
		}
		if i == n {
			return
		}
		if i == start && start < n && edges[cx+1] < leftEdge(q.x, start) {
			continue
		}
		best, bad := math.Inf(-1), false
		for j := i; j < n; j++ {
			if finite(q.y[j]) {
				best = math.Max(best, q.y[j])
			} else {
				bad = true
			}
			if right(j) >= edges[cx+1] {
				break
			}
		}
		switch {
		case bad:
			cells.SetNRGBA(cx, row, magenta())
		case finite(best) && !(h.scale.Log && best <= 0):
			cells.SetNRGBA(cx, row, h.lut[int(clamp(h.scale.Norm(best), 0, 1)*255+0.5)])
		}
	}
}

// leftEdge is where the first cell begins.
func leftEdge(x []float64, i int) float64 {
	if i+1 >= len(x) {
		return math.Inf(-1)
	}
	return x[i] - (x[i+1]-x[i])/2
}
