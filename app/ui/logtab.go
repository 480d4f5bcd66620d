package ui

import (
	"fmt"
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// logTab lists what happened to a run. A line longer than the tab is wide goes on in the next rows.
type logTab struct {
	list   *widget.List
	lines  []logLine
	rows   []logRow
	of     *run
	chars  int     // that fit into a row
	picked bool    // a line is selected: the note has the whole of it
	end    float32 // where the list was scrolled to by itself
	note   *themedText
	object fyne.CanvasObject
}

// logRow is what one row of the list shows of a line.
type logRow struct {
	text string
	line int // of which it is a part
}

// logMargin is the space at both sides of the lines, in units.
const logMargin = 10

func newLogTab(copyText func(string)) *logTab {
	t := &logTab{note: caption("")}
	t.list = widget.NewList(func() int { return len(t.rows) },
		func() fyne.CanvasObject {
			text := newText("", theme.ColorNameForeground, theme.SizeNameCaptionText, logStyle)
			return spaced(logMargin, 0, logMargin, 0, text)
		},
		func(i widget.ListItemID, o fyne.CanvasObject) {
			ink, row := theme.ColorNameForeground, t.rows[i]
			if t.lines[row.line].bad {
				ink = theme.ColorNameError
			}
			o.(*fyne.Container).Objects[0].(*themedText).set(row.text, ink)
		})
	t.list.HideSeparators = true
	t.list.OnSelected = func(i widget.ListItemID) {
		t.picked = true
		t.note.set(t.lines[t.rows[i].line].text, "")
	}
	t.list.OnUnselected = func(widget.ListItemID) { t.picked = false }
	copyAll := widget.NewButtonWithIcon("Copy", theme.ContentCopyIcon(), func() {
		var b strings.Builder
		for _, l := range t.lines {
			fmt.Fprintln(&b, l)
		}
		copyText(b.String())
	})
	t.object = container.NewBorder(nil, spaced(10, 4, 6, 6, container.NewBorder(nil, nil, nil, copyAll,
		container.NewHScroll(container.NewHBox(container.NewCenter(t.note))))), nil, nil,
		spaced(0, 6, 0, 0, container.New(widthLayout(t.wrap), t.list)))
	return t
}

var logStyle = fyne.TextStyle{Monospace: true}

// widthLayout fills its place and is told how wide that is.
type widthLayout func(width float32)

func (l widthLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
	l(size.Width)
}

func (widthLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return objects[0].MinSize()
}

// wrap breaks the lines anew when another number of characters fits, and goes on to follow the newest.
func (t *logTab) wrap(width float32) {
	following := t.following()
	defer func() { t.follow(following) }()
	char := fyne.MeasureText("m", theme.Size(theme.SizeNameCaptionText), logStyle).Width
	chars := int((width - 2*logMargin - theme.Size(theme.SizeNameScrollBar)) / char)
	if chars != t.chars {
		t.chars = chars
		t.rows = logRows(t.lines, chars)
		t.list.Refresh()
	}
}

// logIndent sets what goes on in the next row below the text of the first, behind the time.
var logIndent = strings.Repeat(" ", len("15:04:05  "))

// logRows breaks lines into rows of n characters, at a blank where there is one in the second half of a row.
func logRows(lines []logLine, n int) []logRow {
	n = max(n, 2*len(logIndent))
	var rows []logRow
	for i, l := range lines {
		first := true
		for _, paragraph := range strings.Split(strings.TrimRight(homely(l.String()), "\n"), "\n") {
			rest := []rune(paragraph)
			for {
				if !first {
					rest = append([]rune(logIndent), rest...)
				}
				first = false
				at := len(rest)
				if at > n {
					at = n
					for k := n; k > n/2; k-- {
						if rest[k] == ' ' {
							at = k
							break
						}
					}
				}
				rows = append(rows, logRow{strings.TrimRight(string(rest[:at]), " "), i})
				rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
				if len(rest) == 0 {
					break
				}
			}
		}
	}
	return rows
}

// String is the line as it is copied.
func (l logLine) String() string { return l.at.Format("15:04:05") + "  " + l.text }

// show lists the lines of a run and goes to the newest, unless somebody reads older ones of that run.
func (t *logTab) show(r *run) {
	another, following := r != t.of, t.following()
	t.of, t.lines = r, nil
	if r != nil {
		t.lines = r.log
	}
	t.rows = logRows(t.lines, t.chars)
	t.list.MinSize() // makes its renderer: a list without one cannot scroll
	t.list.Refresh()
	if another {
		t.list.UnselectAll()
	}
	if !t.picked {
		t.note.set(t.about(), "")
	}
	t.follow(another || following)
}

// following tells whether the newest line was in sight until now: nobody has scrolled up since the list was
// there, whatever became of its size and that of the text.
func (t *logTab) following() bool { return t.atEnd() || t.list.GetScrollOffset() >= t.end-1 }

// follow brings the newest line into sight, or leaves the list to who reads it.
func (t *logTab) follow(on bool) {
	t.end = math.MaxFloat32
	if on {
		t.list.ScrollToBottom()
		t.end = t.list.GetScrollOffset()
	}
}

// about is what stands below the lines while none is selected: where the run is.
func (t *logTab) about() string {
	if t.of == nil {
		return "Events, validations and checkpoints of a run appear here."
	}
	return homely(t.of.snap.RunPath)
}

// atEnd tells whether the last row is in sight.
func (t *logTab) atEnd() bool {
	below := t.height(len(t.rows)) - t.list.GetScrollOffset() - t.list.Size().Height
	return below < t.height(1)
}

// height is what some rows take.
func (t *logTab) height(rows int) float32 {
	return float32(rows) * (t.list.CreateItem().MinSize().Height + theme.Padding())
}
