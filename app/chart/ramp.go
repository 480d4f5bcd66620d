package chart

import (
	"image/color"

	"gonum.org/v1/plot/palette/moreland"
)

// magenta marks cells that are not finite; the Kindlmann map does not contain it.
func magenta() color.NRGBA { return color.NRGBA{255, 0, 255, 255} }

// depthColor gives the colour of layer l of n: from a light to a deep tone on a light ground and
// the other way round on a dark one, so that the last layers stand out and all can be read.
func depthColor(l, n int, dark bool) color.NRGBA {
	stops := []color.NRGBA{
		{0xf0, 0xa0, 0x3a, 255}, {0xdb, 0x56, 0x5b, 255}, {0x9c, 0x3a, 0x92, 255},
		{0x53, 0x35, 0x9c, 255}, {0x1c, 0x24, 0x5c, 255},
	}
	if dark {
		stops = []color.NRGBA{
			{0x5a, 0x55, 0xc8, 255}, {0x9a, 0x50, 0xc4, 255}, {0xd8, 0x55, 0x8c, 255},
			{0xf3, 0x86, 0x5c, 255}, {0xfb, 0xdc, 0x7a, 255},
		}
	}
	if n < 2 {
		return stops[len(stops)/2]
	}
	t := float64(l) / float64(n-1) * float64(len(stops)-1)
	k := min(int(t), len(stops)-2)
	return mix(stops[k], stops[k+1], t-float64(k))
}

// kindlmann returns 256 colours of Kindlmann's map: luminance rises evenly, so that the order
// survives a grey print and colour blindness. The ends are left off, as black and white would
// vanish in a dark or a light page.
func kindlmann() (lut [256]color.NRGBA) {
	m := moreland.Kindlmann()
	m.SetMin(0)
	m.SetMax(1)
	for i := range lut {
		c, err := m.At(0.05 + 0.89*float64(i)/255)
		if err != nil { // only outside [0, 1]
			panic(err)
		}
		lut[i] = opaque(c)
	}
	return lut
}
