package chart

import (
	"image"
	"image/color"
	"image/draw"

	xfont "golang.org/x/image/font"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// pdfCanvas makes up for four faults of gonum's PDF back end (v0.17), each seen in rendered files.
type pdfCanvas struct{ *vgpdf.Canvas }

func newPDF(w, h float64) pdfCanvas { return pdfCanvas{vgpdf.New(vg.Length(w), vg.Length(h))} }

// FillString implements vg.Canvas. The back end writes bytes for Windows code page 1252 but is
// given UTF-8; and all faces of a document share the file of one, so that bold text would get the
// outlines of one face with the widths of another: everything is written in the regular face.
func (c pdfCanvas) FillString(f font.Face, p vg.Point, s string) {
	if f.Font.Weight != xfont.WeightNormal {
		regular := f.Font
		regular.Weight = xfont.WeightNormal
		f = font.DefaultCache.Lookup(regular, regular.Size)
	}
	coded, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).String(s)
	if err != nil {
		coded = s
	}
	c.Canvas.FillString(f, p, coded)
}

// SetColor implements vg.Canvas. The back end takes colours that are multiplied by their alpha
// for plain ones, and so darkens what is translucent.
func (c pdfCanvas) SetColor(col color.Color) {
	if col != nil {
		col = plainColor{color.NRGBAModel.Convert(col).(color.NRGBA)}
	}
	c.Canvas.SetColor(col)
}

// plainColor returns its components without multiplying them by alpha.
type plainColor struct{ color.NRGBA }

func (c plainColor) RGBA() (r, g, b, a uint32) {
	return uint32(c.R) * 0x101, uint32(c.G) * 0x101, uint32(c.B) * 0x101, uint32(c.A) * 0x101
}

// DrawImage implements vg.Canvas. The back end draws images upside down.
func (c pdfCanvas) DrawImage(r vg.Rectangle, m image.Image) {
	b := m.Bounds()
	flipped := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		draw.Draw(flipped, image.Rect(0, b.Dy()-1-y, b.Dx(), b.Dy()-y), m,
			image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
	}
	c.Canvas.DrawImage(r, flipped)
}
