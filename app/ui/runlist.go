package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
)

// runList shows the runs of this session, newest first: whether a run is on the charts, its colour, its
// name and how it stands.
type runList struct {
	list   *widget.List
	empty  *widget.RichText
	runs   func() []*run
	toggle func(*run, bool)
	object fyne.CanvasObject
}

func newRunList(runs func() []*run, toggle func(*run, bool), selected func(*run)) *runList {
	l := &runList{runs: runs, toggle: toggle, empty: mutedProse()}
	l.list = widget.NewList(func() int { return len(runs()) },
		func() fyne.CanvasObject { return newRunItem() },
		func(i widget.ListItemID, o fyne.CanvasObject) { o.(*runItem).set(l.at(i), l.toggle) })
	l.list.HideSeparators = true
	l.list.OnSelected = func(i widget.ListItemID) { selected(l.at(i)) }
	say(l.empty, "Each run of this session stays here with its colour, "+
		"so that two variants can be compared on one chart.")
	l.object = container.NewStack(l.list, spaced(6, 0, 6, 0, l.empty))
	return l
}

func (l *runList) at(i int) *run {
	all := l.runs()
	return all[len(all)-1-i]
}

// refresh shows what changed; focus selects the newest run.
func (l *runList) refresh(focus bool) {
	if len(l.runs()) > 0 {
		l.empty.Hide()
	}
	l.list.Refresh()
	if focus {
		l.list.UnselectAll()
		l.list.Select(0)
	}
}

// runItem is a row of the list.
type runItem struct {
	widget.BaseWidget
	check  *widget.Check
	swatch *canvas.Rectangle
	title  *themedText
	below  *themedText
}

func newRunItem() *runItem {
	r := &runItem{check: widget.NewCheck("", nil), swatch: canvas.NewRectangle(nil), below: caption("")}
	r.title = newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{Bold: true})
	r.swatch.CornerRadius = 2
	r.swatch.SetMinSize(fyne.NewSize(5, 28))
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer implements fyne.Widget.
func (r *runItem) CreateRenderer() fyne.WidgetRenderer {
	left := container.NewHBox(spaced(4, 0, 0, 0, r.check), container.NewCenter(r.swatch))
	return widget.NewSimpleRenderer(container.NewBorder(nil, nil, left, nil,
		spaced(4, 4, 2, 4, column(1, r.title, r.below))))
}

func (r *runItem) set(of *run, toggle func(*run, bool)) {
	r.check.OnChanged = nil
	r.check.SetChecked(of.shown)
	r.check.OnChanged = func(on bool) { toggle(of, on) }
	if c := chart.RunColor(of.slot); r.swatch.FillColor != c {
		r.swatch.FillColor = c
		r.swatch.Refresh()
	}
	r.title.set(of.title, "")
	ink := theme.ColorNamePlaceHolder
	if of.state == Diverged || of.state == Failed {
		ink = theme.ColorNameError
	}
	r.below.set(of.summary(), ink)
}
