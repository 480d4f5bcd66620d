package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// dropDown is a pop-up that tells when it is gone: Fyne's own leaves silently when something outside of it
// is pressed, and a field in it would keep the focus, and blink on unseen.
type dropDown struct {
	widget.PopUp
	gone  func() // it was open and is not any more
	place fyne.Position
	size  fyne.Size
	open  bool
}

func newDropDown(content fyne.CanvasObject, c fyne.Canvas, gone func()) *dropDown {
	d := &dropDown{gone: gone}
	d.Content, d.Canvas = content, c
	d.ExtendBaseWidget(d)
	return d
}

// showBelow opens the pop-up with a size and its upper left corner at some place of an object.
func (d *dropDown) showBelow(o fyne.CanvasObject, at fyne.Position, size fyne.Size) {
	room := d.Canvas.Size().Subtract(size)
	at = fyne.CurrentApp().Driver().AbsolutePositionForObject(o).Add(at)
	d.place = fyne.NewPos(max(0, min(at.X, room.Width)), max(0, min(at.Y, room.Height)))
	d.size = size
	d.PopUp.Resize(size)
	d.Move(d.place)
	if !d.open {
		d.open = true
		d.Canvas.Overlays().Add(d)
	}
	d.Refresh()
	d.BaseWidget.Show()
}

// Resize takes the size of the canvas, as the driver gives it to what is laid over it.
func (d *dropDown) Resize(size fyne.Size) { d.BaseWidget.Resize(size) }

// Hide closes the pop-up. The focus goes first: what keeps it would not hear that it lost it.
func (d *dropDown) Hide() {
	if !d.open {
		return
	}
	d.open = false
	d.Canvas.Unfocus()
	d.Canvas.Overlays().Remove(d)
	d.PopUp.Hide()
	d.gone()
}

// Tapped closes the pop-up when the press is outside of it.
func (d *dropDown) Tapped(e *fyne.PointEvent) {
	p := e.Position.Subtract(d.place)
	if p.X < 0 || p.Y < 0 || p.X > d.size.Width || p.Y > d.size.Height {
		d.Hide()
	}
}

// TappedSecondary does the same.
func (d *dropDown) TappedSecondary(e *fyne.PointEvent) { d.Tapped(e) }
