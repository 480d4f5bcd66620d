package ui

import (
	"image/color"
	"strings"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// textView shows what models wrote, as long as that may be. Fyne's RichText measures its way through a
// paragraph again and again: 5,000 letters took it 280 ms at every refresh, on the UI goroutine. Here all
// letters are of one width, so that wrapping is counting, and only the lines in sight are drawn.
type textView struct {
	widget.BaseWidget // the text; scroll has it
	blocks            []textBlock
	lines             []textLine
	width             float32
	rows              []*textRow // in sight
	scroll            *container.Scroll
	ring              ring
	object            fyne.CanvasObject
}

var _ fyne.Focusable = (*textView)(nil)

// textBlock is one text: a small heading if it has one, the prompt, and what was written after it.
type textBlock struct{ head, prompt, text string }

// textLine is one line on the screen.
type textLine struct {
	text   string
	accent int // bytes of it that belong to the prompt
	kind   lineKind
}

type lineKind uint8

const (
	lineText lineKind = iota
	lineHead
	lineRule // between two blocks
)

// textMargin is left and right of the text.
const textMargin = 6

func newTextView() *textView {
	v := &textView{ring: newRing()}
	v.ExtendBaseWidget(v)
	v.scroll = container.NewVScroll(v)
	v.scroll.OnScrolled = func(fyne.Position) { v.reveal() }
	v.object = container.New(textViewLayout{v}, v.scroll, v.ring.Rectangle)
	return v
}

// FocusGained implements fyne.Focusable.
func (v *textView) FocusGained() { v.ring.show(true) }

// FocusLost implements fyne.Focusable.
func (v *textView) FocusLost() { v.ring.show(false) }

// TypedRune implements fyne.Focusable.
func (v *textView) TypedRune(rune) {}

// TypedKey implements fyne.Focusable: arrows and pages scroll.
func (v *textView) TypedKey(e *fyne.KeyEvent) {
	if pages(v.scroll, v.cell().Height, e.Name) {
		v.reveal()
	}
}

// ringLift keeps the frame of the focus off the first line, in units.
const ringLift = 3

// textViewLayout wraps the text before the scroller asks for its height.
type textViewLayout struct{ v *textView }

func (l textViewLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	bottom := l.v.scroll.Offset.Y > 0 && l.v.atEnd()
	l.v.wrap(size.Width)
	objects[0].Resize(size)
	l.v.ring.place(size)
	l.v.ring.Move(l.v.ring.Position().SubtractXY(0, ringLift))
	l.v.ring.Resize(l.v.ring.Size().AddWidthHeight(0, ringLift))
	l.v.scroll.Refresh() // it holds the height from before
	if bottom {
		l.v.scroll.ScrollToBottom()
	}
	l.v.reveal()
}

func (l textViewLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(60, 30) }

// set shows texts; the end of the last stays in sight when it was.
func (v *textView) set(blocks []textBlock, follow bool) {
	bottom := v.atEnd()
	v.blocks, v.lines = blocks, nil
	v.wrap(v.width)
	v.scroll.Refresh()
	if follow && bottom {
		v.scroll.ScrollToBottom()
	}
	v.reveal()
}

// atEnd tells whether the last line is in sight, or nearly.
func (v *textView) atEnd() bool {
	return v.scroll.Offset.Y >= v.MinSize().Height-v.scroll.Size().Height-v.cell().Height
}

// String is all texts, a line each.
func (v *textView) String() string {
	var parts []string
	for _, b := range v.blocks {
		if b.head != "" {
			parts = append(parts, b.head)
		}
		parts = append(parts, b.prompt+b.text)
	}
	return strings.Join(parts, "\n")
}

// cell is the size of a letter.
func (v *textView) cell() fyne.Size {
	const many = 64 // a single one would be rounded
	s := fyne.MeasureText(strings.Repeat("0", many), v.Theme().Size(theme.SizeNameText), fyne.TextStyle{Monospace: true})
	return fyne.NewSize(s.Width/many, s.Height)
}

// wrap breaks the texts into lines for a width, when that or they changed.
func (v *textView) wrap(width float32) {
	if v.lines != nil && width == v.width {
		return
	}
	v.width, v.lines = width, []textLine{}
	columns := max(8, int((width-2*textMargin-theme.ScrollBarSize())/v.cell().Width))
	for i, b := range v.blocks {
		if i > 0 {
			v.lines = append(v.lines, textLine{kind: lineRule})
		}
		if b.head != "" {
			v.lines = append(v.lines, textLine{text: b.head, kind: lineHead})
		}
		prompt, text := spread(b.prompt), spread(b.text)
		v.lines = appendWrapped(v.lines, prompt+text, len(prompt), columns)
	}
}

// spread replaces what a line cannot show.
func spread(s string) string { return strings.ReplaceAll(printable(s), "\t", "    ") }

// appendWrapped breaks a text at its line ends and, where a line is too long, at a blank, or anywhere when
// there is none. The first accent bytes are the prompt.
func appendWrapped(lines []textLine, text string, accent, columns int) []textLine {
	start, blank, at := 0, -1, 0 // of the line, of the last blank in it, columns so far
	cut := func(end, next int) {
		lines = append(lines, textLine{text: text[start:end], accent: min(max(accent-start, 0), end-start)})
		start, blank, at = next, -1, 0
	}
	for i, r := range text {
		if r == '\n' {
			cut(i, i+1)
			continue
		}
		w := columnsOf(r)
		if at+w > columns && i > start {
			switch {
			case r == ' ':
				cut(i, i+1)
				continue
			case blank >= 0:
				cut(blank, blank+1)
				for _, moved := range text[start:i] {
					at += columnsOf(moved)
				}
				if at+w > columns { // a wide letter after a word almost as long as the line
					cut(i, i)
				}
			default:
				cut(i, i)
			}
		}
		if r == ' ' {
			blank = i
		}
		at += w
	}
	cut(len(text), len(text))
	return lines
}

// columnsOf is how many letters wide a rune is: the scripts of East Asia and what stands above take two.
func columnsOf(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0x1f000:
		return 2
	}
	return 1
}

