package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// bordered is a border layout whose objects stand in reading order, which Tab follows; Fyne's own begins
// with the middle.
func bordered(top, bottom, left, right, middle fyne.CanvasObject) *fyne.Container {
	var all []fyne.CanvasObject
	for _, o := range []fyne.CanvasObject{top, left, middle, right, bottom} {
		if o != nil {
			all = append(all, o)
		}
	}
	return container.New(layout.NewBorderLayout(top, bottom, left, right), all...)
}

// ring frames something that has the focus and no sign of its own for that.
type ring struct{ *canvas.Rectangle }

func newRing() ring {
	r := ring{canvas.NewRectangle(color.Transparent)}
	r.StrokeWidth, r.CornerRadius = 1.5, 3
	r.show(false)
	return r
}

// show draws the frame in the theme's colour of this moment, or takes it away. It is never hidden: a canvas
// does not repaint for what it has not painted before.
func (r ring) show(on bool) {
	r.StrokeColor = color.Transparent
	if on {
		r.StrokeColor = theme.Color(theme.ColorNamePrimary)
	}
	r.Refresh()
}

// place puts the frame just within something at the same place: what is outside may be cut off.
func (r ring) place(size fyne.Size) {
	r.Move(fyne.NewPos(r.StrokeWidth, r.StrokeWidth))
	r.Resize(size.SubtractWidthHeight(2*r.StrokeWidth, 2*r.StrokeWidth))
}

// revealMargin is kept in sight around what has the focus: the row before and the row after.
const revealMargin = 40

// reveal scrolls until a part of what a view holds is in sight: Fyne leaves it where Tab reached it.
func reveal(view *container.Scroll, o fyne.CanvasObject, lo, hi float32) {
	d := fyne.CurrentApp().Driver()
	top := d.AbsolutePositionForObject(o).Y - d.AbsolutePositionForObject(view.Content).Y
	y := view.Offset.Y
	y = max(y, top+hi+revealMargin-view.Size().Height)
	y = min(y, top+lo-revealMargin)
	if y = max(y, 0); y != view.Offset.Y {
		view.ScrollToOffset(fyne.NewPos(0, y))
	}
}

// follow keeps the fields, lists and help marks below o in sight of a view when Tab reaches them.
func follow(view *container.Scroll, o fyne.CanvasObject) {
	show := func(o fyne.CanvasObject) func() {
		return func() { reveal(view, o, 0, o.Size().Height) }
	}
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			follow(view, child)
		}
	case *field:
		o.reached = show(o)
	case *listField:
		o.reached = show(o)
	case *helpLabel:
		o.reached = show(o)
	}
}

// pages scrolls a view by a key and tells whether the key was one for that.
func pages(view *container.Scroll, line float32, key fyne.KeyName) bool {
	y, page := view.Offset.Y, max(line, view.Size().Height-2*line)
	switch key {
	case fyne.KeyUp:
		y -= line
	case fyne.KeyDown:
		y += line
	case fyne.KeyPageUp:
		y -= page
	case fyne.KeyPageDown:
		y += page
	case fyne.KeyHome:
		y = 0
	case fyne.KeyEnd:
		y = view.Content.MinSize().Height
	default:
		return false
	}
	y = min(y, view.Content.MinSize().Height-view.Size().Height)
	view.ScrollToOffset(fyne.NewPos(0, max(y, 0)))
	return true
}

// leaveOverlay closes the dialog, list or explanation on top, without an answer, and tells whether there
// was one. The focus goes first: see dropDown.Hide.
func leaveOverlay(c fyne.Canvas) bool {
	top := c.Overlays().Top()
	if top == nil {
		return false
	}
	c.Unfocus()
	top.Hide()
	return true
}

// typed takes the keys that nothing has the focus for: escape closes what is on top, and so do return and
// space where there is nothing to choose.
func (w *Window) typed(e *fyne.KeyEvent) {
	c := w.win.Canvas()
	switch e.Name {
	case fyne.KeyEscape:
		leaveOverlay(c)
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		if top := c.Overlays().Top(); top != nil && top == w.plain {
			leaveOverlay(c)
		}
	}
}

