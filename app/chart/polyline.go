package chart

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const (
	mainWidth  = 1.6 // units
	rawWidth   = 0.8
	markRadius = 2.3
	piece      = 12 // points a stroked path, found fastest of 4 to 64 for the rasteriser of vgimg
)

// polyline is the plotter of one series. It thins to the pixels it is given. On raster images it
// draws through a coverage plane; elsewhere it strokes paths. Geometry is the same for both.
type polyline struct {
	x, y   []float64
	color  color.NRGBA
	width  float64
	dash   []float64
	marks  bool
	stroke bool // stroke paths on raster images too: only to test the coverage plane against
	plane  *planes
}

// planes lends one coverage plane to all lines of a panel.
type planes struct{ c *cover }

func (p *planes) get(r image.Rectangle) *cover {
	if p.c == nil || p.c.r != r {
		p.c = newCover(r)
	}
	return p.c
}

// Plot implements plot.Plotter.
func (l *polyline) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.X.Scale.(Axis)
	y, _ := p.Y.Scale.(Axis)
	k, raster := pixelsPerUnit(c)
	cols := int(float64(c.Max.X-c.Min.X)*k + 0.5)
	thin := Thin(l.x, l.y, x, y.Log, cols)
	lines := l.geometry(c, x, y, thin.Runs)
	img := rasterOf(c)
	if raster && img != nil && !l.stroke {
		l.cover(c, img, k, lines)
	} else {
		l.paths(c, raster, lines)
	}
	if l.marks {
		l.dots(c, lines)
	}
	l.crosses(c, x, thin.Broken)
}

// geometry maps polylines to the canvas and clips what lies more than one plot size outside, so
// that no back end sees huge numbers and dashes stay few in a deep zoom.
func (l *polyline) geometry(c draw.Canvas, x, y Axis, runs [][]XY) [][]vg.Point {
	room := c
	room.Rectangle = draw.Crop(c, c.Min.X-c.Max.X, c.Max.X-c.Min.X, c.Min.Y-c.Max.Y,
		c.Max.Y-c.Min.Y).Rectangle
	out := make([][]vg.Point, 0, len(runs))
	for _, run := range runs {
		pts := make([]vg.Point, len(run))
		inside := true
		for i, q := range run {
			pts[i] = vg.Point{X: c.X(x.Norm(q.X)), Y: c.Y(y.Norm(q.Y))}
			inside = inside && room.Contains(pts[i])
		}
		switch {
		case inside:
			out = append(out, pts)
		case len(pts) > 1:
			out = append(out, room.ClipLinesXY(pts)...)
		}
	}
	return out
}

// cover draws straight into the image.
func (l *polyline) cover(c draw.Canvas, img *image.RGBA, k float64, lines [][]vg.Point) {
	h := float64(img.Rect.Dy())
	r := pixelRect(c.Rectangle, k, h).Inset(-1).Intersect(img.Rect)
	if r.Empty() {
		return
	}
	plane := l.plane.get(r)
	half := l.width * k / 2
	for _, run := range lines {
		for _, pts := range dashes(run, l.dash, l.width/mainWidth) {
			px, py := float64(pts[0].X)*k, h-float64(pts[0].Y)*k
			if len(pts) == 1 {
				plane.segment(px, py, px, py, markRadius*k)
			}
			for _, q := range pts[1:] {
				x, y := float64(q.X)*k, h-float64(q.Y)*k
				plane.segment(px, py, x, y, half)
				px, py = x, y
			}
		}
	}
	plane.blend(img, l.color)
}

// paths strokes the polylines: whole ones on vector canvases, where a break would show in a
// translucent line, short pieces on raster ones, where a long path is slow.
func (l *polyline) paths(c draw.Canvas, raster bool, lines [][]vg.Point) {
	sty := draw.LineStyle{Color: l.color, Width: vg.Length(l.width)}
	for _, run := range lines {
		for _, pts := range dashes(run, l.dash, l.width/mainWidth) {
			if len(pts) == 1 {
				c.DrawGlyph(draw.GlyphStyle{
					Color: l.color, Radius: markRadius, Shape: draw.CircleGlyph{}}, pts[0])
				continue
			}
			n := len(pts)
			if raster {
				n = piece
			}
			for i := 0; i+1 < len(pts); i += n {
				c.StrokeLines(sty, c.ClipLinesXY(pts[i:min(i+n+1, len(pts))])...)
			}
		}
	}
}

