package ui

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
)

// namedChart is a chart with the stem of its files, the tab it is on, and what it shows of which runs, also
// when its tab was never opened.
type namedChart struct {
	view   *chartview.Chart
	stem   func() string
	tab    int
	figure func() chart.Figure
	runs   func() []*run
}

// title names the chart in menus.
func (c *namedChart) title() string { return strings.ReplaceAll(c.stem(), "-", " ") }

// charts lists all charts of the window.
func (w *Window) charts() []*namedChart {
	slug := func(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }
	return []*namedChart{
		{w.loss.view, func() string { return slug(w.loss.kind().title) }, tabLoss,
			func() chart.Figure { return w.loss.figure(w.session) }, w.onCharts},
		{w.grad.over, w.grad.stem, tabGradients, func() chart.Figure { return w.grad.upper(w.session, w.selected) },
			w.inUpper},
		{w.grad.at, func() string {
			return fmt.Sprintf("%s-by-%s-at-%.0f", slug(w.grad.kind().title), w.grad.by(), w.grad.step.Value)
		}, tabGradients, func() chart.Figure { return w.grad.atStep(w.session, w.selected) }, w.inBars},
	}
}

// onCharts lists the runs that are checked and have something to draw.
func (w *Window) onCharts() []*run {
	var list []*run
	for _, r := range w.session {
		if r.shown && r.hasData() {
			list = append(list, r)
		}
	}
	return list
}

// inBars lists those of them that have the metric by block.
func (w *Window) inBars() []*run {
	return slices.DeleteFunc(w.onCharts(), func(r *run) bool { return !w.grad.kind().has(r) })
}

// inUpper lists the runs of the upper chart by block: the selected one, unless it is the paper's Figure 2.
func (w *Window) inUpper() []*run {
	switch {
	case w.grad.figure2:
		return w.inBars()
	case w.selected == nil || !w.selected.hasData():
		return nil
	}
	return []*run{w.selected}
}

// shownCharts lists the charts of the visible tab; all of them on a tab without charts.
func (w *Window) shownCharts() []*namedChart {
	if w.tab() == tabCompare {
		return []*namedChart{w.compareChart()}
	}
	if w.tab() == tabRace && w.race != nil {
		return []*namedChart{w.raceChart()}
	}
	var shown []*namedChart
	for _, c := range w.charts() {
		if c.tab == w.tab() && !(w.grad.figure2 && c.view == w.grad.at) {
			shown = append(shown, c)
		}
	}
	if shown == nil {
		return w.charts()
	}
	return shown
}

// frontChart is the chart that has the focus, else the first that is visible.
func (w *Window) frontChart() *namedChart {
	shown := w.shownCharts()
	for _, c := range shown {
		if w.win.Canvas().Focused() == fyne.Focusable(c.view) {
			return c
		}
	}
	return shown[0]
}

// pictureFormat is a kind of file that a chart can be saved as.
type pictureFormat struct {
	label  string
	suffix string // of the file's stem
	ext    string
	scale  float64 // pixels a unit, 0: fit for print
}

// pictureFormats are the rows of the export menus.
var pictureFormats = []pictureFormat{
	{"PNG for print", "", ".png", 0},
	{"PNG, 1×", "-1x", ".png", 1},
	{"PNG, 2×", "-2x", ".png", 2},
	{"PNG, 4×", "-4x", ".png", 4},
	{"SVG", "", ".svg", 0},
	{"PDF", "", ".pdf", 0},
}

// hasSteps tells whether steps are along the chart, so that it can follow them.
func (c *namedChart) hasSteps() bool {
	switch c.figure().(type) {
	case *chart.Bars, *chart.Row:
		return false
	}
	return true
}

// captions says what was trained, one line a run of the chart; nil for one that says itself what it shows.
func (c *namedChart) captions() []string {
	if c.tab == tabRace {
		return nil
	}
	lines := []string{}
	for _, r := range c.runs() {
		lines = append(lines, r.settings())
	}
	return lines
}

