package chart

import (
	"fmt"
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
// the page, and takes its height off the canvas. It never covers data. What has no room is counted.
func (p *Page) drawLegend(c *draw.Canvas) {
	p.entries = make([]vg.Rectangle, len(p.Legend))
	if len(p.Legend) == 0 {
		return
	}
	st := p.style
	sty := st.text(1, st.Ink)
	row := sty.FontExtents().Height + 2
	least := c.Max.Y - (c.Max.Y-c.Min.Y)/3
	var names []string
	var widths []vg.Length
	for _, e := range p.Legend {
		name := elide(e.Name, sty, c.Max.X-c.Min.X-e.thumbWidth()-5)
		names, widths = append(names, name), append(widths, e.thumbWidth()+5+sty.Width(name))
	}
	boxes, rest := rows(c.Rectangle, widths, row, least), ""
	for n := len(boxes); n < len(widths); n-- {
		rest = fmt.Sprintf("and %d more", len(widths)-n)
		shown := append(widths[:n:n], sty.Width(rest))
		if boxes = rows(c.Rectangle, shown, row, least); len(boxes) == len(shown) || n == 1 {
			break
		}
	}
	for i, box := range boxes {
		if i == len(boxes)-1 && rest != "" && i > 0 {
			middle(c, sty, box.Min.X, box.Min.Y+row/2, rest)
			break
		}
		p.entries[i] = box
		e, s, col := p.Legend[i], sty, p.Legend[i].Color
		if e.Hidden {
			col = mix(st.Ground, col, 0.35)
			s.Color = mix(st.Ground, st.Ink, 0.4)
		}
		y := box.Min.Y + row/2
		thumb(*c, e, col, vg.Point{X: box.Min.X, Y: y})
		middle(c, s, box.Min.X+e.thumbWidth()+5, y, names[i])
	}
	c.Max.Y = boxes[len(boxes)-1].Min.Y - 5
}

// rows places boxes of some widths side by side from the upper edge down, those that fit above least, and the
// first in any case.
func rows(r vg.Rectangle, widths []vg.Length, height, least vg.Length) (boxes []vg.Rectangle) {
	x, y := r.Min.X, r.Max.Y
	for _, w := range widths {
		if x > r.Min.X && x+w > r.Max.X {
			x, y = r.Min.X, y-height
		}
		if y-height < least && y < r.Max.Y {
			break
		}
		boxes = append(boxes, vg.Rectangle{Min: vg.Point{X: x, Y: y - height}, Max: vg.Point{X: x + w, Y: y}})
		x += w + entryGap
	}
	return boxes
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
