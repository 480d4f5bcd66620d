package chart

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	barGap   = 14 // units between plot and colour bar
	barWidth = 11
)

// colorBar stands right of a plot and says what its colours mean.
type colorBar struct {
	label  string
	axis   Axis
	counts bool
	colors []color.NRGBA // from the bottom
	marks  []plot.Tick
}

// width is the room the bar takes with its labels; it chooses the labels too.
func (b *colorBar) width(c draw.Canvas, st Style) vg.Length {
	sty := st.text(0.95, st.Muted)
	line := sty.FontExtents().Height
	height := (c.Max.Y - c.Min.Y) * 0.85 // of which the plot takes about as much
	t := &ticks{axis: b.axis, counts: b.counts, most: 11}
	t.fits = apart(b.axis, height, 0.6*line, func(string) vg.Length { return line })
	b.marks = t.Ticks(0, 0)
	var widest vg.Length
	for _, m := range b.marks {
		widest = max(widest, sty.Width(m.Label))
	}
	return barGap + barWidth + 5 + widest + 4 + st.text(1, st.Muted).Height(b.label)
}

// draw puts the bar beside the data rectangle.
func (b *colorBar) draw(c draw.Canvas, area vg.Rectangle, st Style) {
	if len(b.colors) == 0 {
		return
	}
	r := area
	r.Min.X = area.Max.X + barGap
	r.Max.X = r.Min.X + barWidth
	cells := image.NewNRGBA(image.Rect(0, 0, 1, len(b.colors)))
	for i, col := range b.colors {
		cells.SetNRGBA(0, len(b.colors)-1-i, col)
	}
	drawCells(c, r, cells)
	c.StrokeLines(draw.LineStyle{Color: st.Muted, Width: 0.5}, []vg.Point{r.Min,
		{X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}, r.Min})
	sty := st.text(0.95, st.Muted)
	var widest vg.Length
	for _, m := range b.marks {
		t := b.axis.Norm(m.Value)
		if m.IsMinor() || t < 0 || t > 1 {
			continue
		}
		y := r.Min.Y + vg.Length(t)*(r.Max.Y-r.Min.Y)
		c.StrokeLine2(draw.LineStyle{Color: st.Muted, Width: 0.8}, r.Max.X, y, r.Max.X+3, y)
		middle(&c, sty, r.Max.X+5, y, m.Label)
		widest = max(widest, sty.Width(m.Label))
	}
	label := st.text(1, st.Muted)
	label.XAlign, label.YAlign, label.Rotation = draw.XCenter, draw.YTop, math.Pi/2
	c.FillText(label, vg.Point{X: r.Max.X + 5 + widest + 4, Y: (r.Min.Y + r.Max.Y) / 2}, b.label)
}