// sayPlainly notes that what is on top only has to be read.
func (w *Window) sayPlainly() { w.plain = w.win.Canvas().Overlays().Top() }

// inDialog tells whether a dialog waits for an answer. Lists and explanations do not: they go when
// something else is done.
func (w *Window) inDialog() bool {
	c := w.win.Canvas()
	for c.Overlays().Top() != nil {
		top, pop := c.Overlays().Top().(*widget.PopUp)
		if pop && top != w.help {
			return true
		}
		leaveOverlay(c)
	}
	return false
}

// dropFocus takes the focus from what has just been locked: a list changes by arrow keys all the same.
func (w *Window) dropFocus() {
	c := w.win.Canvas()
	if d, ok := c.Focused().(fyne.Disableable); ok && d.Disabled() {
		c.Unfocus()
	}
}

// guard makes the menu's items do nothing while they are disabled or a dialog is open, but for those that
// are always on: the driver runs the key of an item that is disabled, and of one behind a dialog.
func (w *Window) guard(m *fyne.Menu, always ...*fyne.MenuItem) {
	for _, i := range m.Items {
		if i.ChildMenu != nil {
			w.guard(i.ChildMenu, always...)
		}
		if i.Action == nil {
			continue
		}
		run, free := i.Action, false
		for _, a := range always {
			free = free || a == i
		}
		i.Action = func() {
			if !i.Disabled && (free || !w.inDialog()) {
				run()
			}
		}
	}
}

// goItems are the rows of the View menu that go from part to part of the window, which Tab would take many
// steps for.
func (w *Window) goItems() []*fyne.MenuItem {
	first := func(o fyne.CanvasObject) fyne.Focusable {
		var found fyne.Focusable
		eachVisible(o, func(o fyne.CanvasObject) bool {
			d, ok := o.(fyne.Disableable)
			if f, can := o.(fyne.Focusable); can && !(ok && d.Disabled()) {
				found = f
			}
			return found != nil
		})
		return found
	}
	var items []*fyne.MenuItem
	for i, part := range []struct {
		label string
		of    func() fyne.CanvasObject
	}{
		{"Go to the Setup", func() fyne.CanvasObject { return w.setup.object }},
		{"Go to the Runs", func() fyne.CanvasObject { return w.runs.list }},
		{"Go to the Tab", func() fyne.CanvasObject { return w.tabs.Selected().Content }},
		{"Go to the Variant", func() fyne.CanvasObject { return w.variant.object }},
	} {
		key := &desktop.CustomShortcut{KeyName: fyne.KeyName('1' + rune(i)),
			Modifier: fyne.KeyModifierShortcutDefault | fyne.KeyModifierAlt}
		item := fyne.NewMenuItem(part.label, func() {
			if f := first(part.of()); f != nil {
				w.win.Canvas().Focus(f)
			}
		})
		item.Shortcut = key
		items = append(items, item)
	}
	return items
}

// eachVisible visits an object and what it holds in order, as far as it can be seen, until visit says so.
func eachVisible(o fyne.CanvasObject, visit func(fyne.CanvasObject) bool) bool {
	if !o.Visible() {
		return false
	}
	if visit(o) {
		return true
	}
	var children []fyne.CanvasObject
	switch o := o.(type) {
	case *fyne.Container:
		children = o.Objects
	case *container.Scroll:
		children = []fyne.CanvasObject{o.Content}
	case *surface:
		children = []fyne.CanvasObject{o.content}
	case *page:
		children = []fyne.CanvasObject{o.content}
	case *container.Split:
		children = []fyne.CanvasObject{o.Leading, o.Trailing}
	}
	for _, child := range children {
		if eachVisible(child, visit) {
			return true
		}
	}
	return false
}
