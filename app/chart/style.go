package chart

import (
	"image/color"
	"math"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Style is a plain snapshot of colours and sizes. Lengths are in units: one unit is one point of
// gonum/plot and one Fyne unit, whatever the number of pixels.
type Style struct {
	Ground, Ink color.NRGBA // page and text
	Muted       color.NRGBA // axis labels, captions
	Grid        color.NRGBA // grid lines
	TextSize    float64
	Aside       float64 // width at the right of the title that something else stands on, in points
	Dark        bool    // ground is dark: choose the ramp of depths that stands out on it
	Screen      bool    // live view: hidden lines stay in the legend, faded, so they can be shown again
}

// Light is the style of exported figures.
func Light() Style {
	return StyleOn(color.NRGBA{255, 255, 255, 255}, color.NRGBA{0x1f, 0x23, 0x28, 255}, 11)
}

// Dark is the same on the dark ground of the window.
func Dark() Style {
	return StyleOn(color.NRGBA{0x17, 0x17, 0x18, 255}, color.NRGBA{0xec, 0xec, 0xee, 255}, 11)
}

// StyleOn derives a style from a ground, the colour of text on it and the text size, so that a
// chart suits any theme.
func StyleOn(ground, ink color.Color, textSize float64) Style {
	g, i := opaque(ground), opaque(ink)
	dark := luminance(g) < luminance(i)
	grid := 0.11
	if dark {
		grid = 0.15
	}
	muted := 0.68
	for muted < 1 && contrast(mix(g, i, muted), g) < 4.5 { // what small text needs to be read
		muted += 0.02
	}
	return Style{
		Ground: g, Ink: i, Muted: mix(g, i, muted), Grid: mix(g, i, grid),
		TextSize: textSize, Dark: dark,
	}
}

// RunColor gives the colour of a run's slot; eight hues with at least 3.7:1 contrast on white and
// on the window's dark ground. The ninth slot starts over.
func RunColor(slot int) color.NRGBA {
	hues := [8]uint32{
		0x2f7fd6, 0xd06a0f, 0x2f9140, 0xd94b4b, 0x9562c0, 0x1c9088, 0xa07800, 0xcc4f94,
	}
	c := hues[max(slot, 0)%len(hues)]
	return color.NRGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 255}
}

// RunDash gives the dash pattern of a run's slot in units, on and off by turns: none for the first
// four, then another one for every four, because colour alone does not tell eight lines apart.
func RunDash(slot int) []float64 {
	patterns := [4][]float64{nil, {7, 3}, {2, 2.5}, {8, 2.5, 2, 2.5}}
	return patterns[max(slot, 0)/4%len(patterns)]
}

// text gives a text style of size times the style's own.
func (s Style) text(size float64, c color.Color) text.Style {
	return text.Style{
		Color: c,
		Font: font.Font{
			Typeface: "Liberation", Variant: "Sans", Size: vg.Length(s.TextSize * size),
		},
		XAlign: draw.XLeft, YAlign: draw.YBottom,
		Handler: text.Plain{Fonts: font.DefaultCache},
	}
}

func bold(t text.Style) text.Style {
	t.Font.Weight = xfont.WeightBold
	return t
}

// mix goes from a to b as t goes from 0 to 1.
func mix(a, b color.NRGBA, t float64) color.NRGBA {
	f := func(a, b uint8) uint8 { return uint8(float64(a)*(1-t) + float64(b)*t + 0.5) }
	return color.NRGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 255}
}

func opaque(c color.Color) color.NRGBA {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = 255
	return n
}

// luminance is the relative luminance of the Web Content Accessibility Guidelines 2.
func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// contrast is their contrast ratio, 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}
