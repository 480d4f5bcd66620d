package chart

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
)

// cover is a plane of 8-bit coverage in which the segments of one line are drawn before the line
// is blended once. Segments combine by maximum, so joints and overlaps never darken. It replaces
// the path rasteriser of gonum/plot, whose cost is quadratic in the points of a dense column.
type cover struct {
	r      image.Rectangle
	pix    []uint8
	y0, y1 int // rows that were touched, absolute
}

func newCover(r image.Rectangle) *cover {
	return &cover{r: r, pix: make([]uint8, r.Dx()*r.Dy()), y0: r.Max.Y, y1: r.Min.Y}
}

// segment adds a line with round caps and half width half from a to b, all in pixels.
func (c *cover) segment(ax, ay, bx, by, half float64) {
	if ax > bx {
		ax, ay, bx, by = bx, by, ax, ay
	}
	mx, my := float64(c.r.Min.X), float64(c.r.Min.Y)
	ax, bx, ay, by = ax-mx, bx-mx, ay-my, by-my
	w, h := c.r.Dx(), c.r.Dy()
	reach := half + 0.5
	lo, hi := min(ay, by)-reach, max(ay, by)+reach
	if hi < 0 || lo > float64(h) || bx+reach < 0 || ax-reach > float64(w) {
		return
	}
	c.y0 = min(c.y0, max(c.r.Min.Y, int(math.Floor(lo))+c.r.Min.Y))
	c.y1 = max(c.y1, min(c.r.Max.Y, int(math.Ceil(hi))+1+c.r.Min.Y))
	if bx-ax <= 1 && math.Abs(by-ay) > 2 {
		c.column((ax+bx)/2, lo+reach, hi-reach, half)
		return
	}
	c.sloped(ax, ay, bx, by, half)
}

// column fills an all but vertical segment: the same coverage down each pixel column.
func (c *cover) column(x, top, bottom, half float64) {
	w, h := c.r.Dx(), c.r.Dy()
	l, r := x-half, x+half
	for cx := max(0, int(math.Floor(l))); cx <= min(w-1, int(r)); cx++ {
		part := min(r, float64(cx+1)) - max(l, float64(cx))
		if part <= 0 {
			continue
		}
		v := uint8(clamp(part, 0, 1)*255 + 0.5)
		t, b := max(0, int(top)), min(h-1, int(bottom))
		for p, e := t*w+cx, b*w+cx; p <= e; p += w {
			c.pix[p] = max(c.pix[p], v)
		}
	}
}

// sloped fills any segment by the distance of pixel centres from it. Going down a column both the
// distance from the line and the place along it change by constants.
func (c *cover) sloped(ax, ay, bx, by, half float64) {
	w, h := c.r.Dx(), c.r.Dy()
	reach := half + 0.5
	lo, hi := min(ay, by)-reach, max(ay, by)+reach
	x0 := int(max(0, math.Floor(ax-reach)))
	x1 := int(min(float64(w-1), math.Ceil(bx+reach)))
	dx, dy := bx-ax, by-ay
	length := math.Sqrt(dx*dx + dy*dy)
	slope := 0.0
	if dx > 0 {
		slope = dy / dx
	}
	ux, uy := 1.0, 0.0 // along the segment; a dot has all its pixels in its caps
	if length > 0 {
		ux, uy = dx/length, dy/length
	}
	tall := reach * math.Sqrt(1+slope*slope) // half height of the stroke in one column
	for x := x0; x <= x1; x++ {
		px := float64(x) + 0.5 - ax
		yl, yh := lo, hi
		if dx > 0 {
			y := ay + min(max(px, 0), dx)*slope
			yl, yh = max(lo, y-tall), min(hi, y+tall)
		}
		r0, r1 := int(max(0, math.Floor(yl))), int(min(float64(h-1), math.Ceil(yh)))
		py := float64(r0) + 0.5 - ay
		along, off := px*ux+py*uy, px*uy-py*ux
		for p, e := r0*w+x, r1*w+x; p <= e; p += w {
			d := reach - math.Abs(off)
			if along < 0 || along > length { // round caps
				past := -along
				if along > 0 {
					past = along - length
				}
				d = reach - math.Sqrt(past*past+off*off)
			}
			if d > 0 {
				c.pix[p] = max(c.pix[p], uint8(min(d, 1)*255+0.5))
			}
			along += uy
			off -= ux
		}
	}
}

// blend paints col through the plane and clears it.
func (c *cover) blend(dst *image.RGBA, col color.NRGBA) {
	w := c.r.Dx()
	alpha := uint32(col.A)
	for y := c.y0; y < c.y1; y++ {
		row := c.pix[(y-c.r.Min.Y)*w : (y-c.r.Min.Y+1)*w]
		d := dst.Pix[dst.PixOffset(c.r.Min.X, y):]
		for x := 0; x < w; x++ {
			for x+8 <= w && binary.NativeEndian.Uint64(row[x:]) == 0 {
				x += 8 // most of the plane is empty
			}
			if x >= w {
				break
			}
			a := row[x]
			if a == 0 {
				continue
			}
			o := d[x*4 : x*4+3 : x*4+3]
			k := (uint32(a)*alpha + 127) / 255
			n := 255 - k
			o[0] = uint8((uint32(col.R)*k + uint32(o[0])*n + 127) / 255)
			o[1] = uint8((uint32(col.G)*k + uint32(o[1])*n + 127) / 255)
			o[2] = uint8((uint32(col.B)*k + uint32(o[2])*n + 127) / 255)
			row[x] = 0
		}
	}
	c.y0, c.y1 = c.r.Max.Y, c.r.Min.Y
}
