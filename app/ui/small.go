package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// surface is a themed ground below some content; it follows a switch of theme.
type surface struct {
	widget.BaseWidget
	ground  fyne.ThemeColorName
	edge    fyne.ThemeColorName // empty: none
	radius  float32
	content fyne.CanvasObject
}

func newSurface(ground fyne.ThemeColorName, content fyne.CanvasObject) *surface {
	s := &surface{ground: ground, content: content}
	s.ExtendBaseWidget(s)
	return s
}

// CreateRenderer implements fyne.Widget.
func (s *surface) CreateRenderer() fyne.WidgetRenderer {
	r := &surfaceRenderer{s: s, rect: canvas.NewRectangle(color.Transparent)}
	r.paint()
	return r
}

type surfaceRenderer struct {
	s    *surface
	rect *canvas.Rectangle
}

func (r *surfaceRenderer) Destroy()           {}
func (r *surfaceRenderer) MinSize() fyne.Size { return r.s.content.MinSize() }

func (r *surfaceRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.rect, r.s.content}
}

func (r *surfaceRenderer) Layout(size fyne.Size) {
	r.rect.Resize(size)
	r.s.content.Resize(size)
}

// Refresh leaves what lies on the ground alone: who changes that refreshes it.
func (r *surfaceRenderer) Refresh() {
	r.paint()
	r.rect.Refresh()
	if c, ok := r.s.content.(*fyne.Container); ok {
		relayout(c)
	}
}

func (r *surfaceRenderer) paint() {
	th, v := r.s.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.rect.FillColor, r.rect.CornerRadius = th.Color(r.s.ground, v), r.s.radius
	if r.s.edge != "" {
		r.rect.StrokeColor, r.rect.StrokeWidth = th.Color(r.s.edge, v), 1
	}
}

// themedText is one line of text in a colour of the theme; unlike a label it has no padding.
type themedText struct {
	widget.BaseWidget
	text *canvas.Text
	ink  fyne.ThemeColorName
	size fyne.ThemeSizeName
	fit  float32 // of its size, to fit into a width; 0 is all of it
}

func newText(
	text string, ink fyne.ThemeColorName, size fyne.ThemeSizeName, style fyne.TextStyle,
) *themedText {
	t := &themedText{text: canvas.NewText(text, color.Black), ink: ink, size: size}
	t.text.TextStyle = style
	t.ExtendBaseWidget(t)
	return t
}

// set changes the text and, when ink is not empty, its colour.
func (t *themedText) set(text string, ink fyne.ThemeColorName) {
	if ink == "" {
		ink = t.ink
	}
	if t.text.Text == text && t.ink == ink {
		return
	}
	t.text.Text, t.ink = text, ink
	t.Refresh()
}

// fitInto makes the text as small as a width asks for.
func (t *themedText) fitInto(width float32) {
	fit := min(1, width/fyne.MeasureText(t.text.Text, t.Theme().Size(t.size), t.text.TextStyle).Width)
	if t.fit != fit && width > 0 {
		t.fit = fit
		t.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (t *themedText) CreateRenderer() fyne.WidgetRenderer {
	r := &textRenderer{WidgetRenderer: widget.NewSimpleRenderer(t.text), t: t}
	r.paint()
	return r
}

type textRenderer struct {
	fyne.WidgetRenderer
	t *themedText
}

func (r *textRenderer) Refresh() {
	r.paint()
	r.WidgetRenderer.Refresh()
}

func (r *textRenderer) paint() {
	th, v := r.t.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.t.text.Color, r.t.text.TextSize = th.Color(r.t.ink, v), th.Size(r.t.size)
	if r.t.fit > 0 {
		r.t.text.TextSize *= r.t.fit
	}
}

// caption is small muted text.
func caption(text string) *themedText {
	return newText(text, theme.ColorNamePlaceHolder, theme.SizeNameCaptionText, fyne.TextStyle{})
}

// heading is the title of a column.
func heading(text string) *themedText {
	return newText(text, theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{Bold: true})
}

// prose is wrapped text.
func prose(size fyne.ThemeSizeName, importance widget.Importance) *widget.Label {
	l := widget.NewLabel("")
	l.Wrapping, l.SizeName, l.Importance = fyne.TextWrapWord, size, importance
	return l
}

// mutedProse is wrapped text of lesser weight; say writes it.
func mutedProse() *widget.RichText {
	t := widget.NewRichText(&widget.TextSegment{Style: widget.RichTextStyle{
		SizeName: theme.SizeNameCaptionText, ColorName: theme.ColorNamePlaceHolder}})
	t.Wrapping = fyne.TextWrapWord
	return t
}

func say(t *widget.RichText, text string) {
	if s := t.Segments[0].(*widget.TextSegment); s.Text != text {
		s.Text = text
		t.Refresh()
	}
}

// tell writes a label, unless that says it already: wrapping a text anew takes its time.
func tell(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}

// place moves an object unless it is there: for a container every move paints the window anew.
func place(o fyne.CanvasObject, at fyne.Position) {
	if o.Position() != at {
		o.Move(at)
	}
}

// spaced puts fixed margins around content.
func spaced(left, top, right, bottom float32, content fyne.CanvasObject) *fyne.Container {
	return container.New(marginLayout{left, top, right, bottom}, content)
}

type marginLayout struct{ left, top, right, bottom float32 }

func (m marginLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		place(o, fyne.NewPos(m.left, m.top))
		o.Resize(size.SubtractWidthHeight(m.left+m.right, m.top+m.bottom))
	}
}

func (m marginLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	return size.AddWidthHeight(m.left+m.right, m.top+m.bottom)
}

// leastLayout gives content a width that does not depend on it, so that changing text moves nothing.
type leastLayout struct{ width float32 }

func (l leastLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

func (l leastLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	size.Width = units(l.width)
	return size
}

// leastHeight gives content a height that does not depend on it.
type leastHeight struct{ height float32 }

func (l leastHeight) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

func (l leastHeight) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	size.Height = units(l.height)
	return size
}

// column stacks objects without Fyne's padding in between, gap units apart.
type columnLayout struct{ gap float32 }

func (c columnLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		o.Resize(fyne.NewSize(size.Width, o.Size().Height)) // wrapped text needs its width first
		h := o.MinSize().Height
		place(o, fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, h))
		y += h + c.gap
	}
}

func (c columnLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for i, o := range objects {
		if !o.Visible() {
			continue
		}
		m := o.MinSize()
		size.Width = max(size.Width, m.Width)
		size.Height += m.Height
		if i > 0 {
			size.Height += c.gap
		}
	}
	return size
}

func column(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(columnLayout{gap}, objects...)
}
