package ui

import (
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
)

// compareTab lays the checked runs over each other and lists where they differ.
type compareTab struct {
	view   *chartview.Chart
	metric *widget.Select
	step   *field
	copy   *widget.Button
	table  *widget.Table
	hint   *hint
	filled fyne.CanvasObject
	object fyne.CanvasObject

	dispatch func(func())

	data  *comparison
	scale float32 // of text, when the labels' column was measured
	quiet bool
}

// Widths and height of cells in units.
const (
	compareLabelWidth = 178
	compareCellWidth  = 138
	compareRowHeight  = 19
)

func newCompareTab(dispatch func(func()), options []string, metric func(string), changed func()) *compareTab {
	t := &compareTab{view: chartview.New(dispatch), dispatch: dispatch, hint: newHint(), data: &comparison{}}
	t.metric = widget.NewSelect(options, func(s string) {
		if !t.quiet {
			metric(s)
		}
	})
	t.step = newField(func(string) { changed() })
	t.copy = widget.NewButtonWithIcon("Copy Table", theme.ContentCopyIcon(), func() { copyText(t.data.text()) })
	t.table = widget.NewTable(func() (int, int) { return len(t.data.rows), len(t.data.runs) },
		func() fyne.CanvasObject { return newCompareItem() }, t.cell)
	t.table.ShowHeaderRow, t.table.ShowHeaderColumn = true, true
	t.table.HideSeparators = true
	t.table.CreateHeader = func() fyne.CanvasObject { return newCompareItem() }
	t.table.UpdateHeader = t.header
	t.table.OnSelected = func(widget.TableCellID) { t.table.UnselectAll() }
	t.hint.button.Hide()
	at := container.NewBorder(nil, nil, spaced(8, 0, 6, 0, container.NewCenter(
		newText("At step", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{}))), nil,
		container.New(leastLayout{96}, t.step))
	bar := container.New(brokenLayout{},
		container.NewBorder(nil, nil, container.NewHBox(container.New(leastLayout{150}, t.metric), at), nil), t.copy)
	split := container.NewVSplit(spaced(6, 6, 6, 2, t.view), bordered(
		spaced(6, 4, 6, 6, bar), nil, nil, nil, spaced(6, 0, 6, 0, t.table)))
	split.Offset = 0.47
	t.filled = split
	t.object = container.NewStack(t.filled, t.hint.object)
	return t
}

// show takes new runs, figure and values in. at is the title of the metric.
func (t *compareTab) show(compared []*run, figure chart.Figure, title string) {
	if len(compared) == 0 {
		t.data = &comparison{}
		t.filled.Hide()
		t.hint.object.Show()
		return
	}
	t.hint.object.Hide()
	t.filled.Show()
	if t.metric.Selected != title {
		t.quiet = true
		t.metric.SetSelected(title)
		t.quiet = false
	}
	t.view.SetFigure(figure)
	t.values(compared)
}

// values renews the table.
func (t *compareTab) values(compared []*run) {
	common := commonStep(compared)
	t.step.SetPlaceHolder(chart.FormatCount(common))
	t.data = newComparison(compared, t.at(common))
	if t.scale == textScale() {
		t.table.Refresh()
		return
	}
	t.scale = textScale()
	t.dispatch(func() { // all cells are made or measured anew, beside what else a first opening does
		t.table.SetColumnWidth(-1, columnUnits(compareLabelWidth)) // which refreshes it
	})
}

// at is the step that was typed; without one that makes sense, the last that all runs have.
func (t *compareTab) at(common float64) float64 {
	text := strings.NewReplacer(",", "", " ", "", "'", "").Replace(t.step.value())
	if n, err := strconv.ParseUint(text, 10, 53); err == nil {
		return float64(n)
	}
	return common
}

// compareItem is a cell: a swatch in the heading of a run, and text.
type compareItem struct {
	widget.BaseWidget
	swatch *canvas.Rectangle
	text   *elided
	column bool // of a run: its text stands beside where the swatch is
}

func newCompareItem() *compareItem {
	c := &compareItem{swatch: canvas.NewRectangle(nil)}
	c.text = newElided(newText("", theme.ColorNameForeground, theme.SizeNameCaptionText, fyne.TextStyle{}))
	c.text.keep = titleEnd
	c.swatch.CornerRadius = 2
	c.ExtendBaseWidget(c)
	return c
}

// CreateRenderer implements fyne.Widget.
func (c *compareItem) CreateRenderer() fyne.WidgetRenderer {
	return &compareItemRenderer{widget.NewSimpleRenderer(container.NewWithoutLayout(c.swatch, c.text)), c}
}

