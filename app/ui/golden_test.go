package ui

import (
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
)

var update = flag.Bool("update", false, "write the pictures in testdata anew")

// scene is a picture of the window in some state, reached from the scene before it.
type scene struct {
	state State
	name  string
	play  func(*fixture)
}

// job is the one at work.
func (f *fixture) job() *fakeJob { return f.current.job.(*fakeJob) }

// stopClock lets a minute pass with each run and no time else: how often a clock is asked is not the same
// each time.
func (f *fixture) stopClock() {
	f.opt.Now = func() time.Time {
		return time.Date(2025, 3, 1, 12, len(f.session), 0, 0, time.UTC)
	}
	f.runs.now = f.opt.Now
}

// at lets the job at work make n steps more and waits until they are shown.
func (f *fixture) at(n int) {
	f.t.Helper()
	j := f.job()
	j.set(func(s *trainer.Snapshot) { s.Elapsed++ })
	took := j.Snapshot().Elapsed // else the log might tell of the steps in two parts
	f.loop.until(f.t, "nothing is on its way", func() bool { return f.current.snap.Elapsed == took })
	j.steps(n)
	step := j.Snapshot().Step
	f.loop.until(f.t, "all steps", func() bool {
		x, _, _ := f.current.series[trainer.KeyLoss].Last()
		return f.current.snap.Step == step && int64(x) == step
	})
}

// scenes shows every state once, on different tabs.
var scenes = []scene{
	{Idle, "idle", func(f *fixture) {
		f.useConfig(pictureConfig())
		f.loop.until(f.t, "its estimate", func() bool { return f.estimate.params.text.text.Text == "804 k" })
	}},
	{Preparing, "preparing", func(f *fixture) {
		f.setup.setVariant("mix_ln")
		f.started()
	}},
	{Running, "running", func(f *fixture) {
		f.at(180)
		f.tabs.SelectIndex(tabGradients)
	}},
	{Done, "done", func(f *fixture) {
		f.at(120)
		f.job().enter(trainer.Done, "")
		f.waitFor(Done)
		f.tabs.SelectIndex(tabSamples)
	}},
	{Diverged, "diverged", func(f *fixture) {
		f.tabs.SelectIndex(tabLoss)
		f.setup.setVariant("post")
		f.started()
		f.at(90)
		f.job().enter(trainer.Diverged, "The activations became NaN at step 91, first in block 3. "+
			"The last good checkpoint is kept; try a lower learning rate.")
		f.loop.until(f.t, "the banner", func() bool { return f.banner.Visible() })
	}},
	{Asking, "asking", func(f *fixture) {
		f.Stop()
		f.started()
		f.at(120)
		f.job().enter(trainer.Asking, "The GPU cannot go on after step 120. The reason: graph accumulate: the GPU "+
			"ended the commands before they were done: Insufficient Memory "+
			"(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory) (MTLCommandBufferErrorDomain 8)")
		f.waitFor(Asking)
	}},
	{Paused, "paused", func(f *fixture) { // with a crosshair: charts can be looked at
		f.UseCPU()
		f.Pause()
		f.job().enter(trainer.Paused, "")
		f.waitFor(Paused)
		f.settle()
		f.win.Canvas().Focus(f.loss.view)
		f.keys(fyne.KeyLeft, fyne.KeyLeft)
	}},
	{Pausing, "pausing", func(f *fixture) {
		f.keys(fyne.KeyEscape)
		f.win.Canvas().Unfocus()
		f.Pause() // goes on
		f.patience = 1
		f.Pause()
		f.loop.until(f.t, "the word", func() bool { return strings.HasPrefix(f.status.over, "Waiting for the step") })
		f.patience = waitNotice
	}},
	{Stopping, "stopping", func(f *fixture) {
		f.job().enter(trainer.Running, "")
		f.waitFor(Running)
		f.tabs.SelectIndex(tabCompare)
		f.Stop()
		f.waiting.Stop()
	}},
	{Stopped, "stopped", func(f *fixture) {
		f.job().enter(trainer.Stopped, "")
		f.waitFor(Stopped)
		f.tabs.SelectIndex(tabLog)
	}},
	{Failed, "failed", func(f *fixture) {
		f.setup.setVariant("hybrid_star")
		f.started()
		f.at(110)
		f.job().enter(trainer.Failed, "The disk is full: ckpt/step-00000110 could not be written. "+
			"Free some space, then go on from the last checkpoint.")
		f.loop.until(f.t, "the banner", func() bool { return f.banner.Visible() })
	}},
}

// TestWindowPictures compares the window in every state with kept pictures, in both themes.
func TestWindowPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing windows is slow under the race detector")
	}
	if len(scenes) != len(looks) {
		t.Fatalf("%d states are shown, %d exist", len(scenes), len(looks))
	}
	for _, c := range []struct {
		name string
		a    Appearance
	}{{"dark", Dark}, {"light", Light}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, c.a)
			f.stopClock()
			for _, s := range scenes {
				s.play(f)
				if f.state != s.state {
					t.Fatalf("the scene of %v is %v", s.state, f.state)
				}
				compare(t, s.name+"-"+c.name, f.picture())
			}
		})
	}
}

// TestFinePicture compares the window on a display of two pixels a unit, small, with a run at work: nothing
// may be cut off or blurred.
func TestFinePicture(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing windows is slow under the race detector")
	}
	f := newFixture(t, Light)
	f.stopClock()
	f.win.Canvas().(test.WindowlessCanvas).SetScale(2)
	f.win.Resize(fyne.NewSize(900, 560))
	for _, s := range scenes[:3] {
		s.play(f)
	}
	f.tabs.SelectIndex(tabLoss)
	f.settle()
	f.win.Canvas().Focus(f.loss.view)
	f.keys(fyne.KeyLeft)
	compare(t, "fine-light", f.picture())
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
