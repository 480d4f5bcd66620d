package ui

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// blinker makes the cursor of an entry blink. Fyne's own cursor fades in and out for as long as the entry has
// the focus, and each of the dozen steps a second paints the whole window: with software rendering that took
// a fifth of a core. This one is on or off, and once nothing was typed for a while it stays on, as in GTK.
type blinker struct {
	entry  fyne.WidgetRenderer
	motion *fyne.Animation // nil: it stays as it is
	cursor *canvas.Rectangle
	lit    bool
}

// How long the cursor is on or off, and how long it does that.
const (
	blinkPart = 530 * time.Millisecond
	blinkTime = 18 * blinkPart
)

// follow begins anew after the entry was refreshed, which is at every key and change of focus.
func (b *blinker) follow() {
	b.stop()
	b.cursor = b.find()
	if b.cursor == nil || !b.cursor.Visible() {
		return
	}
	b.light(true)
	if !fyne.CurrentApp().Settings().ShowAnimations() {
		return
	}
	b.motion = &fyne.Animation{Duration: blinkTime, Curve: fyne.AnimationLinear, Tick: func(at float32) {
		const parts = float32(blinkTime / blinkPart)
		if on := at == 1 || int(at*parts)%2 == 0; on != b.lit {
			b.light(on)
		}
	}}
	b.motion.Start()
}

func (b *blinker) stop() {
	if b.motion != nil {
		b.motion.Stop()
		b.motion = nil
	}
}

func (b *blinker) light(on bool) {
	b.lit = on
	b.cursor.FillColor = color.Transparent
	if on {
		b.cursor.FillColor = theme.Color(theme.ColorNamePrimary)
	}
	b.cursor.Refresh()
}

// find gives the cursor and ends Fyne's fading of it. It is the last object of what the entry holds, after
// ground and border; a renderer of that ends the fading when it is destroyed. Where an entry is built in
// another way, it blinks as it always did.
func (b *blinker) find() *canvas.Rectangle {
	const content = 2
	objects := b.entry.Objects()
	if len(objects) <= content {
		return nil
	}
	o := objects[content]
	if s, ok := o.(*container.Scroll); ok {
		o = s.Content
	}
	w, ok := o.(fyne.Widget)
	if !ok {
		return nil
	}
	r := w.CreateRenderer()
	defer r.Destroy()
	objects = r.Objects()
	cursor, _ := objects[len(objects)-1].(*canvas.Rectangle)
	return cursor
}

// blinking is an entry's renderer with a cursor of this kind.
type blinking struct {
	fyne.WidgetRenderer
	cursor blinker
}

func newBlinking(entry fyne.WidgetRenderer) *blinking {
	return &blinking{entry, blinker{entry: entry}}
}

// Refresh implements fyne.WidgetRenderer.
func (r *blinking) Refresh() {
	r.WidgetRenderer.Refresh()
	r.cursor.follow()
}

// Destroy implements fyne.WidgetRenderer.
func (r *blinking) Destroy() {
	r.cursor.stop()
	r.WidgetRenderer.Destroy()
}
