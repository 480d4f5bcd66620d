package chart

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Page is a figure decided but not yet drawn: title, legend, panels side by side, notes, caption.
type Page struct {
	Title   string
	Legend  []Entry
	Panels  []*Panel
	Caption []string

	style   Style
	entries []vg.Rectangle // of the legend, known once drawn
}

const (
	pageRight = 12 // margin
	titleGap  = 2  // between the title and what is beside it
)

// Draw draws the page on a canvas whose ground is already filled.
func (p *Page) Draw(c draw.Canvas) {
	st := p.style
	c = draw.Crop(c, 8, -pageRight, 7, -9)
	if p.Title != "" {
		title := bold(st.text(1.15, st.Ink))
		aside := max(0, vg.Length(st.Aside)-pageRight+titleGap)
		top(&c, title, elide(p.Title, title, c.Max.X-c.Min.X-aside))
		c.Max.Y -= 4
	}
	p.drawLegend(&c)
	c.Max.Y -= 4
	p.drawFoot(&c)
	n := len(p.Panels)
	if n == 0 {
		return
	}
	gap := vg.Length(18)
	w := (c.Max.X - c.Min.X - gap*vg.Length(n-1)) / vg.Length(n)
	for i, q := range p.Panels {
		box := c
		box.Min.X = c.Min.X + vg.Length(i)*(w+gap)
		box.Max.X = box.Min.X + w
		q.draw(box, st)
	}
}

// top writes a line at the upper edge and takes its height off the canvas.
func top(c *draw.Canvas, sty text.Style, s string) {
	sty.YAlign = draw.YTop
	c.FillText(sty, vg.Point{X: c.Min.X, Y: c.Max.Y}, s)
	c.Max.Y -= sty.Height(s)
}

// drawFoot writes the notes of the panels and the caption at the lower edge.
func (p *Page) drawFoot(c *draw.Canvas) {
	sty := p.style.text(0.92, p.style.Muted)
	var notes []string
	for _, q := range p.Panels {
		if q.Empty != "" {
			continue
		}
		for _, n := range q.notes {
			if q.Title != "" {
				n = q.Title + ": " + n
			}
			notes = append(notes, n)
		}
	}
	width := c.Max.X - c.Min.X
	h := sty.FontExtents().Height
	most := int((c.Max.Y - c.Min.Y) / 3 / h) // a small view keeps its plot
	var lines []string
	all := append(notes, p.Caption...)
	for i, s := range all {
		next := wrap(s, sty, width)
		if n := len(lines) + len(next); n > most || n == most && i < len(all)-1 {
			if len(lines) < most && len(lines) > 0 {
				lines = append(lines, fmt.Sprintf("and %d more", len(all)-i))
			}
			break
		}
		lines = append(lines, next...)
	}
	for i := len(lines) - 1; i >= 0; i-- {
		c.FillText(sty, vg.Point{X: c.Min.X, Y: c.Min.Y + sty.FontExtents().Descent}, lines[i])
		c.Min.Y += h
	}
	if len(lines) > 0 {
		c.Min.Y += 5
	}
}

// middle writes a line from x on with the middle of its capitals at y: an anchor at the centre of
// the font's box would sit visibly lower than a line or tick beside it.
func middle(c *draw.Canvas, sty text.Style, x, y vg.Length, s string) {
	sty.YAlign = draw.YBottom // puts the base line at y + size - ascent
	size := sty.Font.Size
	const caps = 0.72 // height of a capital of Liberation Sans
	c.FillText(sty, vg.Point{X: x, Y: y - size*caps/2 - (size - sty.FontExtents().Ascent)}, s)
}

// wrap breaks a line at spaces so that every part fits width.
func wrap(s string, sty text.Style, width vg.Length) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		next := word
		if line != "" {
			next = line + " " + word
		}
		if line != "" && sty.Width(next) > width {
			out = append(out, line)
			next = word
		}
		line = next
	}
	return append(out, line)
}

// elide shortens a text to width.
func elide(s string, sty text.Style, width vg.Length) string {
	if sty.Width(s) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 1 && sty.Width(string(r)+"…") > width {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}
