package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// relayout places what a container and those in it hold anew. Refresh would also refresh all of that, down
// to parsing each icon: some 10 ms for a column of the window.
func relayout(c *fyne.Container) {
	if c.Layout != nil {
		c.Layout.Layout(c.Objects, c.Size())
	}
	for _, o := range c.Objects {
		if inner, ok := o.(*fyne.Container); ok && inner.Visible() {
			relayout(inner)
		}
	}
	c.Move(c.Position()) // asks for a repaint
}

// relayoutScroll does the same in a view, which then has the height that it needs now.
func relayoutScroll(s *container.Scroll) {
	c, ok := s.Content.(*fyne.Container)
	size := s.Size()
	if !ok || size.Height == 0 {
		return
	}
	for range 2 { // texts wrap once they have a width
		relayout(c)
		if least := c.MinSize().Max(size); least != c.Size() {
			c.Resize(least)
			s.Resize(size.AddWidthHeight(0, 1)) // its bars follow: the same size would do nothing
			s.Resize(size)
		}
	}
}

// relayoutSide follows a change of what the left column holds.
func (w *Window) relayoutSide() {
	if w.side == nil {
		return // still building
	}
	relayoutScroll(w.side.Objects[0].(*container.Scroll))
	relayout(w.side) // which gives the form the height that it needs
}

// page is what a tab shows. Fyne's tabs refresh all their pages whenever another is chosen, and ask each for
// its size at every frame; a page only follows a change of theme, when it is in sight, and its size is known.
type page struct {
	widget.BaseWidget
	content fyne.CanvasObject
	shown   func() bool
	theme   fyne.Theme // that the content was refreshed for
	variant fyne.ThemeVariant
}

func newPage(content fyne.CanvasObject, shown func() bool) *page {
	p := &page{content: content, shown: shown}
	p.note()
	p.ExtendBaseWidget(p)
	return p
}

// note takes the theme of this moment and tells whether it is another.
func (p *page) note() bool {
	s := fyne.CurrentApp().Settings()
	th, v := s.Theme(), s.ThemeVariant()
	changed := p.theme != th || p.variant != v
	p.theme, p.variant = th, v
	return changed
}

// pageHeight is what the highest page needs at least.
const pageHeight = 380

// MinSize implements fyne.CanvasObject.
func (p *page) MinSize() fyne.Size {
	return fyne.NewSize(tabsUnits(tabsLeast)-2*tabsMargin, tabsUnits(pageHeight))
}

// Show implements fyne.CanvasObject.
func (p *page) Show() {
	p.Hidden = false
	p.Refresh()
}

// Hide implements fyne.CanvasObject. The tabs ask for the repaint.
func (p *page) Hide() { p.Hidden = true }

// Refresh implements fyne.CanvasObject.
func (p *page) Refresh() {
	if p.shown() && p.note() {
		p.content.Refresh() // parts forget how large they were
		if c, ok := p.content.(*fyne.Container); ok {
			relayout(c) // and are placed by what they need now
		}
	}
}

// CreateRenderer implements fyne.Widget.
func (p *page) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(p.content) }