// MinSize is the height of all lines; lines take what width there is.
func (v *textView) MinSize() fyne.Size {
	return fyne.NewSize(0, v.cell().Height*float32(len(v.lines))+4)
}

// textRow draws one line.
type textRow struct {
	prompt, text *canvas.Text
	rule         *canvas.Line
}

// CreateRenderer implements fyne.Widget.
func (v *textView) CreateRenderer() fyne.WidgetRenderer { return &textViewRenderer{v} }

type textViewRenderer struct{ v *textView }

func (r *textViewRenderer) Destroy()           {}
func (r *textViewRenderer) Layout(fyne.Size)   { r.v.reveal() }
func (r *textViewRenderer) MinSize() fyne.Size { return r.v.MinSize() }
func (r *textViewRenderer) Refresh()           { r.v.reveal() }

func (r *textViewRenderer) Objects() []fyne.CanvasObject {
	objects := make([]fyne.CanvasObject, 0, 3*len(r.v.rows))
	for _, row := range r.v.rows {
		objects = append(objects, row.prompt, row.text, row.rule)
	}
	return objects
}

// reveal draws the lines that the scroller shows.
func (v *textView) reveal() {
	cell := v.cell()
	first := max(0, int(v.scroll.Offset.Y/cell.Height))
	need := int(v.scroll.Size().Height/cell.Height) + 2
	grown := len(v.rows) < need
	for len(v.rows) < need {
		mono := func() *canvas.Text {
			t := canvas.NewText("", color.Transparent)
			t.TextStyle.Monospace = true
			return t
		}
		v.rows = append(v.rows, &textRow{mono(), mono(), canvas.NewLine(color.Transparent)})
	}
	for i, row := range v.rows {
		var line textLine
		if i < need && first+i < len(v.lines) {
			line = v.lines[first+i]
		}
		v.draw(row, line, float32(first+i)*cell.Height, cell)
	}
	if grown {
		canvas.Refresh(v)
	}
}

// draw makes a row show a line.
func (v *textView) draw(row *textRow, line textLine, y float32, cell fyne.Size) {
	th, variant := v.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	ink, size, mono := theme.ColorNameForeground, th.Size(theme.SizeNameText), true
	if line.kind == lineHead {
		ink, size, mono = theme.ColorNamePlaceHolder, th.Size(theme.SizeNameCaptionText), false
	}
	put := func(t *canvas.Text, text string, ink fyne.ThemeColorName, x float32) {
		t.Move(fyne.NewPos(x, y))
		t.Resize(fyne.NewSize(v.width, cell.Height))
		shade := th.Color(ink, variant)
		if t.Text == text && t.Color == shade && t.TextSize == size && t.TextStyle.Monospace == mono {
			return
		}
		t.Text, t.Color, t.TextSize, t.TextStyle.Monospace = text, shade, size, mono
		t.Refresh()
	}
	put(row.prompt, line.text[:line.accent], theme.ColorNamePrimary, textMargin)
	x := float32(textMargin)
	if line.accent > 0 {
		x += fyne.MeasureText(row.prompt.Text, size, row.prompt.TextStyle).Width
	}
	put(row.text, line.text[line.accent:], ink, x)
	row.rule.Hide()
	if line.kind == lineRule {
		row.rule.StrokeColor = th.Color(theme.ColorNameSeparator, variant)
		row.rule.Position1 = fyne.NewPos(textMargin, y+cell.Height/2)
		row.rule.Position2 = fyne.NewPos(v.width-textMargin, y+cell.Height/2)
		row.rule.Show()
		row.rule.Refresh()
	}
}
