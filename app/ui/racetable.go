package ui

import (
	"fmt"
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/report"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// raceColumn is a column of the table of a race, told by its place in report.Cells.
type raceColumn struct {
	cell   int
	title  string
	width  float32 // least, in units; the first column takes what is left
	needed float32 // width of the table from which on the column is shown
}

// raceColumns leaves out in a narrow window what matters least.
var raceColumns = []raceColumn{
	{0, "Variant", 140, 0},
	{1, "Final validation", 104, 0},
	{2, "Range over seeds", 126, 430},
	{3, "Best", 62, 600},
	{4, "Training at end", 102, 720},
	{5, "Tokens/s", 66, 500},
	{6, "Ended", 54, 0},
	{7, "Diverged", 66, 0},
}

// raceTable is the table of a race, best variant first: a row a variant.
type raceTable struct {
	object *fyne.Container
	head   []*themedText
	rows   []*raceRow
}

// raceRow is a row of the table.
type raceRow struct {
	swatch *canvas.Rectangle
	cells  []*themedText
}

const (
	raceRowHeight = 21
	raceSwatch    = 5
)

func newRaceTable() *raceTable {
	t := &raceTable{}
	var all []fyne.CanvasObject
	for _, c := range raceColumns {
		h := caption(c.title)
		t.head = append(t.head, h)
		all = append(all, h)
	}
	for range race.MaxVariants {
		r := &raceRow{swatch: canvas.NewRectangle(nil)}
		r.swatch.CornerRadius = 2
		all = append(all, r.swatch)
		for range raceColumns {
			text := newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{})
			r.cells = append(r.cells, text)
			all = append(all, text)
		}
		t.rows = append(t.rows, r)
	}
	t.object = container.New(t, all...)
	return t
}

// set shows the standings; slots are the colours by variant.
func (t *raceTable) set(s *race.Snapshot, slots map[string]int) {
	rows := s.Ranked()
	for i, r := range t.rows {
		if i >= len(rows) {
			r.hide()
			continue
		}
		slot := slots[rows[i].Variant]
		if c := chart.RunColor(slot); r.swatch.FillColor != c {
			r.swatch.FillColor = c
			r.swatch.Refresh()
		}
		r.swatch.Show()
		cells := report.Cells(&rows[i])
		for j, c := range raceColumns {
			ink := theme.ColorNameForeground
			if c.title == "Diverged" && rows[i].Diverged > 0 {
				ink = theme.ColorNameError
			}
			r.cells[j].set(cells[c.cell], ink)
		}
		r.cells[0].text.TextStyle.Bold = i == 0 && rows[0].Finished > 0 && s.State == race.Done
	}
	t.object.Refresh()
}

func (r *raceRow) hide() {
	r.swatch.Hide()
	for _, c := range r.cells {
		c.set("", "")
	}
}

// MinSize implements fyne.Layout.
func (t *raceTable) MinSize([]fyne.CanvasObject) fyne.Size {
	n := 1
	for _, r := range t.rows {
		if r.cells[0].text.Text != "" {
			n++
		}
	}
	return fyne.NewSize(0, float32(n)*units(raceRowHeight))
}

// Layout implements fyne.Layout: numbers are flush right, the first column takes what is left.
func (t *raceTable) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	rest, height := size.Width, units(raceRowHeight)
	for _, c := range raceColumns[1:] {
		if size.Width >= units(c.needed) {
			rest -= units(c.width)
		}
	}
	x := float32(0)
	for j, c := range raceColumns {
		width := units(c.width)
		if j == 0 {
			width = rest
		}
		shown := size.Width >= units(c.needed)
		place := func(o *themedText, row int) {
			setShown(o, shown)
			if o.text.Text == "" {
				return
			}
			y := float32(row) * height
			m := o.MinSize()
			o.Resize(m)
			if j == 0 {
				o.Move(fyne.NewPos(raceSwatch+8, y+(height-m.Height)/2))
			} else {
				o.Move(fyne.NewPos(x+width-m.Width, y+(height-m.Height)/2))
			}
		}
		place(t.head[j], 0)
		for i, r := range t.rows {
			place(r.cells[j], i+1)
			if j == 0 {
				r.swatch.Move(fyne.NewPos(0, float32(i+1)*height+3))
				r.swatch.Resize(fyne.NewSize(raceSwatch, height-6))
			}
		}
		if shown {
			x += width
		}
	}
}

// raceSummary is what the end of a race comes to in a sentence.
func raceSummary(s *race.Snapshot) string {
	rows := s.Ranked()
	switch {
	case s.State == race.Cancelled:
		return "The race was stopped; the runs that had begun are kept"
	case s.State == race.Failed:
		return s.Reason
	case len(rows) == 0 || rows[0].Finished == 0:
		return "Every run diverged"
	}
	mean := rows[0].Final.Mean
	if math.IsNaN(mean) {
		mean = rows[0].Train.Mean
	}
	text := rows[0].Title + " is first with " + value(mean)
	var lost []string
	for _, r := range rows {
		if r.Diverged > 0 {
			lost = append(lost, fmt.Sprintf("%s diverged in %d of %s", r.Title, r.Diverged, plural(len(r.Results), "run")))
		}
	}
	if lost != nil {
		text += "; " + strings.Join(lost, ", ")
	}
	return text
}
