package chart

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestSpreadOf: mean and range at every x, whichever series have it; NaN breaks the mean and not the range.
func TestSpreadOf(t *testing.T) {
	nan := math.NaN()
	a := SeriesOf([]float64{1, 2, 3, 4}, []float64{1, 2, nan, 4})
	b := SeriesOf([]float64{1, 3, 5}, []float64{3, 6, 7})
	got := spreadOf([]*Series{a, NewSeries(), b}, 0)
	want := spread{
		x: []float64{1, 2, 3, 4, 5}, mean: []float64{2, 2, nan, 4, 7},
		low: []float64{1, 2, 6, 4, 7}, high: []float64{3, 2, 6, 4, 7},
	}
	if !same(got.x, want.x) || !same(got.mean, want.mean) || !same(got.low, want.low) || !same(got.high, want.high) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	all := spreadOf([]*Series{SeriesOf([]float64{1}, []float64{nan})}, 0)
	if !math.IsNaN(all.low[0]) || !math.IsNaN(all.mean[0]) {
		t.Errorf("a NaN alone gives %+v", all)
	}
	if x, y := a.Points(); len(x) != 4 || y[0] != 1 {
		t.Error("the series was changed")
	}
}

// TestSpreadIsSmoothedEach: the mean of smoothed series is the smoothed mean.
func TestSpreadIsSmoothedEach(t *testing.T) {
	x, a, b, mean := []float64{}, []float64{}, []float64{}, []float64{}
	for i := range 50 {
		u, v := math.Sin(float64(i)), math.Cos(float64(2*i))
		x, a, b, mean = append(x, float64(i)), append(a, u), append(b, v), append(mean, (u+v)/2)
	}
	got := spreadOf([]*Series{SeriesOf(x, a), SeriesOf(x, b)}, 0.9)
	_, want := SeriesOf(x, mean).Smoothed(0.9)
	for i := range want {
		if math.Abs(got.mean[i]-want[i]) > 1e-12 || got.low[i] > got.mean[i] || got.high[i] < got.mean[i] {
			t.Fatalf("at %d: %g in [%g, %g], want %g", i, got.mean[i], got.low[i], got.high[i], want[i])
		}
	}
}

// same compares numbers, with NaN equal to itself.
func same(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return false
		}
	}
	return true
}

// bandFigure is a race of three variants, the first without a second seed yet.
func bandFigure(points int) *Lines {
	f := lossLines(3, points, false)
	f.ShowRaw, f.References = false, nil
	for i := range f.Lines {
		l := &f.Lines[i]
		x, y := l.Series.Points()
		l.Seeds, l.Series = []*Series{l.Series}, nil
		for s := range 2 * min(i, 1) {
			other := NewSeries()
			for k := range x[:len(x)*(3-s)/3] {
				other.Append(x[k], y[k]*(1+0.05*float64(s+1))+0.2)
			}
			l.Seeds = append(l.Seeds, other)
		}
	}
	return f
}

// TestBandIsDrawn fills the range and nothing else, on every back end.
func TestBandIsDrawn(t *testing.T) {
	flat := &Lines{Head: Head{Title: "Band"}, XLabel: "step", YLabel: "loss", Lines: []Line{{
		Name: "Pre-Norm", Slot: 0, Seeds: []*Series{
			SeriesOf([]float64{0, 50, 100}, []float64{1, 1, 1}), SeriesOf([]float64{0, 50, 100}, []float64{3, 3, 3}),
			SeriesOf([]float64{0, 50}, []float64{2, 2}),
		}}}}
	st := Light()
	fr := Render(flat, st, View{}, 800, 500, 1)
	a := fr.Areas[0]
	at := func(x, y float64) [4]byte {
		px, py := a.Pixel(x, y)
		o := fr.Image.PixOffset(int(px), int(py))
		return [4]byte(fr.Image.Pix[o : o+4])
	}
	ground := [4]byte{st.Ground.R, st.Ground.G, st.Ground.B, 255}
	inside := at(33.3, 1.55)
	if inside == ground || at(66.6, 2.45) != inside {
		t.Errorf("inside the band the picture is %v and %v on the ground %v", inside, at(66.6, 2.45), ground)
	}
	if fr.Areas[0].Read(a.Data(a.Pixel(100, 2))).Rows[0].Value != "2.0000  (1.0000 to 3.0000)" {
		t.Errorf("the read-out is %+v", fr.Areas[0].Read(a.Data(a.Pixel(100, 2))))
	}
	dir := t.TempDir()
	for _, ext := range Formats() {
		with, without := filepath.Join(dir, "with"+ext), filepath.Join(dir, "without"+ext)
		thin := *flat
		thin.Lines = []Line{{Name: "Pre-Norm", Seeds: flat.Lines[0].Seeds[:1]}}
		if err := Export(flat, with, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := Export(&thin, without, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(with)
		b, _ := os.ReadFile(without)
		if len(a) == 0 || reflect.DeepEqual(a, b) {
			t.Errorf("%s: the band leaves no trace", ext)
		}
	}
}

// TestBandZoomed draws part of a dense band, on linear and log axes, without leaving the plot.
func TestBandZoomed(t *testing.T) {
	f := bandFigure(20_000)
	for _, f.LogY = range []bool{false, true} {
		for _, v := range []View{{}, {X0: 100, X1: 120}, {X0: 5000, X1: 9000, Y0: 1.5, Y1: 1.6}} {
			fr := Render(f, Light(), v, 700, 400, 1)
			r := fr.Areas[0].Rect
			tint := 0
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for _, x := range []int{r.Max.X + 2, r.Max.X + 4} {
					o := fr.Image.PixOffset(x, y)
					if p := fr.Image.Pix[o : o+3]; p[0] != p[1] && p[0] < 250 {
						tint++
					}
				}
			}
			if tint > 0 {
				t.Errorf("zoomed to %+v, %d pixels right of the plot are drawn on", v, tint)
			}
		}
	}
}
