package ui

import (
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/trainer"
)

var update = flag.Bool("update", false, "write the pictures in testdata anew")

// TestWindowPictures compares the window at rest, in training, after a divergence and with a question about the GPU
// with kept pictures, in both themes.
func TestWindowPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing windows is slow under the race detector")
	}
	for _, c := range []struct {
		name string
		a    Appearance
	}{{"dark", Dark}, {"light", Light}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, c.a)
			f.useConfig(pictureConfig())
			f.loop.until(t, "its estimate", func() bool { return f.estimate.params.text.text.Text == "804 k" })
			compare(t, "idle-"+c.name, f.picture())
			f.setup.setVariant("mix_ln")
			j := f.started()
			j.steps(180)
			f.loop.until(t, "step 180", func() bool { return f.current.snap.Step == 180 && f.current.hasData() })
			f.tabs.SelectIndex(tabGradients)
			compare(t, "running-"+c.name, f.picture())
			j.steps(120)
			j.enter(trainer.Done, "")
			f.waitFor(Done)
			f.tabs.SelectIndex(tabLoss)
			f.setup.setVariant("post")
			j = f.started()
			j.steps(90)
			j.enter(trainer.Diverged, "The activations became NaN at step 91, first in block 3. "+
				"The last good checkpoint is kept; try a lower learning rate.")
			f.loop.until(t, "the banner", func() bool { return f.banner.Visible() })
			compare(t, "diverged-"+c.name, f.picture())
			f.Stop()
			j = f.started()
			j.steps(120)
			j.enter(trainer.Asking, "The GPU cannot go on after step 120. The reason: graph accumulate: the GPU "+
				"ended the commands before they were done: Insufficient Memory "+
				"(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory) (MTLCommandBufferErrorDomain 8)")
			f.waitFor(Asking)
			compare(t, "asking-"+c.name, f.picture())
		})
	}
}

// pictureConfig does not change with the app's defaults.
func pictureConfig() trainer.Config {
	c := trainer.DefaultConfig()
	c.Preset = ""
	c.Model.Layers, c.Model.D, c.Model.Heads, c.Model.KVHeads, c.Model.FFN, c.Model.Seq = 4, 128, 4, 4, 320, 128
	c.Model.Variant, c.Steps, c.Batch, c.LR, c.Seed = "hybrid_star", 300, 16, 2e-3, 1
	return c
}

// Limits of a comparison: arm64 rounds differently, so single pixels may differ.
const (
	pixelLimit = 24   // of 255, in any channel
	shareLimit = 0.01 // of all pixels
)

// compare fails when a picture differs from the kept one; it then writes both and where they differ.
func compare(t *testing.T, name string, got image.Image) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		writePNG(t, path, got)
		return
	}
	file, err := os.Open(path)
	if err != nil {
		t.Errorf("%v; go test -tags ci ./app/ui -update writes it", err)
		return
	}
	defer file.Close()
	want, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	share, diff := difference(got, want)
	if share > shareLimit {
		dir := filepath.Join(os.TempDir(), "evenkeel-ui")
		writePNG(t, filepath.Join(dir, name+".png"), got)
		writePNG(t, filepath.Join(dir, name+"-difference.png"), diff)
		t.Errorf("%s: %.2f %% of the pixels differ; the new picture and the difference are in %s", path, 100*share, dir)
	}
}

// difference gives the share of pixels that differ by more than pixelLimit, and a picture of them.
func difference(a, b image.Image) (float64, image.Image) {
	if a.Bounds().Size() != b.Bounds().Size() {
		return 1, a
	}
	r := a.Bounds()
	diff := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
	n := 0
	for y := range r.Dy() {
		for x := range r.Dx() {
			p := color.NRGBAModel.Convert(a.At(r.Min.X+x, r.Min.Y+y)).(color.NRGBA)
			q := color.NRGBAModel.Convert(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y)).(color.NRGBA)
			if far(p.R, q.R) || far(p.G, q.G) || far(p.B, q.B) {
				diff.SetGray(x, y, color.Gray{255})
				n++
			}
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy()), diff
}

func far(a, b uint8) bool { return int(a)-int(b) > pixelLimit || int(b)-int(a) > pixelLimit }

// TestDifference makes sure that a comparison can fail.
func TestDifference(t *testing.T) {
	a, b := image.NewRGBA(image.Rect(0, 0, 10, 10)), image.NewRGBA(image.Rect(0, 0, 10, 10))
	for i := range 5 {
		a.Set(i, 3, color.White)
	}
	if share, _ := difference(a, b); fmt.Sprintf("%.3f", share) != "0.050" {
		t.Errorf("5 of 100 pixels differ, found %v", share)
	}
}
