package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

// PrintWidth is the least width in pixels of a PNG of default size: 6.5 inches at 300 dots.
const PrintWidth = 1950

// ExportOptions says how a file is written; the zero value writes a light figure fit for print.
type ExportOptions struct {
	Scale float64 // PNG: pixels a unit, 1, 2 or 4; 0 for at least PrintWidth pixels across
	Width int     // PNG: width in pixels, instead of Scale
	Style *Style  // nil for Light
	View  View    // part of the figure; the zero value is all of it
	// Caption replaces the figure's own caption lines when it is not nil.
	Caption []string
}

// pixels gives the size of an image of a page of w by h units, and its pixels a unit.
func (o ExportOptions) pixels(w, h float64) (scale float64, width, height int) {
	switch {
	case o.Width > 0:
		scale = float64(o.Width) / w
	case o.Scale > 0:
		scale = o.Scale
	default:
		scale = math.Ceil(PrintWidth / w)
	}
	return scale, int(math.Round(w * scale)), int(math.Round(h * scale))
}

// Formats lists the extensions Export writes.
func Formats() []string { return []string{".png", ".svg", ".pdf"} }

// Export writes a figure to a file in the format of its extension: .png, .svg or .pdf. The file
// is replaced whole as by atomicfile.Write, so that a full disk or a crash leaves no half picture and
// keeps an older one.
func Export(f Figure, path string, o ExportOptions) error {
	ext := strings.ToLower(filepath.Ext(path))
	var buf bytes.Buffer
	if err := Encode(&buf, f, ext, o); err != nil {
		return fmt.Errorf("chart %q was not written: %w", path, err)
	}
	err := atomicfile.WriteBytes(path, buf.Bytes())
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("chart %q was not written, choose a folder that exists and is writable: %w",
			path, err)
	case err != nil:
		return fmt.Errorf("chart %q was not written, check the space on the disk: %w", path, err)
	}
	return nil
}

// Encode writes a figure to w; format is one of Formats.
func Encode(w io.Writer, f Figure, format string, o ExportOptions) error {
	st := Light()
	if o.Style != nil {
		st = *o.Style
	}
	st.Screen = false
	pw, ph := f.Size()
	page := f.Plot(st, o.View)
	if o.Caption != nil {
		page.Caption = o.Caption
	}
	switch strings.TrimPrefix(format, ".") {
	case "png":
		k, width, height := o.pixels(pw, ph)
		if width > 20000 || height > 20000 {
			return fmt.Errorf("an image of %d x %d pixels is too large, choose a width up to 20000",
				width, height)
		}
		img, c := newImage(width, height, k, st)
		page.Draw(c)
		return png.Encode(w, img)
	case "svg":
		return encodeSVG(w, page, pw, ph)
	case "pdf":
		cv := newPDF(pw, ph)
		drawOnGround(page, draw.New(cv))
		_, err := cv.WriteTo(w)
		return err
	}
	return fmt.Errorf("%q is not a picture format, use one of %s", format,
		strings.Join(Formats(), ", "))
}

func encodeSVG(w io.Writer, page *Page, pw, ph float64) error {
	cv := vgsvg.New(vg.Length(pw), vg.Length(ph))
	drawOnGround(page, draw.New(cv))
	var buf bytes.Buffer
	if _, err := cv.WriteTo(&buf); err != nil {
		return err
	}
	// Where Liberation Sans is missing, the faces it has the widths of come next.
	_, err := w.Write(bytes.ReplaceAll(buf.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")))
	return err
}

// drawOnGround fills the page first: vector files are transparent otherwise.
func drawOnGround(p *Page, c draw.Canvas) {
	c.SetColor(p.style.Ground)
	c.Fill(c.Rectangle.Path())
	p.Draw(c)
}
