package ui

import (
	"slices"

	"fyne.io/fyne/v2"
)

// textSizes are the sizes of text a person can choose, in per cent of the built-in one.
var textSizes = []int{80, 90, 100, 110, 125, 150, 175, 200}

const usualText = 100

// textScale is how much larger than usual text is, 1 for as usual. It is the theme's, so that a change is
// followed by everything at once.
func textScale() float32 {
	if t, ok := fyne.CurrentApp().Settings().Theme().(*houseTheme); ok {
		return t.scale
	}
	return 1
}

// largeText tells whether text is so large that rows of controls are broken in two.
func largeText() bool { return textScale() >= 1.5 }

// units is a length that holds text, in units at the usual size.
func units(v float32) float32 { return v * textScale() }

// How much of the growth of text a column takes part in: words wrap, but names of fields do not, and charts
// need room as well.
const (
	columnGrowth = 0.62
	setupGrowth  = 0.86
	tabsGrowth   = 0.30
)

// columnUnits is the width of something whose texts wrap, in units at the usual size.
func columnUnits(v float32) float32 { return v * grown(columnGrowth) }

// setupUnits and tabsUnits are the widths of the form and of the tabs.
func setupUnits(v float32) float32 { return v * grown(setupGrowth) }
func tabsUnits(v float32) float32  { return v * grown(tabsGrowth) }

// grown is by how much something grows that takes part in a share of the growth of text. Small text makes it
// smaller by less: what is around the text stays.
func grown(share float32) float32 {
	k := textScale()
	if k < 1 {
		share = 0.4
	}
	return 1 + share*(k-1)
}

// savedTextSize is the chosen size in per cent.
func savedTextSize() int {
	n := fyne.CurrentApp().Preferences().IntWithFallback(prefTextSize, usualText)
	if !slices.Contains(textSizes, n) {
		return usualText
	}
	return n
}

// SetTextSize shows all text in another size, at once; per cent must be one of textSizes.
func (w *Window) SetTextSize(percent int) {
	if !slices.Contains(textSizes, percent) {
		return
	}
	fyne.CurrentApp().Preferences().SetInt(prefTextSize, percent)
	w.appearance(w.savedAppearance())
	w.redraw() // tables measure their columns
	w.showSettings()
}

// ResizeText goes some sizes up or down.
func (w *Window) ResizeText(by int) {
	i := slices.Index(textSizes, savedTextSize()) + by
	w.SetTextSize(textSizes[min(max(i, 0), len(textSizes)-1)])
}

// listHeight gives a list that scrolls a height that does not depend on it.
type listHeight struct{ height float32 }

func (l listHeight) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

func (l listHeight) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	size.Height = columnUnits(l.height)
	return size
}

// squareLayout gives a picture beside text a size that grows with the text.
type squareLayout struct{ side float32 }

func (l squareLayout) Layout(objects []fyne.CanvasObject, _ fyne.Size) {
	for _, o := range objects {
		o.Resize(fyne.NewSquareSize(units(l.side)))
	}
}

func (l squareLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSquareSize(units(l.side))
}

// brokenLayout has its second object at the right of the first, and of large text below it.
type brokenLayout struct{}

func (brokenLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	a, b := objects[0].MinSize(), objects[1].MinSize()
	objects[0].Move(fyne.NewPos(0, 0))
	if largeText() {
		objects[0].Resize(fyne.NewSize(size.Width, a.Height))
		objects[1].Move(fyne.NewPos(0, a.Height+controlGap))
		objects[1].Resize(b)
		return
	}
	objects[0].Resize(fyne.NewSize(size.Width-b.Width, size.Height))
	objects[1].Move(fyne.NewPos(size.Width-b.Width, 0))
	objects[1].Resize(fyne.NewSize(b.Width, size.Height))
}

func (brokenLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	a, b := objects[0].MinSize(), objects[1].MinSize()
	if largeText() {
		return fyne.NewSize(max(a.Width, b.Width), a.Height+controlGap+b.Height)
	}
	return fyne.NewSize(a.Width+b.Width, max(a.Height, b.Height))
}

// fittingLayout has something in the middle whose lines must not be wider than what it is in: they become
// smaller then.
type fittingLayout struct{ lines []*themedText }

func (l fittingLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, t := range l.lines {
		t.fitInto(size.Width - 2*fittingMargin)
	}
	for _, o := range objects {
		m := o.MinSize()
		o.Resize(m)
		o.Move(fyne.NewPos((size.Width-m.Width)/2, (size.Height-m.Height)/2))
	}
}

const fittingMargin = 8

func (l fittingLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size.Height = max(size.Height, o.MinSize().Height)
	}
	return size
}