// exportable gives the charts that show anything, and says so when none does.
func (w *Window) exportable(charts ...*namedChart) []*namedChart {
	var full []*namedChart
	for _, c := range charts {
		if len(c.runs()) > 0 {
			full = append(full, c)
		}
	}
	if full == nil {
		w.complain("Export", errNothing)
	}
	return full
}

// exportDir is where files go without a dialog: a folder a run.
func (w *Window) exportDir(r *run) string {
	name := filepath.Base(r.snap.RunPath)
	if r.snap.RunPath == "" {
		name = strings.ReplaceAll(r.title, " ", "-")
	}
	return filepath.Join(w.opt.ExportDir, name)
}

// ExportShown writes the visible charts as PNG at print quality, without a dialog.
func (w *Window) ExportShown() { w.exportCharts(w.shownCharts(), pictureFormats[0]) }

// ExportAll writes every chart.
func (w *Window) ExportAll() { w.exportCharts(w.charts(), pictureFormats[0]) }

// exportCharts writes charts into the folder of the run.
func (w *Window) exportCharts(charts []*namedChart, as pictureFormat) {
	var files []product
	for _, c := range w.exportable(charts...) {
		r := w.selected
		if r == nil {
			r = c.runs()[0]
		}
		draw := c.draws(as) // first: it settles the step that the name says
		files = append(files, product{path: filepath.Join(w.exportDir(r), c.stem()+as.suffix+as.ext), write: draw})
	}
	w.produce("The chart was not written", files)
}

// draws gives the writer of a chart as it is now; it runs off the UI goroutine.
func (c *namedChart) draws(as pictureFormat) func(path string) error {
	figure := c.figure()
	o := chart.ExportOptions{View: c.view.View(), Caption: c.captions(), Scale: as.scale}
	return func(path string) error { return chart.Export(figure, path, o) }
}

// saveChart asks where a chart goes; the extension a person types chooses PNG, SVG or PDF.
func (w *Window) saveChart(c *namedChart, as pictureFormat) {
	if w.exportable(c) == nil {
		return
	}
	draw := c.draws(as) // what was seen when Save was chosen
	w.askPath(c.stem()+as.suffix+as.ext, "The chart was not written", chart.Formats(), func(path string) {
		w.produce("The chart was not written", []product{{path: path, named: true, write: draw}})
	})
}

// copyScale is the pixels a unit of a copied picture: sharp on the displays of today's Macs, and of a
// size that documents take well.
const copyScale = 2

// copyChart puts a chart on the system's clipboard as a picture.
func (w *Window) copyChart(c *namedChart) {
	clip := w.pictureClipboard()
	if clip == nil || w.exportable(c) == nil {
		return
	}
	const failed = "The chart was not copied"
	figure, title := c.figure(), c.title()
	o := chart.ExportOptions{View: c.view.View(), Caption: c.captions(), Scale: copyScale}
	go func() {
		var picture bytes.Buffer
		err := chart.Encode(&picture, figure, "png", o)
		if err == nil && !clip.onMain {
			err = clip.set(picture.Bytes())
		}
		w.opt.Dispatch(func() {
			if err == nil && clip.onMain {
				err = clip.set(picture.Bytes())
			}
			if err != nil {
				w.complain(failed, err)
				return
			}
			w.banner.show(toneGreen, "The chart “"+title+"” is on the clipboard as a picture", "", nil)
		})
	}()
}

// editItems are the rows of the Edit menu: those given and, where pictures can be copied, that.
func (w *Window) editItems(items ...*fyne.MenuItem) []*fyne.MenuItem {
	items = append(items, fyne.NewMenuItemSeparator(), fyne.NewMenuItem("Copy Values at the Crosshair", w.copyValues))
	if w.pictureClipboard() == nil {
		return items
	}
	return append(items, item("Copy Chart as Picture", func() { w.copyChart(w.frontChart()) }, fyne.KeyC, true))
}

