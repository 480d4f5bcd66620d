package ui

import (
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// estimator counts parameters, FLOPs and bytes off the UI goroutine. The latest config wins; a count
// that is out of date when it ends is not shown.
type estimator struct {
	dispatch func(func())
	show     func(model.Counts, error) // on the UI goroutine

	mu   sync.Mutex
	want *trainer.Config
	busy bool
}

func (e *estimator) ask(c trainer.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.want = &c
	if !e.busy {
		e.busy = true
		go e.work()
	}
}

func (e *estimator) work() {
	for {
		e.mu.Lock()
		c := e.want
		e.want = nil
		if c == nil {
			e.busy = false
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		counts, err := c.Estimate()
		e.dispatch(func() {
			e.mu.Lock()
			stale := e.want != nil
			e.mu.Unlock()
			if !stale {
				e.show(counts, err)
			}
		})
	}
}

// estimateView shows the counts and what is wrong or risky about the config.
type estimateView struct {
	params, flops, bytes *tile
	problem              *notice
	object               fyne.CanvasObject
}

func newEstimateView() *estimateView {
	v := &estimateView{
		params: newTile("Parameters", 0), flops: newTile("FLOPs a token", 0), bytes: newTile("Memory", 0),
	}
	v.problem = newNotice()
	v.problem.Hide()
	tiles := container.NewGridWithColumns(3, v.params.object, v.flops.object, v.bytes.object)
	v.object = column(10, tiles, v.problem)
	return v
}

// counts shows an estimate.
func (v *estimateView) counts(c model.Counts) {
	v.params.set(count(c.Params))
	v.flops.set(short(c.FLOPs, ""))
	v.bytes.set(memory(c.Bytes()))
}

// says shows warnings, or the sentence why nothing can be built.
func (v *estimateView) says(t tone, text string) {
	if t == toneRed {
		v.params.set(unknown)
		v.flops.set(unknown)
		v.bytes.set(unknown)
	}
	v.warn(t, text)
}

// warn shows a notice and leaves the counts.
func (v *estimateView) warn(t tone, text string) {
	if text == "" {
		v.problem.Hide()
		return
	}
	v.problem.say(t, text)
	v.problem.Show()
}

// tile is a value below its name.
type tile struct {
	text   *themedText
	object fyne.CanvasObject
}

// newTile makes a tile; width 0 leaves its width to the layout.
func newTile(name string, width float32) *tile {
	t := &tile{text: newText(unknown, theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{Bold: true})}
	t.object = column(1, caption(name), t.text)
	if width > 0 {
		t.object = container.New(leastLayout{width}, t.object)
	}
	return t
}

func (t *tile) set(text string) { t.text.set(text, "") }

// notice is a tinted box with a shape and a wrapped text.
type notice struct {
	surface
	icon *widget.Icon
	text *widget.Label
	tone tone
}

func newNotice() *notice {
	n := &notice{icon: widget.NewIcon(nil), text: prose(theme.SizeNameCaptionText, widget.MediumImportance)}
	n.radius = 5
	n.content = container.NewBorder(nil, nil, spaced(6, 5, 0, 0, container.NewVBox(n.icon)), nil, n.text)
	n.ExtendBaseWidget(n)
	n.say(toneAmber, "")
	return n
}

func (n *notice) say(t tone, text string) {
	n.tone, n.ground = t, tintColor(t)
	n.icon.SetResource(toneIcon(t))
	n.text.SetText(text)
	n.Refresh()
}

// toneIcon is the shape of a notice.
func toneIcon(t tone) fyne.Resource {
	switch t {
	case toneRed:
		return theme.NewColoredResource(theme.ErrorIcon(), theme.ColorNameError)
	case toneAmber:
		return theme.NewColoredResource(theme.WarningIcon(), theme.ColorNameWarning)
	case toneGreen:
		return theme.NewColoredResource(theme.ConfirmIcon(), theme.ColorNameSuccess)
	}
	return theme.NewColoredResource(theme.InfoIcon(), theme.ColorNamePrimary)
}
