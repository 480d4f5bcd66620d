package ui

import (
	"fmt"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// pillIcon is the shape beside the word, so that a state is not told by colour alone.
type pillIcon uint8

const (
	iconIdle pillIcon = iota
	iconWait
	iconPlay
	iconPause
	iconStop
	iconCheck
	iconWarn
)

func (i pillIcon) resource() fyne.Resource {
	switch i {
	case iconWait:
		return theme.HistoryIcon()
	case iconPlay:
		return theme.MediaPlayIcon()
	case iconPause:
		return theme.MediaPauseIcon()
	case iconStop:
		return theme.MediaStopIcon()
	case iconCheck:
		return theme.ConfirmIcon()
	case iconWarn:
		return theme.WarningIcon()
	}
	return theme.RadioButtonIcon()
}

func toneColor(t tone) fyne.ThemeColorName {
	return fyne.ThemeColorName(fmt.Sprint(colorTone, uint8(t)))
}
func tintColor(t tone) fyne.ThemeColorName {
	return fyne.ThemeColorName(fmt.Sprint(colorTint, uint8(t)))
}

// pill is the filled status mark: shape, word and colour.
type pill struct {
	widget.BaseWidget
	look look
}

func newPill() *pill {
	p := &pill{look: looks[Idle]}
	p.ExtendBaseWidget(p)
	return p
}

func (p *pill) set(l look) {
	if p.look != l {
		p.look = l
		p.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (p *pill) CreateRenderer() fyne.WidgetRenderer {
	r := &pillRenderer{p: p, ground: canvas.NewRectangle(color.Black), icon: canvas.NewImageFromResource(nil),
		text: canvas.NewText("", color.White)}
	r.text.TextStyle.Bold = true
	r.icon.FillMode = canvas.ImageFillContain
	r.paint()
	return r
}

type pillRenderer struct {
	p      *pill
	ground *canvas.Rectangle
	icon   *canvas.Image
	text   *canvas.Text
}

// Widths fit the longest word, so that the toolbar does not move when the state does.
const (
	pillWidth  = 110
	pillHeight = 26
	pillIconXY = 15
)

func (r *pillRenderer) Destroy()           {}
func (r *pillRenderer) MinSize() fyne.Size { return fyne.NewSize(units(pillWidth), units(pillHeight)) }

func (r *pillRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.icon, r.text}
}

func (r *pillRenderer) Layout(s fyne.Size) {
	height, icon := units(pillHeight), units(pillIconXY)
	y := (s.Height - height) / 2
	r.ground.Move(fyne.NewPos(0, y))
	r.ground.Resize(fyne.NewSize(s.Width, height))
	text := r.text.MinSize()
	x := (s.Width - text.Width - icon - 5) / 2
	r.icon.Move(fyne.NewPos(x, y+(height-icon)/2))
	r.icon.Resize(fyne.NewSquareSize(icon))
	r.text.Move(fyne.NewPos(x+icon+5, y+(height-text.Height)/2))
	r.text.Resize(text)
}

func (r *pillRenderer) Refresh() {
	r.paint()
	r.Layout(r.p.Size())
	canvas.Refresh(r.p)
}

func (r *pillRenderer) paint() {
	th, v := r.p.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.ground.FillColor, r.ground.CornerRadius = th.Color(toneColor(r.p.look.tone), v), units(pillHeight)/2
	r.text.Text, r.text.Color = r.p.look.word, th.Color(colorOnTone, v)
	r.text.TextSize = th.Size(theme.SizeNameText) - 0.5
	r.icon.Resource = theme.NewColoredResource(r.p.look.icon.resource(), colorOnTone)
	r.icon.Refresh()
}