type compareItemRenderer struct {
	fyne.WidgetRenderer
	c *compareItem
}

// MinSize is that of every cell but the labels at the left.
func (r *compareItemRenderer) MinSize() fyne.Size {
	return fyne.NewSize(units(compareCellWidth), units(compareRowHeight))
}

func (r *compareItemRenderer) Refresh() {
	r.Layout(r.c.Size())
	r.WidgetRenderer.Refresh()
}

func (r *compareItemRenderer) Layout(s fyne.Size) {
	x, h := float32(0), r.c.text.MinSize().Height
	if r.c.column {
		x = 10
	}
	r.c.swatch.Move(fyne.NewPos(0, (s.Height-14)/2))
	r.c.swatch.Resize(fyne.NewSize(5, 14))
	r.c.text.Move(fyne.NewPos(x, (s.Height-h)/2))
	r.c.text.Resize(fyne.NewSize(s.Width-x, h))
}

func (c *compareItem) set(text string, bold, column bool, ink fyne.ThemeColorName, of *run) {
	if c.column != column {
		c.column = column
		c.Refresh()
	}
	if of == nil {
		c.swatch.Hide()
	} else {
		c.swatch.FillColor = chart.RunColor(of.slot)
		c.swatch.Show()
		c.swatch.Refresh()
	}
	if c.text.text.text.TextStyle.Bold != bold {
		c.text.text.text.TextStyle.Bold = bold
		c.text.full = "" // its width changed
		c.text.text.Refresh()
	}
	c.text.set(text, ink)
}

func (t *compareTab) cell(id widget.TableCellID, o fyne.CanvasObject) {
	var c compareCell
	if id.Row < len(t.data.rows) && id.Col < len(t.data.rows[id.Row].cells) {
		c = t.data.rows[id.Row].cells[id.Col]
	}
	o.(*compareItem).set(c.text, c.best, true, theme.ColorNameForeground, nil)
}

func (t *compareTab) header(id widget.TableCellID, o fyne.CanvasObject) {
	item := o.(*compareItem)
	switch {
	case id.Row >= 0 && id.Row < len(t.data.rows) && t.data.rows[id.Row].cells == nil:
		item.set(t.data.rows[id.Row].label, true, false, theme.ColorNameForeground, nil)
	case id.Row >= 0 && id.Row < len(t.data.rows):
		item.set(t.data.rows[id.Row].label, false, false, theme.ColorNamePlaceHolder, nil)
	case id.Row < 0 && id.Col >= 0 && id.Col < len(t.data.runs):
		r := t.data.runs[id.Col]
		item.set(r.title, true, true, theme.ColorNameForeground, r)
	default:
		item.set("", false, false, theme.ColorNameForeground, nil)
	}
}

// compared lists the runs on the charts whose metrics are there.
func (w *Window) compared() []*run {
	var list []*run
	for _, r := range w.session {
		if r.shown && r.series != nil {
			list = append(list, r)
		}
	}
	return list
}

// showCompare fills the Compare tab.
func (w *Window) showCompare() {
	h := w.compare.hint
	h.title.set("Nothing to compare yet", "")
	if len(w.lib.runs) > 0 {
		h.text.set("Check two or more runs in the list on the left", "")
		h.more.set("Their curves and what differs between them appear here", "")
	} else {
		h.text.set("Train two variants", "")
		h.more.set("Their curves and what differs between them appear here", "")
	}
	w.compare.show(w.compared(), w.loss.figure(w.session), w.loss.kind().title)
}

// buildCompare makes the tab. Its chart is that of the Loss tab, so the metric is chosen for both.
func (w *Window) buildCompare() {
	w.compare = newCompareTab(w.opt.Dispatch, w.loss.metric.Options, func(title string) {
		w.compare.view.Fit()
		w.loss.metric.SetSelected(title)
	}, w.redraw)
	c := w.compareChart()
	w.compare.view.OnLegendTap = w.loss.view.OnLegendTap
	w.compare.view.OnTypedKey = w.loss.view.OnTypedKey
	w.compare.view.OnSecondaryTap = func(e *fyne.PointEvent) { w.chartMenu(c, e.AbsolutePosition) }
}

// compareChart is the chart of the tab for exports. It is not among all charts of the window, because the
// Loss tab has the same.
func (w *Window) compareChart() *namedChart {
	return &namedChart{w.compare.view, func() string {
		return "compared-" + strings.ReplaceAll(strings.ToLower(w.loss.kind().title), " ", "-")
	}, tabCompare, func() chart.Figure { return w.loss.figure(w.session) }, w.onCharts}
}
