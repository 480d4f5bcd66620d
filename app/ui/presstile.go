package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// pressTile is a tile whose value can be changed by pressing it, now or at other times: it then has a pencil
// beside its name and the colour of a link. The menu has the same action for the keyboard.
type pressTile struct {
	widget.BaseWidget
	tile   *tile
	pencil *widget.Icon
	head   *fyne.Container // name and pencil
	width  float32
	on     bool
	press  func()
}

var (
	_ fyne.Tappable      = (*pressTile)(nil)
	_ desktop.Cursorable = (*pressTile)(nil)
)

// pencilSize is that of a caption's letters, in units.
const pencilSize = 11

func newPressTile(name string, width float32) *pressTile {
	t := &pressTile{tile: newTile("", 0), width: width}
	t.pencil = widget.NewIcon(theme.NewColoredResource(theme.DocumentCreateIcon(), theme.ColorNamePrimary))
	t.pencil.Hide()
	icon := container.New(squareLayout{pencilSize}, t.pencil)
	t.head = container.NewHBox(caption(name), container.NewCenter(icon))
	t.tile.object = column(1, t.head, t.tile.text)
	t.ExtendBaseWidget(t)
	return t
}

// CreateRenderer implements fyne.Widget.
func (t *pressTile) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.New(leastLayout{t.width}, t.tile.object))
}

// offer lets the tile be pressed, or not.
func (t *pressTile) offer(on bool) {
	if t.on == on {
		return
	}
	t.on = on
	setShown(t.pencil, on)
	t.head.Refresh()
	t.set(t.tile.text.text.Text)
}

func (t *pressTile) set(text string) {
	ink := theme.ColorNameForeground
	if t.on {
		ink = theme.ColorNamePrimary
	}
	t.tile.text.set(text, ink)
}

// Tapped implements fyne.Tappable.
func (t *pressTile) Tapped(*fyne.PointEvent) {
	if t.on {
		t.press()
	}
}

// Cursor implements desktop.Cursorable.
func (t *pressTile) Cursor() desktop.Cursor {
	if t.on {
		return desktop.PointerCursor
	}
	return desktop.DefaultCursor
}
