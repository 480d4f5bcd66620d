package chart

import (
	"image"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawCells fills a rectangle of a canvas with an image, each pixel of it a sharp-edged cell.
func drawCells(c draw.Canvas, r vg.Rectangle, cells *image.NRGBA) {
	if dst := rasterOf(c); dst != nil {
		k, _ := pixelsPerUnit(c)
		blit(dst, r, k, cells)
		return
	}
	// Viewers of SVG and PDF blur small images when they enlarge them, so enlarge here.
	w, h := cells.Rect.Dx(), cells.Rect.Dy()
	kx := max(1, int(math.Ceil(4*float64(r.Max.X-r.Min.X)/float64(w))))
	ky := max(1, int(math.Ceil(4*float64(r.Max.Y-r.Min.Y)/float64(h))))
	big := image.NewNRGBA(image.Rect(0, 0, w*kx, h*ky))
	for y := range h * ky {
		for x := range w * kx {
			s, d := cells.PixOffset(x/kx, y/ky), big.PixOffset(x, y)
			copy(big.Pix[d:d+4], cells.Pix[s:s+4])
		}
	}
	c.DrawImage(r, big)
}

// blit copies cells into an image by nearest neighbour. Cells without alpha leave the ground.
func blit(dst *image.RGBA, r vg.Rectangle, k float64, cells *image.NRGBA) {
	h := float64(dst.Rect.Dy())
	px := func(v vg.Length) int { return int(math.Round(float64(v) * k)) }
	py := func(v vg.Length) int { return int(math.Round(h - float64(v)*k)) }
	box := image.Rect(px(r.Min.X), py(r.Max.Y), px(r.Max.X), py(r.Min.Y))
	if box.Empty() {
		return
	}
	in := box.Intersect(dst.Rect)
	w, ch := cells.Rect.Dx(), cells.Rect.Dy()
	for y := in.Min.Y; y < in.Max.Y; y++ {
		row := (y - box.Min.Y) * ch / box.Dy()
		for x := in.Min.X; x < in.Max.X; x++ {
			s := cells.PixOffset((x-box.Min.X)*w/box.Dx(), row)
			if cells.Pix[s+3] == 0 {
				continue
			}
			d := dst.PixOffset(x, y)
			copy(dst.Pix[d:d+4], cells.Pix[s:s+4])
		}
	}
}

// clipCells draws cells that fill r, cut to the canvas at whole cells' fractions.
func clipCells(c draw.Canvas, r vg.Rectangle, cells *image.NRGBA) {
	if r.Min.Y >= c.Min.Y && r.Max.Y <= c.Max.Y {
		drawCells(c, r, cells)
		return
	}
	// Enlarge rows until cutting whole rows of pixels is exact to a quarter of a unit.
	h := cells.Rect.Dy()
	k := max(1, int(math.Ceil(4*float64(r.Max.Y-r.Min.Y)/float64(h))))
	k = min(k, 4096/h+1)
	unit := (r.Max.Y - r.Min.Y) / vg.Length(h*k)
	over := int(math.Max(0, math.Round(float64((r.Max.Y-c.Max.Y)/unit))))
	under := int(math.Max(0, math.Round(float64((c.Min.Y-r.Min.Y)/unit))))
	rows := h*k - over - under
	if rows <= 0 {
		return
	}
	w := cells.Rect.Dx()
	tall := image.NewNRGBA(image.Rect(0, 0, w, rows))
	for y := range rows {
		s := cells.PixOffset(0, (y+over)/k)
		copy(tall.Pix[y*tall.Stride:(y+1)*tall.Stride], cells.Pix[s:s+4*w])
	}
	r.Min.Y, r.Max.Y = max(r.Min.Y, c.Min.Y), min(r.Max.Y, c.Max.Y)
	drawCells(c, r, tall)
}
