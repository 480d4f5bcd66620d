package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// settingRow is a setting: its name, its control, and below that a sentence of help.
func settingRow(name string, control fyne.CanvasObject, help string) fyne.CanvasObject {
	text := mutedProse()
	say(text, help)
	return container.New(settingLayout{}, newText(name, theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{}),
		control, container.New(flushLayout{6}, text))
}

// settingLayout has the name on the line of the control and the help in the control's column.
type settingLayout struct{}

const settingGap = 0

func (settingLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	name, control, help := objects[0], objects[1], objects[2]
	x, h := columnUnits(settingsTitle), control.MinSize().Height
	n := name.MinSize()
	name.Move(fyne.NewPos(0, (h-n.Height)/2))
	name.Resize(fyne.NewSize(x, n.Height))
	control.Move(fyne.NewPos(x, 0))
	control.Resize(fyne.NewSize(size.Width-x, h))
	help.Move(fyne.NewPos(x, h+settingGap))
	help.Resize(fyne.NewSize(size.Width-x, max(0, size.Height-h-settingGap)))
}

func (settingLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	control, help := objects[1].MinSize(), objects[2].MinSize()
	return fyne.NewSize(columnUnits(settingsTitle)+max(control.Width, help.Width), control.Height+settingGap+help.Height)
}

// midLayout gives an object the whole width and the middle of the height.
type midLayout struct{}

func (midLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		h := o.MinSize().Height
		o.Move(fyne.NewPos(0, (size.Height-h)/2))
		o.Resize(fyne.NewSize(size.Width, h))
	}
}

func (midLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	return size
}
