package chart

import (
	"image"
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
)

// stroked makes all lines of a page take the path of the vector files.
func stroked(p *Page) {
	for _, q := range p.Panels {
		for _, l := range q.lines {
			l.stroke = true
		}
	}
}

func drawPage(p *Page, w, h int, scale float64) *image.RGBA {
	img, c := newImage(w, h, scale, p.style)
	p.Draw(c)
	return img
}

// TestCoverageEqualsStrokedPaths holds the coverage plane, which draws every frame, to the path
// rasteriser of gonum/plot, which is slow but not ours.
func TestCoverageEqualsStrokedPaths(t *testing.T) {
	dashed := lossLines(6, 120, true)
	dashed.ShowRaw = false // stroked pieces overlap, which shows in translucent raw lines
	dense := lossLines(2, 6000, false)
	dense.ShowRaw = false
	zoomed := lossLines(2, 500, false)
	zoomed.ShowRaw = false
	view := View{X0: 100, X1: 130, Y0: 1.7, Y1: 2.2}
	for name, c := range map[string]struct {
		f *Lines
		v View
	}{"dashed": {dashed, View{}}, "dense": {dense, View{}}, "zoomed": {zoomed, view}} {
		fast := drawPage(c.f.Plot(Light(), c.v), 800, 500, 1)
		page := c.f.Plot(Light(), c.v)
		stroked(page)
		slow := drawPage(page, 800, 500, 1)
		far, mean := compare(fast, slow, 48)
		if far > 0.004 || mean > 1 {
			t.Errorf("%s: %.2f%% of the pixels differ by more than 48, mean difference %.2f",
				name, far*100, mean)
		}
		if blank := drawPage((&Lines{}).Plot(Light(), View{}), 800, 500, 1); name == "dashed" {
			if far, _ := compare(fast, blank, 48); far < 0.01 {
				t.Error("nothing was drawn")
			}
		}
	}
}

// compare gives the share of pixels with a channel further apart than tolerance, and the mean
// difference of channels.
func compare(a, b *image.RGBA, tolerance int) (far, mean float64) {
	n, sum, over := len(a.Pix)/4, 0, 0
	for i := 0; i < len(a.Pix); i += 4 {
		worst := 0
		for k := range 3 {
			d := int(a.Pix[i+k]) - int(b.Pix[i+k])
			d = max(d, -d)
			sum += d
			worst = max(worst, d)
		}
		if worst > tolerance {
			over++
		}
	}
	return float64(over) / float64(n), float64(sum) / float64(3*n)
}

func TestFrameMapsPixelsToData(t *testing.T) {
	f := lossLines(2, 500, false)
	f.LogX, f.LogY = true, true
	fr := Render(f, Dark(), View{}, 900, 600, 1.5)
	if len(fr.Areas) != 1 || fr.Image.Rect != image.Rect(0, 0, 900, 600) || fr.Image.Stride != 3600 {
		t.Fatalf("%d areas in an image of %v", len(fr.Areas), fr.Image.Rect)
	}
	a := fr.Areas[0]
	x, y := a.Data(a.Pixel(37, 3.5))
	if math.Abs(x-37) > 1e-6 || math.Abs(y-3.5) > 1e-6 {
		t.Errorf("37, 3.5 came back as %v, %v", x, y)
	}
	if fr.At(float64(a.Rect.Min.X)-5, 300) != nil || fr.At(float64(a.Rect.Min.X)+5, 300) == nil {
		t.Error("At does not find the area")
	}
	if len(fr.Legend) != 2 || fr.Legend[1].Name != "Pre-Norm" || fr.Legend[0].Rect.Max.Y > a.Rect.Min.Y {
		t.Errorf("legend boxes %v, plot %v", fr.Legend, a.Rect)
	}
}

// TestLinesAreWhereAxesSay looks for the line's colour at the pixel of a data point.
func TestLinesAreWhereAxesSay(t *testing.T) {
	f := &Lines{XLabel: "step", YLabel: "y", Lines: []Line{{Name: "a", Slot: 3,
		Series: SeriesOf([]float64{0, 10, 20}, []float64{1, 5, 1})}}}
	fr := Render(f, Light(), View{}, 800, 500, 2)
	px, py := fr.Areas[0].Pixel(5, 3)
	got := fr.Image.RGBAAt(int(px), int(py))
	if want := RunColor(3); got.R != want.R || got.G != want.G || got.B != want.B {
		t.Errorf("pixel of (5, 3) is %v, want %v", got, want)
	}
}

func TestTinyAndOddSizesDoNotPanic(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much and starts no goroutine")
	}
	for name, f := range gallery() {
		for _, s := range [][2]int{{0, 0}, {1, 1}, {8, 300}, {300, 8}, {60, 40}, {130, 90}} {
			if fr := Render(f, Dark(), View{}, s[0], s[1], 1); fr.Image == nil {
				t.Errorf("%s at %v gave no image", name, s)
			}
		}
		for _, v := range []View{{X0: 5, X1: 5.001}, {X0: -1e6, X1: -1e5}, {Y0: 1e8, Y1: 1e9},
			{X0: 1e-3, X1: 1e12}, {X0: 3, X1: 40, Y0: 1.2, Y1: 1.3, Follow: true}} {
			Render(f, Light(), v, 400, 250, 1)
		}
	}
}

// TestTickLabelsNeverCollide lays pages out at many sizes and measures the labels.
func TestTickLabelsNeverCollide(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much and starts no goroutine")
	}
	for name, f := range gallery() {
		for _, w := range []int{150, 260, 400, 700, 1100} {
			page := f.Plot(Light(), View{})
			drawPage(page, w, w*2/3, 1)
			for _, p := range page.Panels {
				if p.Empty != "" || p.area.Max.X <= p.area.Min.X {
					continue
				}
				checkLabels(t, name, p)
			}
		}
	}
}

func checkLabels(t *testing.T, name string, p *Panel) {
	t.Helper()
	sty := Light().text(0.95, Light().Muted)
	last := vg.Length(math.Inf(-1))
	for _, k := range labelled(p.xmarks) {
		half := sty.Width(k.Label) / 2
		at := vg.Length(p.X.Norm(k.Value)) * (p.area.Max.X - p.area.Min.X)
		if at-half < last {
			t.Errorf("%s, %v wide: x label %q runs into the one before", name, p.area.Max.X, k.Label)
		}
		last = at + half
	}
	line := sty.FontExtents().Height
	last = vg.Length(math.Inf(-1))
	for _, k := range labelled(p.ymarks) {
		at := vg.Length(p.Y.Norm(k.Value)) * (p.area.Max.Y - p.area.Min.Y)
		if at-last < line {
			t.Errorf("%s, %v high: y label %q runs into the one before", name, p.area.Max.Y, k.Label)
		}
		last = at
	}
}
