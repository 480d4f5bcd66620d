package ui

import (
	"os"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/trainer"
)

func TestLook(t *testing.T) {
	dir := os.Getenv("LOOK")
	if dir == "" {
		t.Skip("LOOK is not set")
	}
	for name, a := range map[string]Appearance{"dark": Dark, "light": Light} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, a)
			writePNG(t, dir+"/"+name+"-1idle.png", f.picture())
			for _, id := range []string{"magneto", "lns", "hybrid_star_7b", "mix_ln", "deepnorm", "pre"} {
				f.setup.setVariant(id)
				f.setup.init.SetSelectedIndex(1)
				writePNG(t, dir+"/"+name+"-var-"+id+".png", f.picture())
			}
			f.setup.init.SetSelectedIndex(0)
			f.setup.setVariant("hybrid_star")
			f.variant.picker.open()
			writePNG(t, dir+"/"+name+"-1pick.png", f.picture())
			f.variant.picker.popup.Hide()
			f.setup.lr.SetText("fast")
			f.Train()
			writePNG(t, dir+"/"+name+"-1bad.png", f.picture())
			f.win.Canvas().Overlays().Top().Hide()
			f.setup.lr.SetText("0.004")
			f.showHelp(newHelpLabel(helpLR, nil))
			writePNG(t, dir+"/"+name+"-1help.png", f.picture())
			f.win.Canvas().Overlays().Top().Hide()
			j := f.started()
			writePNG(t, dir+"/"+name+"-2preparing.png", f.picture())
			j.steps(180)
			f.loop.until(t, "running", func() bool { return f.state == Running && f.selected.snap.Step == 180 })
			writePNG(t, dir+"/"+name+"-3running.png", f.picture())
			f.win.Resize(fyne.NewSize(900, 560))
			writePNG(t, dir+"/"+name+"-3small.png", f.picture())
			f.win.Resize(DefaultSize)
			f.Close()
			writePNG(t, dir+"/"+name+"-3close.png", f.picture())
			f.win.Canvas().Overlays().Top().Hide()
			f.ExportShown()
			f.loop.until(t, "saved", func() bool { return f.banner.Visible() })
			writePNG(t, dir+"/"+name+"-3saved.png", f.picture())
			f.banner.close()
			f.tabs.SelectIndex(1)
			writePNG(t, dir+"/"+name+"-4grad.png", f.picture())
			f.tabs.SelectIndex(2)
			writePNG(t, dir+"/"+name+"-5samples.png", f.picture())
			f.tabs.SelectIndex(3)
			writePNG(t, dir+"/"+name+"-6log.png", f.picture())
			f.tabs.SelectIndex(0)
			j.steps(120)
			j.enter(trainer.Done, "")
			f.loop.until(t, "done", func() bool { return f.state == Done })
			f.setup.setVariant("post")
			j = f.started()
			j.steps(90)
			j.enter(trainer.Diverged, "The activations became NaN at step 91, first in block 3. The last good checkpoint is kept; try a lower learning rate.")
			f.loop.until(t, "diverged", func() bool { return f.state == Diverged })
			writePNG(t, dir+"/"+name+"-7diverged.png", f.picture())
			f.tabs.SelectIndex(1)
			writePNG(t, dir+"/"+name+"-8grad2.png", f.picture())
		})
	}
}
