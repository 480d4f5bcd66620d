package chart

import (
	"image"
	stddraw "image/draw"
	"math"

	"git.sr.ht/~sbinet/gg"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Frame is a finished picture with what is needed to find data under the pointer.
type Frame struct {
	Image  *image.RGBA // whole: origin 0,0 and no stride beyond the width
	Areas  []Area      // of the panels that have axes
	Legend []LegendBox // rows of the legend that are on the page
}

// Area is the data rectangle of one panel.
type Area struct {
	Rect  image.Rectangle // in pixels of the frame
	X, Y  Axis
	FitX  Axis // the x axis without zoom
	panel *Panel
}

// LegendBox is where a row of the legend was drawn.
type LegendBox struct {
	Rect image.Rectangle // in pixels of the frame
	Name string
}

// At returns the area that holds a pixel, or nil.
func (f *Frame) At(px, py float64) *Area {
	for i := range f.Areas {
		r := f.Areas[i].Rect
		if px >= float64(r.Min.X) && px <= float64(r.Max.X) &&
			py >= float64(r.Min.Y) && py <= float64(r.Max.Y) {
			return &f.Areas[i]
		}
	}
	return nil
}

// Data gives the data coordinates of a pixel.
func (a *Area) Data(px, py float64) (x, y float64) {
	return a.X.Value((px - float64(a.Rect.Min.X)) / float64(a.Rect.Dx())),
		a.Y.Value((float64(a.Rect.Max.Y) - py) / float64(a.Rect.Dy()))
}

// Pixel gives the pixel of data coordinates.
func (a *Area) Pixel(x, y float64) (px, py float64) {
	return float64(a.Rect.Min.X) + a.X.Norm(x)*float64(a.Rect.Dx()),
		float64(a.Rect.Max.Y) - a.Y.Norm(y)*float64(a.Rect.Dy())
}

// Read gives the values at data coordinates.
func (a *Area) Read(x, y float64) Readout { return a.panel.Read(x, y) }

// Render draws a figure into a fresh image of w by h pixels, at the given number of pixels a unit.
// It may run on any goroutine while series grow. Sizes below one pixel are raised to one.
func Render(f Figure, st Style, v View, w, h int, scale float64) *Frame {
	w, h = max(w, 1), max(h, 1)
	page := f.Plot(st, v)
	img, c := newImage(w, h, scale, st)
	page.Draw(c)
	k, _ := pixelsPerUnit(c)
	fr := &Frame{Image: img}
	for _, p := range page.Panels {
		if p.Empty == "" && p.area.Max.X > p.area.Min.X && p.area.Max.Y > p.area.Min.Y {
			fr.Areas = append(fr.Areas,
				Area{Rect: roundRect(p.area, k, float64(h)), X: p.X, Y: p.Y, FitX: p.FitX, panel: p})
		}
	}
	for i, r := range page.entries {
		if r.Max.X > r.Min.X {
			fr.Legend = append(fr.Legend, LegendBox{pixelRect(r, k, float64(h)), page.Legend[i].Name})
		}
	}
	return fr
}

// newImage makes an image with the ground filled and a canvas over it. The context is made for
// this very image: other constructors of vgimg copy it.
func newImage(w, h int, scale float64, st Style) (*image.RGBA, draw.Canvas) {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	ctx := gg.NewContextForRGBA(img)
	ctx.SetLineCapButt()
	ctx.InvertY()
	dpi := max(1, int(72*scale+0.5))
	cv := vgimg.NewWith(vgimg.UseImageWithContext(img, ctx), vgimg.UseDPI(dpi))
	stddraw.Draw(img, img.Rect, image.NewUniform(st.Ground), image.Point{}, stddraw.Src)
	return img, draw.New(cv)
}

func roundRect(r vg.Rectangle, k, h float64) image.Rectangle {
	px := func(v float64) int { return int(math.Round(v)) }
	return image.Rect(px(float64(r.Min.X)*k), px(h-float64(r.Max.Y)*k),
		px(float64(r.Max.X)*k), px(h-float64(r.Min.Y)*k))
}
