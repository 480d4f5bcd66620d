package ui

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
)

// TestTrainsForReal is the whole way of a person: choose HybridNorm*, press Train, watch 20 steps of the
// real trainer, export the charts.
func TestTrainsForReal(t *testing.T) {
	f := newFixture(t, Dark)
	root := t.TempDir()
	f.opt.Start = func(c trainer.Config) (Job, error) { return trainer.Start(c, trainer.Options{Root: root}) }
	c := trainer.DefaultConfig()
	c.Preset, c.Model.Layers, c.Model.D, c.Model.FFN, c.Model.Seq = "", 3, 32, 64, 32
	c.Model.Variant, c.Steps, c.Batch, c.DataBytes, c.Device = "pre", 20, 4, 60_000, "cpu"
	c.EvalEvery, c.EvalBatches, c.SampleEvery, c.SampleTokens, c.CheckpointEvery = 10, 1, 10, 8, 10
	f.useConfig(c)
	f.variant.picker.open()
	f.variant.picker.filter.SetText("HybridNorm*")
	f.variant.picker.filter.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	f.Train()
	f.waitFor(Done)
	r := f.current
	if r.cfg.Model.Variant != "hybrid_star" {
		t.Fatalf("%s was trained", r.cfg.Model.Variant)
	}
	x, loss := r.series[trainer.KeyLoss].Points()
	if len(x) != 20 || x[19] != 20 || !(loss[19] < loss[0]) {
		t.Errorf("%d losses, from %v to %v", len(x), loss[0], loss[len(loss)-1])
	}
	if n := r.series[trainer.KeyValLoss].Len(); n != 2 {
		t.Errorf("%d validation losses, want 2", n)
	}
	for l := range 3 {
		if _, g, ok := r.series[trainer.KeyLayerNorm(l)].Last(); !ok || !(g > 0) {
			t.Errorf("the gradient norm of layer %d is %v", l, g)
		}
	}
	if len(r.samples) == 0 || r.snap.RunPath == "" {
		t.Errorf("%d samples, run folder %q", len(r.samples), r.snap.RunPath)
	}
	names := []string{"loss.png"}
	if testing.Short() {
		f.ExportShown()
	} else {
		f.ExportAll()
		names = append(names, "gradient-norm-over-steps.png", "gradient-norm-by-block-at-20.png")
	}
	f.loop.until(t, "the charts are saved", func() bool { return f.banner.Visible() })
	dir := filepath.Join(f.opt.ExportDir, filepath.Base(r.snap.RunPath))
	for _, name := range names {
		checkPicture(t, filepath.Join(dir, name))
	}
}

// checkPicture tells whether a file is a PNG at print quality with more than a blank page on it.
func checkPicture(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	img, err := png.Decode(file)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	b := img.Bounds()
	if b.Dx() < chart.PrintWidth {
		t.Errorf("%s is %d pixels wide, want at least %d", path, b.Dx(), chart.PrintWidth)
	}
	colours, inked := map[[3]uint32]bool{}, 0
	ground := img.At(b.Min.X, b.Min.Y)
	for y := b.Min.Y; y < b.Max.Y; y += 3 {
		for x := b.Min.X; x < b.Max.X; x += 3 {
			c := img.At(x, y)
			r, g, bl, _ := c.RGBA()
			colours[[3]uint32{r, g, bl}] = true
			if c != ground {
				inked++
			}
		}
	}
	if share := float64(inked*9) / float64(b.Dx()*b.Dy()); share < 0.01 || len(colours) < 10 {
		t.Errorf("%s: %.2f %% of the page is drawn on, in %d colours", path, 100*share, len(colours))
	}
}

// TestExportNeverReplaces writes the same chart twice, and needs data to write anything.
func TestExportNeverReplaces(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing for print is slow under the race detector")
	}
	f := newFixture(t, Light)
	f.ExportShown()
	if f.win.Canvas().Overlays().Top() == nil {
		t.Fatal("exporting nothing says nothing")
	}
	f.win.Canvas().Overlays().Top().Hide()
	f.run("pre", 30)
	for range 2 {
		f.banner.close()
		f.ExportShown()
		f.loop.until(t, "saved", func() bool { return f.banner.Visible() })
	}
	checkPicture(t, filepath.Join(f.exportDir(f.selected), "loss.png"))
	checkPicture(t, filepath.Join(f.exportDir(f.selected), "loss-2.png"))
}
