package chart

import "image/color"

// Figure is everything that decides a picture: *Lines, *Bars, *LayerLines, *HeatMap or *Row.
type Figure interface {
	// Plot decides the picture: axes and data as gonum plots, title, legend, caption. It is
	// cheap next to drawing and safe while series grow.
	Plot(Style, View) *Page
	// Size gives the page of an exported file in units.
	Size() (w, h float64)
}

// Head is what stands around the axes of any figure.
type Head struct {
	Title   string
	Caption []string // lines below the figure: runs, settings; long lines are wrapped
	Empty   string   // what to say without data; "No data yet" if empty
}

func (h Head) emptyText() string {
	if h.Empty != "" {
		return h.Empty
	}
	return "No data yet"
}

// Entry is one row of the legend.
type Entry struct {
	Name   string
	Color  color.NRGBA
	Dash   []float64
	Marks  bool // a dot on the line
	Swatch bool // a filled box: bars
	Hidden bool // shown faded
}

// Readout is what the pointer reads at a place of a panel.
type Readout struct {
	X     float64 // where the crosshair stands, in data; NaN for none
	Title string  // "step 1,200"
	Rows  []ReadRow
}

// ReadRow is one value of a read-out: name, value, and the point it belongs to, NaN if there is
// nothing to put a dot on.
type ReadRow struct {
	Name, Value string
	Color       color.NRGBA
	X, Y        float64
}
