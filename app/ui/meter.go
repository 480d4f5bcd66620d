package ui

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// meter is a thin bar of progress. A negative value means that the length is unknown: a part of the
// bar then runs from left to right.
type meter struct {
	widget.BaseWidget
	value  float64
	ink    fyne.ThemeColorName
	at     float32 // of the running part, in [0, 1]
	motion *fyne.Animation
}

func newMeter() *meter {
	m := &meter{ink: theme.ColorNamePrimary}
	m.ExtendBaseWidget(m)
	return m
}

// runningPart is the share of the bar that runs.
const runningPart = 0.2

func (m *meter) set(v float64, ink fyne.ThemeColorName) {
	if m.value == v && m.ink == ink {
		return
	}
	if running := m.motion != nil; v < 0 != running {
		m.run(v < 0)
	}
	m.value, m.ink = v, ink
	m.Refresh()
}

// meterPace is the least time between two moves: each paints the whole window, while the processor reads text.
const meterPace = 60 * time.Millisecond

// run starts or stops the motion; a system without animations gets a still bar.
func (m *meter) run(on bool) {
	if !on {
		m.motion.Stop()
		m.motion = nil
		return
	}
	var moved time.Time
	m.motion = &fyne.Animation{Duration: 1600 * time.Millisecond, RepeatCount: fyne.AnimationRepeatForever,
		Curve: fyne.AnimationEaseInOut, Tick: func(at float32) {
			if now := time.Now(); now.Sub(moved) >= meterPace {
				m.at, moved = at, now
				m.Refresh()
			}
		}}
	m.at = 0
	if fyne.CurrentApp().Settings().ShowAnimations() {
		m.motion.Start()
	}
}

// CreateRenderer implements fyne.Widget.
func (m *meter) CreateRenderer() fyne.WidgetRenderer {
	r := &meterRenderer{m: m, track: canvas.NewRectangle(color.Black), fill: canvas.NewRectangle(color.Black)}
	r.paint()
	return r
}

type meterRenderer struct {
	m           *meter
	track, fill *canvas.Rectangle
}

const meterHeight = 6

func (r *meterRenderer) Destroy()                     {}
func (r *meterRenderer) MinSize() fyne.Size           { return fyne.NewSize(80, meterHeight) }
func (r *meterRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.track, r.fill} }

func (r *meterRenderer) Layout(s fyne.Size) {
	y := (s.Height - meterHeight) / 2
	r.track.Move(fyne.NewPos(0, y))
	r.track.Resize(fyne.NewSize(s.Width, meterHeight))
	x, w := float32(0), s.Width*float32(min(max(r.m.value, 0), 1))
	if r.m.value < 0 {
		x, w = s.Width*(1-runningPart)*r.m.at, s.Width*runningPart
	}
	if w > 0 {
		w = max(w, meterHeight)
	}
	r.fill.Move(fyne.NewPos(x, y))
	r.fill.Resize(fyne.NewSize(w, meterHeight))
	r.fill.Hidden = w == 0
}

func (r *meterRenderer) Refresh() {
	r.paint()
	r.Layout(r.m.Size())
	canvas.Refresh(r.m)
}

func (r *meterRenderer) paint() {
	th, v := r.m.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.track.FillColor, r.track.CornerRadius = th.Color(theme.ColorNameButton, v), meterHeight/2
	r.fill.FillColor, r.fill.CornerRadius = th.Color(r.m.ink, v), meterHeight/2
}
