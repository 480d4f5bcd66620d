package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// layout arranges the parts.
func (w *Window) layout() fyne.CanvasObject {
	var more *widget.Button
	more = widget.NewButtonWithIcon("", theme.MenuDropDownIcon(), func() { w.exportMenu(more) })
	toolbar := spaced(12, 7, 12, 7, container.NewHBox(w.train, w.pause, w.stop, layout.NewSpacer(),
		container.NewCenter(w.device), spaced(4, 0, 4, 0, container.NewCenter(w.pill)), w.export, more))

	setup := spaced(12, 10, 12, 12, column(8, heading("Setup"), w.setup.object, w.estimate.object))
	runs := container.NewBorder(
		widget.NewSeparator(), nil, nil, nil, w.runs.object)
	scroll := container.NewVScroll(setup)
	follow(scroll, setup)
	w.side = container.New(sideLayout{setup}, scroll, runs)
	columns := container.New(columnsLayout{}, newSurface(colorPanel, w.side), widget.NewSeparator(), w.tabs,
		widget.NewSeparator(), newSurface(colorPanel, w.variant.object))
	w.frame = bordered(column(0, toolbar, widget.NewSeparator()),
		column(0, w.banner, widget.NewSeparator(), w.status.object), nil, nil, columns)
	w.banner.moved = func() {
		relayout(w.frame)
		relayout(w.frame) // its text wraps once it has a width
	}
	return w.frame
}

// columnsLayout places setup, line, tabs, line and variant. The outer columns give way in a narrow
// window, but keep what they show legible.
type columnsLayout struct{}

// Widths of the outer columns in units.
const (
	setupLeast, setupMost     = 252, 272
	variantLeast, variantMost = 260, 296
	tabsLeast                 = 372
	tabsMargin                = 4
)

func (columnsLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	left := min(max(size.Width*0.22, setupUnits(setupLeast)), setupUnits(setupMost))
	right := min(max(size.Width*0.24, columnUnits(variantLeast)), columnUnits(variantMost))
	line := objects[1].MinSize().Width
	x := float32(0)
	for i, w := range [...]float32{left, line, size.Width - left - right - 2*line, line, right} {
		margin := float32(0)
		if i == 2 {
			margin = tabsMargin
		}
		objects[i].Move(fyne.NewPos(x+margin, 0))
		objects[i].Resize(fyne.NewSize(w-2*margin, size.Height))
		x += w
	}
}

func (columnsLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	h := float32(0)
	for _, o := range objects {
		h = max(h, o.MinSize().Height)
	}
	return fyne.NewSize(setupUnits(setupLeast)+tabsUnits(tabsLeast)+columnUnits(variantLeast)+2, h)
}

// sideLayout gives the setup the height it needs and the runs the rest; in a low window the setup
// scrolls before the runs vanish.
type sideLayout struct{ setup fyne.CanvasObject }

func (l sideLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	top := min(l.setup.MinSize().Height, size.Height-columnUnits(runsHeight))
	objects[0].Resize(fyne.NewSize(size.Width, top))
	objects[1].Move(fyne.NewPos(0, top))
	objects[1].Resize(fyne.NewSize(size.Width, size.Height-top))
}

func (l sideLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(setupUnits(setupLeast), 2*columnUnits(runsHeight))
}