// copyValues puts what the crosshair of the chart in front reads on the clipboard.
func (w *Window) copyValues() {
	text := w.frontChart().view.Readout()
	if text == "" {
		w.complain("There are no values to copy", errNoCrosshair)
		return
	}
	copyText(text)
}

var errNoCrosshair = errors.New("no chart has a crosshair; point at one, " +
	"or go to it with Tab and press an arrow key")

// formatItems are the rows of a menu of formats.
func formatItems(choose func(pictureFormat)) []*fyne.MenuItem {
	var items []*fyne.MenuItem
	for _, f := range pictureFormats {
		items = append(items, fyne.NewMenuItem(f.label, func() { choose(f) }))
	}
	return items
}

// parent is a menu item that opens others.
func parent(label string, items ...*fyne.MenuItem) *fyne.MenuItem {
	i := fyne.NewMenuItem(label, nil)
	i.ChildMenu = fyne.NewMenu("", items...)
	return i
}

// exportItems are the rows below the export button.
func (w *Window) exportItems() []*fyne.MenuItem {
	shown := w.shownCharts()
	items := []*fyne.MenuItem{parent("Export as", formatItems(func(f pictureFormat) { w.exportCharts(shown, f) })...)}
	for _, c := range shown {
		items = append(items, parent("Save "+c.title(), formatItems(func(f pictureFormat) { w.saveChart(c, f) })...))
	}
	if w.pictureClipboard() != nil {
		items = append(items, fyne.NewMenuItemSeparator())
		for _, c := range shown {
			items = append(items, fyne.NewMenuItem("Copy "+c.title(), func() { w.copyChart(c) }))
		}
	}
	return append(items, fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem("Export points as CSV", w.ExportCSV),
		fyne.NewMenuItem("Export points as JSON", w.ExportJSON),
		fyne.NewMenuItem("Save points as…", w.savePoints),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem("Export all charts as PNG", w.ExportAll))
}

// exportMenu opens the menu beside the export button.
func (w *Window) exportMenu(from fyne.CanvasObject) {
	menu := widget.NewPopUpMenu(fyne.NewMenu("", w.exportItems()...), w.win.Canvas())
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(from)
	menu.ShowAtPosition(at.AddXY(from.Size().Width-menu.MinSize().Width, from.Size().Height+2))
}

// chartMenu opens the menu of a chart.
func (w *Window) chartMenu(c *namedChart, at fyne.Position) {
	items := []*fyne.MenuItem{}
	if w.pictureClipboard() != nil {
		items = append(items, fyne.NewMenuItem("Copy picture", func() { w.copyChart(c) }))
	}
	if text := c.view.Readout(); text != "" {
		items = append(items, fyne.NewMenuItem("Copy values", func() { copyText(text) }))
	}
	if len(items) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
	}
	items = append(items,
		parent("Export as", formatItems(func(f pictureFormat) { w.exportCharts([]*namedChart{c}, f) })...),
		parent("Save as", formatItems(func(f pictureFormat) { w.saveChart(c, f) })...),
		fyne.NewMenuItemSeparator())
	if c.hasSteps() {
		follow := fyne.NewMenuItem("Follow", func() { toggleFollow(c.view) })
		follow.Checked = c.view.Following()
		items = append(items, follow)
	}
	items = append(items, fyne.NewMenuItem("Fit", c.view.Fit))
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), w.win.Canvas(), at)
}

// askPath asks for the name of a new file with one of some extensions.
func (w *Window) askPath(name, failed string, extensions []string, then func(path string)) {
	d := dialog.NewFileSave(func(f fyne.URIWriteCloser, err error) {
		if err != nil {
			w.complain(failed, err)
			return
		}
		if f == nil {
			return // cancelled
		}
		path := f.URI().Path()
		f.Close()
		w.rememberFolder(filepath.Dir(path))
		then(withExtension(path, filepath.Ext(name), extensions))
	}, w.win)
	d.SetFileName(name)
	w.showInFolder(d)
}
