package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// helpLabel is the name of a field with a question mark; pressing it explains the field, also from the
// keyboard.
type helpLabel struct {
	widget.BaseWidget
	help    helpText
	show    func(*helpLabel)
	name    *themedText
	icon    *widget.Icon
	focused bool
	reached func() // it got the focus; nil: nobody asks
}

var (
	_ fyne.Focusable    = (*helpLabel)(nil)
	_ fyne.Tappable     = (*helpLabel)(nil)
	_ desktop.Hoverable = (*helpLabel)(nil)
)

func newHelpLabel(h helpText, show func(*helpLabel)) *helpLabel {
	l := &helpLabel{help: h, show: show, icon: widget.NewIcon(nil)}
	l.name = newText(h.label, theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{})
	l.mark(false)
	l.ExtendBaseWidget(l)
	return l
}

// CreateRenderer implements fyne.Widget.
func (l *helpLabel) CreateRenderer() fyne.WidgetRenderer {
	icon := container.New(squareLayout{14}, l.icon)
	return widget.NewSimpleRenderer(container.NewHBox(container.NewCenter(l.name), container.NewCenter(icon)))
}

// mark shows the question mark in the accent colour while it is pointed at or has the focus.
func (l *helpLabel) mark(on bool) {
	ink := theme.ColorNameDisabled
	if on {
		ink = theme.ColorNamePrimary
	}
	l.icon.SetResource(theme.NewColoredResource(theme.QuestionIcon(), ink))
	canvas.Refresh(l.icon)
}

// Tapped implements fyne.Tappable.
func (l *helpLabel) Tapped(*fyne.PointEvent) { l.show(l) }

// MouseIn implements desktop.Hoverable.
func (l *helpLabel) MouseIn(*desktop.MouseEvent) { l.mark(true) }

// MouseMoved implements desktop.Hoverable.
func (l *helpLabel) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (l *helpLabel) MouseOut() { l.mark(l.focused) }

// FocusGained implements fyne.Focusable.
func (l *helpLabel) FocusGained() {
	l.focused = true
	l.mark(true)
	if l.reached != nil {
		l.reached()
	}
}

// FocusLost implements fyne.Focusable.
func (l *helpLabel) FocusLost() { l.focused = false; l.mark(false) }

// TypedRune implements fyne.Focusable.
func (l *helpLabel) TypedRune(rune) {}

// TypedKey implements fyne.Focusable.
func (l *helpLabel) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeySpace || e.Name == fyne.KeyReturn || e.Name == fyne.KeyEnter {
		l.show(l)
	}
}
