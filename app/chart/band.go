package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// spread is what several series of the same thing say together at every x that one of them has.
type spread struct{ x, mean, low, high []float64 }

// spreadOf takes mean, least and largest of the series that have a value at an x, each smoothed by itself
// first; smooth 0 takes the values as they are. A value that is not finite makes the mean NaN there, so
// that it breaks the line and is marked, and stays out of the range.
func spreadOf(list []*Series, smooth float64) spread {
	type cursor struct{ x, y []float64 }
	var open []cursor
	longest := 0
	for _, s := range list {
		var c cursor
		if smooth > 0 {
			c.x, c.y = s.Smoothed(smooth)
		} else {
			c.x, c.y = s.Points()
		}
		if len(c.x) > 0 {
			open = append(open, c)
			longest = max(longest, len(c.x))
		}
	}
	var out spread
	for _, p := range []*[]float64{&out.x, &out.mean, &out.low, &out.high} {
		*p = make([]float64, 0, longest)
	}
	for len(open) > 0 {
		x := math.Inf(1)
		for _, c := range open {
			x = min(x, c.x[0])
		}
		sum, n, low, high := 0.0, 0.0, math.Inf(1), math.Inf(-1)
		left := open[:0]
		for _, c := range open {
			if c.x[0] == x {
				v := c.y[0]
				sum, n = sum+v, n+1
				if finite(v) {
					low, high = min(low, v), max(high, v)
				}
				c.x, c.y = c.x[1:], c.y[1:]
			}
			if len(c.x) > 0 {
				left = append(left, c)
			}
		}
		open = left
		if low > high {
			low, high = math.NaN(), math.NaN()
		}
		out.x = append(out.x, x)
		out.mean = append(out.mean, sum/n)
		out.low, out.high = append(out.low, low), append(out.high, high)
	}
	return out
}

// bandAlpha of 255 lets six bands show through one another.
const bandAlpha = 56

// band is the plotter of a range: the area between two curves of the same x.
type band struct {
	x, low, high []float64
	color        color.NRGBA
}

// edge is the band at one x of the canvas.
type edge struct{ x, low, high float64 }

// Plot implements plot.Plotter.
func (b *band) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.X.Scale.(Axis)
	y, _ := p.Y.Scale.(Axis)
	k, _ := pixelsPerUnit(c)
	col := b.color
	col.A = bandAlpha
	for _, run := range b.runs(x, y, k, c) {
		if img := rasterOf(c); img != nil {
			h := float64(img.Rect.Dy())
			r := pixelRect(c.Rectangle, k, h).Intersect(img.Rect)
			for i := range run {
				run[i] = edge{run[i].x * k, h - run[i].high*k, h - run[i].low*k} // rows grow downwards
			}
			fillColumns(run, r.Min.X, r.Max.X, func(px int, top, bottom float64) {
				top, bottom = max(top, float64(r.Min.Y)), min(bottom, float64(r.Max.Y))
				for py := int(math.Floor(top)); float64(py) < bottom; py++ {
					part := min(bottom, float64(py+1)) - max(top, float64(py))
					a := part * float64(col.A) / 255
					o := img.Pix[img.PixOffset(px, py):]
					for i, v := range [3]uint8{col.R, col.G, col.B} {
						o[i] = uint8(float64(v)*a + float64(o[i])*(1-a) + 0.5)
					}
				}
			})
			continue
		}
		var pts []vg.Point
		for _, e := range run {
			pts = append(pts, vg.Point{X: vg.Length(e.x), Y: vg.Length(e.high)})
		}
		for i := len(run) - 1; i >= 0; i-- {
			pts = append(pts, vg.Point{X: vg.Length(run[i].x), Y: vg.Length(run[i].low)})
		}
		if pts = c.ClipPolygonXY(pts); len(pts) > 2 {
			c.FillPolygon(col, pts)
		}
	}
}

// runs maps the band to the canvas, in units: one part for each stretch of x without a gap. In a column of
// pixels with many points it keeps the least and the largest.
func (b *band) runs(x, y Axis, k float64, c draw.Canvas) (runs [][]edge) {
	lo, hi := cut(b.x, x.Min, x.Max)
	dense := float64(hi-lo) > 2*k*float64(c.Max.X-c.Min.X)
	var run []edge
	flush := func() {
		if len(run) > 1 {
			runs = append(runs, run)
		}
		run = nil
	}
	for i := lo; i < hi; i++ {
		l, h := b.low[i], b.high[i]
		if !finite(l) || !finite(h) || x.Log && b.x[i] <= 0 || y.Log && l <= 0 {
			flush()
			continue
		}
		e := edge{float64(c.X(x.Norm(b.x[i]))), float64(c.Y(y.Norm(l))), float64(c.Y(y.Norm(h)))}
		if n := len(run); dense && n > 0 && math.Floor(run[n-1].x*k) == math.Floor(e.x*k) {
			run[n-1].low, run[n-1].high = min(run[n-1].low, e.low), max(run[n-1].high, e.high)
			continue
		}
		run = append(run, e)
	}
	flush()
	return runs
}

// fillColumns calls fill with the interval of a band at the middle of every column of pixels from x0 to
// before x1 that it covers; in an edge, low and high are whatever the caller made them.
func fillColumns(run []edge, x0, x1 int, fill func(px int, low, high float64)) {
	at := 0
	first := max(x0, int(math.Ceil(run[0].x-0.5)))
	for px := first; px < x1; px++ {
		mid := float64(px) + 0.5
		for at+1 < len(run) && run[at+1].x < mid {
			at++
		}
		if at+1 >= len(run) {
			return
		}
		a, b := run[at], run[at+1]
		t := (mid - a.x) / (b.x - a.x)
		fill(px, a.low+t*(b.low-a.low), a.high+t*(b.high-a.high))
	}
}
