package chart

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	lineThumb = 22 // units, sample of a line in front of a name
	boxThumb  = 12 // units, sample of a bar
	entryGap  = 16 // units between entries
)

func (e Entry) thumbWidth() vg.Length {
	if e.Swatch {
		return boxThumb
	}
	return lineThumb
}

// drawLegend puts the legend above the plots, in as many rows as needed but at most a third of
// the page, and takes its height off the canvas. It never covers data.
func (p *Page) drawLegend(c *draw.Canvas) {
	p.entries = make([]vg.Rectangle, len(p.Legend))
	if len(p.Legend) == 0 {
		return
	}
	st := p.style
	sty := st.text(1, st.Ink)
	ext := sty.FontExtents()
	row := ext.Height + 2
	x, y := c.Min.X, c.Max.Y
	least := c.Max.Y - (c.Max.Y-c.Min.Y)/3
	for i, e := range p.Legend {
		name := elide(e.Name, sty, c.Max.X-c.Min.X-e.thumbWidth()-5)
		w := e.thumbWidth() + 5 + sty.Width(name)
		if x > c.Min.X && x+w > c.Max.X {
			x, y = c.Min.X, y-row
		}
		if y-row < least && y < c.Max.Y {
			break
		}
		box := vg.Rectangle{Min: vg.Point{X: x, Y: y - row}, Max: vg.Point{X: x + w, Y: y}}
		p.entries[i] = box
		s, col := sty, e.Color
		if e.Hidden {
			col = mix(st.Ground, col, 0.35)
			s.Color = mix(st.Ground, st.Ink, 0.4)
		}
		thumb(*c, e, col, vg.Point{X: x, Y: y - row/2})
		middle(c, s, x+e.thumbWidth()+5, y-row/2, name)
		x += w + entryGap
	}
	c.Max.Y = y - row - 5
}

// thumb draws the sample of an entry, its left end at p.
func thumb(c draw.Canvas, e Entry, col color.NRGBA, p vg.Point) {
	if e.Swatch {
		r := vg.Length(4.5)
		c.FillPolygon(col, []vg.Point{{X: p.X, Y: p.Y - r}, {X: p.X + boxThumb, Y: p.Y - r},
			{X: p.X + boxThumb, Y: p.Y + r}, {X: p.X, Y: p.Y + r}})
		return
	}
	ends := []vg.Point{p, {X: p.X + lineThumb, Y: p.Y}}
	for _, part := range dashes(ends, e.Dash, 1) {
		c.StrokeLines(draw.LineStyle{Color: col, Width: mainWidth}, part)
	}
	if e.Marks {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: col, Radius: markRadius, Shape: draw.CircleGlyph{}},
			vg.Point{X: p.X + lineThumb/2, Y: p.Y})
	}
}
