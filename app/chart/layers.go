package chart

import (
	"fmt"
	"image/color"
	"math"
)

// LayerLines is a figure of one line a layer over steps, such as gradient norms. Colours run from
// the first layer to the last; a colour bar names them.
type LayerLines struct {
	Head
	XLabel, YLabel string
	XMax           float64 // planned number of steps, 0 if unknown
	LogX, LogY     bool
	Smooth         float64   // weight of the moving average, 0 for none
	Layers         []*Series // by layer, from 0
}

// Size gives the page of an exported file in units.
func (f *LayerLines) Size() (w, h float64) { return 720, 440 }

// Plot implements Figure.
func (f *LayerLines) Plot(st Style, v View) *Page {
	n := len(f.Layers)
	lines := &Lines{Head: f.Head, XLabel: f.XLabel, YLabel: f.YLabel, XMax: f.XMax,
		LogX: f.LogX, LogY: f.LogY, Smooth: f.Smooth}
	for l, s := range f.Layers {
		lines.Lines = append(lines.Lines, Line{Name: fmt.Sprintf("block %d", l), Slot: l, Series: s})
	}
	curves := lines.curves()
	for i := range curves {
		curves[i].color, curves[i].dash = depthColor(curves[i].Slot, n, st.Dark), nil
	}
	page := lines.plot(st, v, curves)
	panel := page.Panels[0]
	panel.read = f.reader(lines, curves)
	panel.bar = &colorBar{
		label: "block", axis: Axis{Min: -0.5, Max: float64(n) - 0.5}, counts: true,
		colors: func() []color.NRGBA {
			all := make([]color.NRGBA, n)
			for l := range all {
				all[l] = depthColor(l, n, st.Dark)
			}
			return all
		}(),
	}
	return page
}

// reader reads all layers while they are few; of many the one nearest to the pointer, the
// largest and the smallest.
func (f *LayerLines) reader(lines *Lines, curves []curve) func(x, y float64) Readout {
	all := lines.reader(curves)
	return func(x, y float64) Readout {
		out := all(x, y)
		if len(out.Rows) <= 8 {
			return out
		}
		near, low, high := -1, -1, -1
		for i, r := range out.Rows {
			if math.IsNaN(r.Y) {
				continue
			}
			if near < 0 || distance(r.Y, y, f.LogY) < distance(out.Rows[near].Y, y, f.LogY) {
				near = i
			}
			if low < 0 || r.Y < out.Rows[low].Y {
				low = i
			}
			if high < 0 || r.Y > out.Rows[high].Y {
				high = i
			}
		}
		if near < 0 {
			out.Rows = nil
			return out
		}
		name := func(i int, what string) ReadRow {
			r := out.Rows[i]
			r.Name = what + ", " + r.Name
			return r
		}
		out.Rows = []ReadRow{name(high, "largest"), name(near, "here"), name(low, "smallest")}
		return out
	}
}

func distance(a, b float64, log bool) float64 {
	if log {
		return math.Abs(math.Log(a / b))
	}
	return math.Abs(a - b)
}