// dots marks the points themselves unless they are too close to be told apart.
func (l *polyline) dots(c draw.Canvas, lines [][]vg.Point) {
	n := 0
	for _, run := range lines {
		n += len(run)
	}
	if vg.Length(n)*markRadius*3 > c.Max.X-c.Min.X {
		return
	}
	sty := draw.GlyphStyle{Color: l.color, Radius: markRadius, Shape: draw.CircleGlyph{}}
	for _, run := range lines {
		for _, q := range run {
			c.DrawGlyph(sty, q)
		}
	}
}

// crosses marks non-finite values at the lower edge.
func (l *polyline) crosses(c draw.Canvas, x Axis, at []float64) {
	last := vg.Length(math.Inf(-1))
	for _, v := range at {
		px := c.X(x.Norm(v))
		if c.ContainsX(px) && px-last > 6 {
			cross(c, l.color, px)
			last = px
		}
	}
}

// dashes cuts a polyline into dashes by length along it; a nil pattern returns it whole. The
// pattern is in units of a main line and scaled with the width.
func dashes(pts []vg.Point, pattern []float64, scale float64) [][]vg.Point {
	if len(pattern) == 0 || len(pts) < 2 {
		return [][]vg.Point{pts}
	}
	var out [][]vg.Point
	k, left := 0, vg.Length(pattern[0]*scale)
	cur := []vg.Point{pts[0]}
	for i := 1; i < len(pts); i++ {
		a, b := pts[i-1], pts[i]
		for {
			d := vg.Length(math.Hypot(float64(b.X-a.X), float64(b.Y-a.Y)))
			if !(d >= left) || math.IsInf(float64(d), 0) {
				left -= d
				if k%2 == 0 {
					cur = append(cur, b)
				}
				break
			}
			t := left / d
			a = vg.Point{X: a.X + t*(b.X-a.X), Y: a.Y + t*(b.Y-a.Y)}
			if k%2 == 0 {
				out = append(out, append(cur, a))
				cur = nil
			} else {
				cur = []vg.Point{a}
			}
			k = (k + 1) % len(pattern)
			left = vg.Length(pattern[k] * scale)
		}
	}
	if len(cur) > 1 {
		out = append(out, cur)
	}
	return out
}

// rasterOf returns the image under a canvas, through the crops gonum nests, or nil.
func rasterOf(c draw.Canvas) *image.RGBA {
	if im, ok := backEnd(c).(*vgimg.Canvas); ok {
		img, _ := im.Image().(*image.RGBA)
		return img
	}
	return nil
}

// pixelsPerUnit gives the resolution of a canvas; vector files are thinned to four points a unit.
func pixelsPerUnit(c draw.Canvas) (k float64, raster bool) {
	if im, ok := backEnd(c).(*vgimg.Canvas); ok {
		return im.DPI() / 72, true
	}
	return 4, false
}

func backEnd(c vg.Canvas) vg.Canvas {
	for {
		switch d := c.(type) {
		case draw.Canvas:
			c = d.Canvas
		case *draw.Canvas:
			c = d.Canvas
		default:
			return c
		}
	}
}

// pixelRect maps a rectangle of a canvas, whose y points up, to the pixels it touches.
func pixelRect(r vg.Rectangle, k, h float64) image.Rectangle {
	return image.Rect(
		int(math.Floor(float64(r.Min.X)*k)), int(math.Floor(h-float64(r.Max.Y)*k)),
		int(math.Ceil(float64(r.Max.X)*k)), int(math.Ceil(h-float64(r.Min.Y)*k)))
}
