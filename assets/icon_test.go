package assets

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write icon.png anew")

// iconSize is the side of the icon in pixels; the shapes below are in units of 1/32 of it, so that
// edges fall on whole pixels of a 32-pixel icon.
const iconSize = 512

// On a Mac the mark's ground, 30 units wide, takes 824 of 1024 pixels: the margin that icons have there.
const (
	macSize   = 1024
	macShrink = 824. / 1024 * 32 / 30
)

// drawIcon draws the mark, made smaller by a factor, with 4x4 samples a pixel.
func drawIcon(size int, shrink float64) *image.NRGBA {
	const over = 4
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			var r, g, b, a float64
			for s := range over * over {
				u := (float64(x) + (float64(s%over)+0.5)/over) * 32 / float64(size)
				v := (float64(y) + (float64(s/over)+0.5)/over) * 32 / float64(size)
				c := iconAt(16+(u-16)/shrink, 16+(v-16)/shrink)
				r, g, b, a = r+c[0]*c[3], g+c[1]*c[3], b+c[2]*c[3], a+c[3]
			}
			if a > 0 {
				img.SetNRGBA(x, y, color.NRGBA{round(r / a), round(g / a), round(b / a), round(a / over / over * 255)})
			}
		}
	}
	return img
}

func round(v float64) uint8 { return uint8(math.Round(v)) }

// iconAt is the colour, with its opacity, at a point of the 32 x 32 field.
func iconAt(u, v float64) [4]float64 {
	const waterline = 18
	t := (v - 1) / 30 // grounds grow darker downwards
	switch {
	case !rounded(u, v, 1, 1, 31, 31, 7):
		return [4]float64{}
	case sail(u, v, 15.5, -8.5, 4, 14), hull(u, v), keel(u, v):
		return [4]float64{255, 255, 255, 1}
	case sail(u, v, 17, 6.5, 6, 14):
		return [4]float64{128, 192, 255, 1}
	case v < waterline:
		return [4]float64{30 - 14*t, 74 - 34*t, 138 - 50*t, 1}
	}
	return [4]float64{64 - 30*t, 150 - 60*t, 232 - 70*t, 1}
}

// rounded tells whether a point is in a rectangle with round corners.
func rounded(u, v, x0, y0, x1, y1, radius float64) bool {
	dx := max(x0+radius-u, 0, u-(x1-radius))
	dy := max(y0+radius-v, 0, v-(y1-radius))
	return u >= x0 && u <= x1 && v >= y0 && v <= y1 && dx*dx+dy*dy <= radius*radius
}

// sail is a triangle with its luff at u0 from v0 to v1 and its foot du wide.
func sail(u, v, u0, du, v0, v1 float64) bool {
	x := (u - u0) / du
	return v <= v1 && x >= 0 && x <= (v-v0)/(v1-v0)
}

// hull is a boat from the side: flat on deck, its bottom part of an ellipse.
func hull(u, v float64) bool {
	x, y := (u-16)/12, (v-15.5)/5
	return y >= 0 && x*x+y*y <= 1
}

// keel is the fin below it, swept aft.
func keel(u, v float64) bool {
	t := (v - 19) / 8.5
	return t >= 0 && t <= 1 && u >= 12+2.5*t && u <= 20-2*t
}

// TestIconsAreAsDrawn compares icon.png and mac.png, from which tools/bundle makes the icon of the bundle,
// with what is drawn here.
func TestIconsAreAsDrawn(t *testing.T) {
	file, err := os.ReadFile("mac.png")
	if err != nil && !*update {
		t.Fatal(err)
	}
	sameIcon(t, "icon.png", Icon, drawIcon(iconSize, 1))
	sameIcon(t, "mac.png", file, drawIcon(macSize, macShrink))
}

func sameIcon(t *testing.T, name string, have []byte, want *image.NRGBA) {
	t.Helper()
	if *update {
		var buf bytes.Buffer
		if err := png.Encode(&buf, want); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := png.Decode(bytes.NewReader(have))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("%s is %v, drawn %v", name, got.Bounds(), want.Bounds())
	}
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			a, b := color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA), want.NRGBAAt(x, y)
			for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B), int(a.A) - int(b.A)} {
				if d > 2 || d < -2 { // machines may round a power differently
					t.Fatalf("%s at %d, %d is %v, drawn %v; run go test -update ./assets", name, x, y, a, b)
				}
			}
		}
	}
}
