package chart

import (
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestGallery draws every kind of figure, light and dark, and writes them into the folder that
// EVENKEEL_GALLERY names, for a person to look at.
func TestGallery(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much and starts no goroutine")
	}
	dir := os.Getenv("EVENKEEL_GALLERY")
	if dir == "" {
		dir = t.TempDir()
	}
	for name, f := range gallery() {
		for ground, st := range map[string]Style{"light": Light(), "dark": Dark()} {
			w, h := f.Size()
			fr := Render(f, st, View{}, int(w*2), int(h*2), 2)
			if colours(fr.Image) < 3 {
				t.Errorf("%s on %s ground is blank", name, ground)
			}
			out, err := os.Create(filepath.Join(dir, name+"-"+ground+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(out, fr.Image); err != nil {
				t.Fatal(err)
			}
			out.Close()
		}
	}
}

// colours counts the colours of a picture.
func colours(m *image.RGBA) int {
	seen := map[[4]byte]bool{}
	for i := 0; i < len(m.Pix); i += 4 {
		seen[[4]byte(m.Pix[i:i+4])] = true
	}
	return len(seen)
}

func gallery() map[string]Figure {
	logLoss := lossLines(3, 2000, true)
	logLoss.LogX, logLoss.LogY = true, true
	broken := lossLines(2, 300, false)
	broken.Lines[0].Series = SeriesOf([]float64{1, 50, 100, 101, 102, 150, 200},
		[]float64{5, 4, 3, math.NaN(), math.Inf(1), 2.5, 2.2})
	one := &Lines{Head: Head{Title: "One point"}, XLabel: "step", YLabel: "loss (nats/token)",
		Lines: []Line{{Name: "Pre-Norm", Series: SeriesOf([]float64{1}, []float64{5.5})}}}
	constant := &Lines{Head: Head{Title: "Learning rate"}, XLabel: "step", YLabel: "learning rate",
		Lines: []Line{{Name: "Pre-Norm",
			Series: SeriesOf([]float64{1, 50, 100}, []float64{3e-4, 3e-4, 3e-4})}}}
	tiny := &Lines{Head: Head{Title: "Tiny"}, XLabel: "step", YLabel: "value", Lines: []Line{
		{Name: "a", Series: SeriesOf([]float64{1, 50, 100}, []float64{1e-9, 2.3e-9, 1.7e-9})}}}
	huge := &Lines{Head: Head{Title: "Huge"}, XLabel: "tokens", YLabel: "value", Lines: []Line{
		{Name: "a", Series: SeriesOf([]float64{0, 5e8, 1e9}, []float64{1e9, 1e9 + 3, 1e9 + 1})}}}
	layers := &LayerLines{Head: Head{Title: "Gradient norm by layer"}, XLabel: "step",
		YLabel: "gradient norm (L2)", LogY: true, Smooth: 0.9, Layers: layerSeries(16, 400)}
	heat := &HeatMap{Head: Head{Title: "Gradient norm by layer"},
		ValueLabel: "gradient norm (L2)", Log: true, Layers: layerSeries(24, 800)}
	bad := layerSeries(6, 40)
	bad[4].Append(500, math.NaN())
	bad[4].Append(510, math.Inf(1))
	heatBad := &HeatMap{Head: Head{Title: "Gradient norm by layer"}, Log: true,
		ValueLabel: "gradient norm (L2)", XMax: 600, Layers: bad}
	return map[string]Figure{
		"loss": lossLines(2, 2000, true), "loss-many": lossLines(10, 5000, false),
		"loss-log": logLoss, "broken": broken, "one": one, "constant": constant, "tiny": tiny,
		"huge": huge, "empty": lossLines(1, 0, false), "layers": layers, "heat": heat,
		"heat-bad": heatBad, "bars": barsAt("Gradient norm at step 1", -0.1, 0.05, 0.02, false),
		"bars-log": barsAt("Gradient norm at step 1", -0.4, 0.3, 0.02, true), "figure2": figure2(), "band": bandFigure(300),
	}
}
