package ui

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// settingsDialog shows what can be set; everything is applied at once.
type settingsDialog struct {
	appearance, text, device *widget.Select
	rise, notify, animate    *widget.Check
	exports, runs            *elided
	reset                    *widget.Button
	list, section            *fyne.Container // of sections; the last of them
	rows                     []fyne.CanvasObject
	body                     *fyne.Container
	box                      *dialog.CustomDialog
	shown                    fyne.CanvasObject // the overlay of the box
	quiet                    bool
}

// Size of the dialog.
const (
	settingsWidth  = 600
	settingsTitle  = 104 // width of the names
	settingsChrome = 106 // height of what is around the settings
	settingsSides  = 32  // width of it, besides the padding of a popup
	settingsRight  = 16  // beside the settings, for the scroll bar
	settingsMargin = 40  // of the window that stays
	pathEnd        = 28  // letters of a path's end that stay
)

// Settings opens the dialog. Its texts take some 20 ms to wrap, so they do it row by row; and it opens
// without them, because Fyne lays a dialog out for other sizes first.
func (w *Window) Settings() {
	if w.prefs.opening {
		return
	}
	w.prefs.opening = true
	d := w.newSettings()
	parts := []func(){func() { d.read(w) }}
	for _, row := range d.rows {
		parts = append(parts, func() { prepare(row, settingsInner(w.settingsWidth())-settingsRight) })
	}
	w.inTurns(append(parts, func() {
		w.prefs.opening = false
		if w.inDialog() {
			return // another came meanwhile
		}
		d.read(w) // what is set now
		size, sections := w.settingsSize(d), d.list.Objects
		d.list.Objects = nil
		scroll := container.NewVScroll(d.body)
		d.box = dialog.NewCustom("Settings", "Close", scroll, w.win)
		d.box.Resize(size)
		d.box.Show()
		d.list.Objects = sections
		relayoutScroll(scroll)
		w.prefs.dialog, d.shown = d, w.win.Canvas().Overlays().Top()
	})...)
}

func (w *Window) newSettings() *settingsDialog {
	d := &settingsDialog{list: column(16)}
	choice := func(options []string, chosen func(i int)) *widget.Select {
		var l *widget.Select
		l = widget.NewSelect(options, func(string) {
			if i := l.SelectedIndex(); i >= 0 && !d.quiet {
				chosen(i)
			}
		})
		return l
	}
	check := func(label string, set func(on bool)) *widget.Check {
		return widget.NewCheck(label, func(on bool) {
			if !d.quiet {
				set(on)
			}
		})
	}
	var sizes, devices []string
	for _, n := range textSizes {
		sizes = append(sizes, fmt.Sprintf("%d %%", n))
	}
	for _, dev := range w.opt.Devices {
		devices = append(devices, dev.Title)
	}
	d.appearance = choice(appearanceNames[:], func(i int) { w.setAppearance(Appearance(i)) })
	d.text = choice(sizes, func(i int) { w.SetTextSize(textSizes[i]) })
	d.device = choice(devices, func(i int) { w.setDevice(w.opt.Devices[i].ID) })
	d.rise = check("Stop a run whose loss keeps rising", w.setRise)
	d.notify = check("Tell when a run ends or waits", func(on bool) {
		fyne.CurrentApp().Preferences().SetBool(prefNotify, on)
	})
	d.animate = check("Show animations", w.setAnimate)
	d.exports, d.runs = newPath(), newPath()
	d.reset = widget.NewButton("Reset", func() { w.setExports("") })
	choose := widget.NewButton("Choose…", w.pickExports)
	show := widget.NewButton("Show", w.showRunsFolder)
	enable(show, w.opt.RunsDir != "")
	path := func(p *elided, buttons ...fyne.CanvasObject) fyne.CanvasObject {
		return bordered(nil, nil, nil, container.NewHBox(buttons...), container.New(midLayout{}, p))
	}
	d.begin("Window")
	d.row("Appearance", d.appearance, "The View menu has the same choice.")
	d.row("Text size", d.text, "Fields, lists and diagrams grow with it, charts keep their room. "+
		"Larger Text and Smaller Text in the View menu do the same.")
	if AnimationsKey(fyne.CurrentApp().Settings()) != nil {
		d.row("Animations", d.animate, "Without them the cursor does not blink and nothing moves by itself.")
	}
	d.row("Notifications", d.notify, "The system shows them while another window is in front.")
	d.begin("Training")
	d.row("Device", d.device, "New configurations train here. The one in the form follows if it still has "+
		"the former choice.")
	d.row("Rising loss", d.rise, "When the smoothed loss stays above twice its best for 50 steps. NaN and infinity "+
		"stop a run in any case. This is stop_on_rise of the configuration in the form and of new ones.")
	d.begin("Folders")
	d.row("Exports", path(d.exports, choose, d.reset), "Charts, points and reports go here when no other place is asked for.")
	d.row("Runs", path(d.runs, show), "Each run is a folder in it that can be read without this app.")
	d.body = spaced(0, 0, settingsRight, 6, d.list)
	return d
}

// begin begins a section.
func (d *settingsDialog) begin(title string) {
	d.section = column(7, heading(title))
	d.list.Objects = append(d.list.Objects, d.section) // Add would lay all of them out each time
}

// row adds a setting to the last section.
func (d *settingsDialog) row(name string, control fyne.CanvasObject, help string) {
	row := settingRow(name, control, help)
	d.section.Objects = append(d.section.Objects, row)
	d.rows = append(d.rows, row)
}

// newPath is a line for a path, which keeps its end.
func newPath() *elided {
	e := newElided(newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{}))
	e.keep = pathEnd
	return e
}

// settingsWidth is how wide the dialog is.
func (w *Window) settingsWidth() float32 {
	return min(columnUnits(settingsWidth), w.win.Canvas().Size().Width-settingsMargin)
}

// settingsInner is what a dialog of a width leaves to the settings.
func settingsInner(width float32) float32 { return width - settingsSides - theme.InnerPadding() }

// settingsSize is how large the dialog is: all settings are in sight if the window has the room.
func (w *Window) settingsSize(d *settingsDialog) fyne.Size {
	width, most := w.settingsWidth(), w.win.Canvas().Size().Height-settingsMargin
	d.body.Resize(fyne.NewSize(settingsInner(width), d.body.MinSize().Height)) // wrapped text needs its width first
	return fyne.NewSize(width, min(d.body.MinSize().Height+units(settingsChrome), most))
}

// showSettings brings the dialog up to date, if it was opened.
func (w *Window) showSettings() {
	d := w.prefs.dialog
	if d == nil {
		return
	}
	if !slices.Contains(w.win.Canvas().Overlays().List(), d.shown) { // closed
		w.prefs.dialog = nil
		return
	}
	d.read(w)
	d.box.Resize(w.settingsSize(d))
}

// read shows what is set now.
func (d *settingsDialog) read(w *Window) {
	d.quiet = true
	defer func() { d.quiet = false }()
	d.appearance.SetSelectedIndex(int(w.savedAppearance()))
	d.text.SetSelectedIndex(slices.Index(textSizes, savedTextSize()))
	d.device.SetSelectedIndex(w.deviceAt(w.newConfig().Device))
	d.rise.SetChecked(w.setup.base.StopOnRise)
	enable(d.rise, looks[w.state].edit)
	d.notify.SetChecked(wanted(prefNotify))
	d.animate.SetChecked(wanted(prefAnimate))
	d.exports.set(homely(w.opt.ExportDir), "")
	d.runs.set(homely(w.opt.RunsDir), "")
	enable(d.reset, w.opt.ExportDir != w.prefs.exports)
}
