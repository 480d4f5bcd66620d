package ui

import "fyne.io/fyne/v2"

// inTurns does some work in parts, so that what else the window has to do comes in between: a part should
// take a few milliseconds at most. The first part is done at once.
func (w *Window) inTurns(parts ...func()) {
	parts[0]()
	if rest := parts[1:]; len(rest) > 0 {
		w.opt.Dispatch(func() { w.inTurns(rest...) })
	}
}

// prepare lays an object out for a width before it is seen: texts are measured, wrapped and remember it.
func prepare(o fyne.CanvasObject, width float32) {
	o.Resize(fyne.NewSize(width, o.MinSize().Height))
	o.Resize(fyne.NewSize(width, o.MinSize().Height)) // texts wrap once they have a width
}
