package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
)

// namedChart is a chart with the stem of its files and the tab it is on.
type namedChart struct {
	view *chartview.Chart
	stem func() string
	tab  int
}

// charts lists all charts of the window.
func (w *Window) charts() []*namedChart {
	slug := func(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }
	return []*namedChart{
		{w.loss.view, func() string { return slug(w.loss.kind().title) }, tabLoss},
		{w.grad.over, func() string { return slug(w.grad.kind().title) + "-over-steps" }, tabGradients},
		{w.grad.at, func() string {
			return fmt.Sprintf("%s-by-block-at-%.0f", slug(w.grad.kind().title), w.grad.step.Value)
		}, tabGradients},
	}
}

// figureOf is what a chart shows, also when its tab was never opened.
func (w *Window) figureOf(c *namedChart) chart.Figure {
	switch c.view {
	case w.loss.view:
		return w.loss.figure(w.session)
	case w.grad.over:
		return w.grad.overTime(w.selected)
	}
	return w.grad.atStep(w.session, w.selected)
}

// shownCharts lists the charts of the visible tab; all of them on a tab without charts.
func (w *Window) shownCharts() []*namedChart {
	var shown []*namedChart
	for _, c := range w.charts() {
		if c.tab == w.tab() {
			shown = append(shown, c)
		}
	}
	if shown == nil {
		return w.charts()
	}
	return shown
}

// captions says what was trained, one line a run that is shown.
func (w *Window) captions() []string {
	lines := []string{}
	for _, r := range w.session {
		if r.shown {
			lines = append(lines, r.settings())
		}
	}
	return lines
}

// exportable tells whether there is anything to export.
func (w *Window) exportable() bool {
	for _, r := range w.session {
		if r.shown && r.hasData() {
			return true
		}
	}
	return false
}

// exportDir is where files go without a dialog: a folder a run.
func (w *Window) exportDir() string {
	r := w.selected
	if r == nil {
		r = w.session[len(w.session)-1]
	}
	name := filepath.Base(r.snap.RunPath)
	if r.snap.RunPath == "" {
		name = strings.ReplaceAll(r.title, " ", "-")
	}
	return filepath.Join(w.opt.ExportDir, name)
}

// ExportShown writes the visible charts as PNG at print quality, without a dialog.
func (w *Window) ExportShown() { w.exportCharts(w.shownCharts()) }

// ExportAll writes every chart.
func (w *Window) ExportAll() { w.exportCharts(w.charts()) }

func (w *Window) exportCharts(charts []*namedChart) {
	if !w.exportable() {
		w.complain("Export", errNothing)
		return
	}
	type picture struct {
		figure chart.Figure
		view   chart.View
		path   string
	}
	dir := w.exportDir()
	var pictures []picture
	for _, c := range charts {
		pictures = append(pictures, picture{w.figureOf(c), c.view.View(), filepath.Join(dir, c.stem()+".png")})
	}
	captions := w.captions()
	go func() {
		err := os.MkdirAll(dir, 0o755)
		for i := 0; i < len(pictures) && err == nil; i++ {
			p := &pictures[i]
			p.path = unused(p.path)
			err = chart.Export(p.figure, p.path, chart.ExportOptions{View: p.view, Caption: captions})
		}
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The chart was not written", err)
				return
			}
			var names []string
			for _, p := range pictures {
				names = append(names, filepath.Base(p.path))
			}
			w.banner.show(toneGreen, "Saved "+strings.Join(names, ", ")+" in "+dir, "Copy path", func() { copyText(pictures[0].path) })
		})
	}()
}

// unused gives path, or with a number when that file exists: an export never replaces another.
func unused(path string) string {
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	for n := 2; ; n++ {
		if _, err := os.Stat(path); err != nil {
			return path
		}
		path = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
}

// exportAs asks where a chart goes; the extension chooses PNG, SVG or PDF.
func (w *Window) exportAs(c *namedChart) {
	if !w.exportable() {
		w.complain("Export", errNothing)
		return
	}
	figure, view, captions := w.figureOf(c), c.view.View(), w.captions()
	d := dialog.NewFileSave(func(f fyne.URIWriteCloser, err error) {
		if err != nil {
			w.complain("The chart was not written", err)
			return
		}
		if f == nil {
			return // cancelled
		}
		path := f.URI().Path()
		f.Close()
		w.rememberFolder(filepath.Dir(path))
		if filepath.Ext(path) == "" {
			os.Remove(path) // the dialog made it, empty
			path = unused(path + ".png")
		}
		w.exportTo(figure, path, chart.ExportOptions{View: view, Caption: captions})
	}, w.win)
	d.SetFileName(c.stem() + ".png")
	w.showInFolder(d)
}

func (w *Window) exportTo(f chart.Figure, path string, o chart.ExportOptions) {
	go func() {
		err := chart.Export(f, path, o)
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The chart was not written", err)
				return
			}
			w.banner.show(toneGreen, "Saved "+path, "Copy path", func() { copyText(path) })
		})
	}()
}

func copyText(text string) { fyne.CurrentApp().Clipboard().SetContent(text) }

// exportItems are the rows of the export menus for some charts.
func (w *Window) exportItems(charts []*namedChart) []*fyne.MenuItem {
	var items []*fyne.MenuItem
	for _, c := range charts {
		label := "Save " + strings.ReplaceAll(c.stem(), "-", " ") + " as…"
		items = append(items, fyne.NewMenuItem(label, func() { w.exportAs(c) }))
	}
	return items
}

// exportMenu opens the menu beside the export button.
func (w *Window) exportMenu(from fyne.CanvasObject) {
	items := append(w.exportItems(w.shownCharts()), fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem("Export all charts as PNG", w.ExportAll))
	menu := widget.NewPopUpMenu(fyne.NewMenu("", items...), w.win.Canvas())
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(from)
	menu.ShowAtPosition(at.AddXY(from.Size().Width-menu.MinSize().Width, from.Size().Height+2))
}

// chartMenu opens the menu of a chart.
func (w *Window) chartMenu(c *namedChart, at fyne.Position) {
	items := []*fyne.MenuItem{
		fyne.NewMenuItem("Export PNG", func() { w.exportCharts([]*namedChart{c}) }),
		fyne.NewMenuItem("Save as…", func() { w.exportAs(c) }),
		fyne.NewMenuItemSeparator(),
	}
	if text := c.view.Readout(); text != "" {
		items = append(items, fyne.NewMenuItem("Copy values", func() { copyText(text) }))
	}
	follow := fyne.NewMenuItem("Follow", func() { c.view.SetFollow(!c.view.Following()) })
	follow.Checked = c.view.Following()
	items = append(items, follow, fyne.NewMenuItem("Fit", c.view.Fit))
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), w.win.Canvas(), at)
}

// showInFolder opens a file dialog where the last one ended.
func (w *Window) showInFolder(d *dialog.FileDialog) {
	if dir := fyne.CurrentApp().Preferences().String(prefFolder); dir != "" {
		if l, err := storage.ListerForURI(storage.NewFileURI(dir)); err == nil {
			d.SetLocation(l)
		}
	}
	d.Resize(fyne.NewSize(820, 560))
	d.Show()
}

func (w *Window) rememberFolder(dir string) {
	fyne.CurrentApp().Preferences().SetString(prefFolder, dir)
}
