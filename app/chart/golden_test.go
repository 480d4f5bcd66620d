package chart

import (
	"flag"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// TestGolden compares small pictures of every kind of figure with those in testdata: at most 1 %
// of the pixels may differ by more than 24, as processors round differently.
func TestGolden(t *testing.T) {
	all := gallery()
	for _, c := range []struct {
		name string
		st   Style
	}{
		{"loss", Light()}, {"loss", Dark()}, {"loss-log", Light()}, {"broken", Light()},
		{"bars-log", Light()}, {"layers", Dark()}, {"heat-bad", Light()}, {"figure2", Light()},
		{"empty", Dark()},
	} {
		name := c.name + "-light"
		if c.st.Dark {
			name = c.name + "-dark"
		}
		t.Run(name, func(t *testing.T) {
			f := all[c.name]
			w, h := f.Size()
			got := Render(f, c.st, View{}, int(w*0.7), int(h*0.7), 1).Image
			path := filepath.Join("testdata", name+".png")
			if *update {
				writePNG(t, path, got)
				return
			}
			want := readPNG(t, path)
			if got.Rect != want.Rect {
				t.Fatalf("picture is %v, golden %v", got.Rect, want.Rect)
			}
			if far, _ := compare(got, want, 24); far > 0.01 {
				out := filepath.Join(os.TempDir(), "evenkeel-"+name)
				writePNG(t, out+"-new.png", got)
				writePNG(t, out+"-diff.png", difference(got, want))
				t.Errorf("%.2f%% of the pixels differ; see %s-new.png and -diff.png", far*100, out)
			}
		})
	}
}

func difference(a, b *image.RGBA) *image.RGBA {
	out := image.NewRGBA(a.Rect)
	for i := range out.Pix {
		d := int(a.Pix[i]) - int(b.Pix[i])
		out.Pix[i] = uint8(255 - min(255, 3*max(d, -d)))
		if i%4 == 3 {
			out.Pix[i] = 255
		}
	}
	return out
}

func toRGBA(m image.Image) *image.RGBA {
	out := image.NewRGBA(m.Bounds())
	draw.Draw(out, out.Rect, m, image.Point{}, draw.Src)
	return out
}

func writePNG(t *testing.T, path string, m image.Image) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := png.Encode(out, m); err != nil {
		t.Fatal(err)
	}
}

func readPNG(t *testing.T, path string) *image.RGBA {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v; run go test -update and look at the picture", err)
	}
	defer in.Close()
	m, err := png.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	return toRGBA(m)
}
