package ui

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer"
)

// Keys of what a person has set.
const (
	prefDevice  = "device"     // of new configurations
	prefRise    = "stopOnRise" // of new configurations
	prefNotify  = "notify"
	prefAnimate = "animate"
	prefExports = "exports"
)

// settings is what the window knows of its settings besides the preferences.
type settings struct {
	exports            string // folder of exports while none is chosen
	still, stillBefore bool   // animations are off; what the system said before
	dialog             *settingsDialog
}

// wanted tells whether something is switched on that is on unless a person says otherwise.
func wanted(key string) bool { return fyne.CurrentApp().Preferences().BoolWithFallback(key, true) }

// loadSettings follows what was set in an earlier session.
func (w *Window) loadSettings() {
	w.prefs.exports = w.opt.ExportDir
	if dir := fyne.CurrentApp().Preferences().String(prefExports); dir != "" {
		w.opt.ExportDir = dir
	}
	w.animate(wanted(prefAnimate))
}

// newConfig is the default configuration with what a person has set for new ones.
func (w *Window) newConfig() trainer.Config {
	c := trainer.DefaultConfig()
	if id := fyne.CurrentApp().Preferences().String(prefDevice); w.deviceAt(id) >= 0 {
		c.Device = id
	}
	c.StopOnRise = wanted(prefRise)
	return c
}

// deviceAt is a device's place in the list, -1 if it is not there.
func (w *Window) deviceAt(id string) int {
	return slices.IndexFunc(w.opt.Devices, func(d Choice) bool { return d.ID == id })
}

// NewConfiguration fills the form with the defaults.
func (w *Window) NewConfiguration() {
	w.asOneEdit("New Configuration", func() { w.useConfig(w.newConfig()) })
}

// setAppearance switches between light and dark, from the menu or the settings.
func (w *Window) setAppearance(a Appearance) {
	fyne.CurrentApp().Preferences().SetInt(prefAppearance, int(a))
	w.appearance(a)
	w.menu.checkTheme(a)
	w.showSettings()
}

// setDevice chooses the device of new configurations. The form follows when it has the former one.
func (w *Window) setDevice(id string) {
	was := w.deviceAt(w.newConfig().Device)
	fyne.CurrentApp().Preferences().SetString(prefDevice, id)
	if d := w.setup.device; looks[w.state].edit && d.SelectedIndex() == was {
		d.SetSelectedIndex(w.deviceAt(id))
	}
}

// setRise chooses whether a loss that keeps rising ends a run, for the form and for new configurations.
func (w *Window) setRise(on bool) {
	fyne.CurrentApp().Preferences().SetBool(prefRise, on)
	if looks[w.state].edit {
		w.setup.base.StopOnRise = on
		w.formChanged()
	}
}

// setExports chooses the folder for exports without a dialog; empty goes back to the usual one.
func (w *Window) setExports(dir string) {
	fyne.CurrentApp().Preferences().SetString(prefExports, dir)
	if w.opt.ExportDir = dir; dir == "" {
		w.opt.ExportDir = w.prefs.exports
	}
	w.showSettings()
}

// setAnimate switches animations.
func (w *Window) setAnimate(on bool) {
	fyne.CurrentApp().Preferences().SetBool(prefAnimate, on)
	w.animate(on)
}

// settingsItems are the last rows of the Edit menu. On macOS the item moves to the menu of the app by its
// name, and would leave the line above it behind.
func (w *Window) settingsItems() []*fyne.MenuItem {
	set := item("Settings…", w.Settings, fyne.KeyComma, false)
	if runtime.GOOS == "darwin" {
		return []*fyne.MenuItem{set}
	}
	return []*fyne.MenuItem{fyne.NewMenuItemSeparator(), set}
}

// settingsDialog shows what can be set; everything is applied at once.
type settingsDialog struct {
	appearance, text, device *widget.Select
	rise, notify, animate    *widget.Check
	exports, runs            *elided
	reset                    *widget.Button
	body                     *fyne.Container
	box                      *dialog.CustomDialog
	quiet                    bool
}

// Size of the dialog.
const (
	settingsWidth  = 600
	settingsTitle  = 104 // width of the names
	settingsChrome = 106 // height of what is around the settings
	settingsSides  = 40  // width of it
	settingsMargin = 40  // of the window that stays
	pathEnd        = 28  // letters of a path's end that stay
)

// Settings opens the dialog.
func (w *Window) Settings() {
	d := w.newSettings()
	w.prefs.dialog = d
	scroll := container.NewVScroll(d.body)
	d.box = dialog.NewCustom("Settings", "Close", scroll, w.win)
	w.showSettings()
	d.box.Show()
}

func (w *Window) newSettings() *settingsDialog {
	d := &settingsDialog{}
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
	look := column(7, heading("Window"),
		settingRow("Appearance", d.appearance, "The View menu has the same choice."),
		settingRow("Text size", d.text, "Fields, lists and diagrams grow with it, charts keep their room. "+
			"Larger Text and Smaller Text in the View menu do the same."))
	if AnimationsKey(fyne.CurrentApp().Settings()) != nil {
		look.Add(settingRow("Animations", d.animate, "Without them the cursor does not blink and nothing moves by itself."))
	}
	look.Add(settingRow("Notifications", d.notify, "The system shows them while another window is in front."))
	d.body = spaced(0, 0, 16, 6, column(16, look,
		column(7, heading("Training"),
			settingRow("Device", d.device, "New configurations train here. The one in the form follows if it still has "+
				"the former choice."),
			settingRow("Rising loss", d.rise, "When the smoothed loss stays above twice its best for 50 steps. NaN and infinity "+
				"stop a run in any case. This is stop_on_rise of the configuration in the form and of new ones.")),
		column(7, heading("Folders"),
			settingRow("Exports", path(d.exports, choose, d.reset), "Charts, points and reports go here when no other place is asked for."),
			settingRow("Runs", path(d.runs, show), "Each run is a folder in it that can be read without this app.")),
	))
	return d
}

// newPath is a line for a path, which keeps its end.
func newPath() *elided {
	e := newElided(newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{}))
	e.keep = pathEnd
	return e
}

// showSettings brings the dialog up to date, if it was opened.
func (w *Window) showSettings() {
	d := w.prefs.dialog
	if d == nil {
		return
	}
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
	room := w.win.Canvas().Size()
	width := min(columnUnits(settingsWidth), room.Width-settingsMargin)
	d.body.Resize(fyne.NewSize(width-settingsSides, d.body.MinSize().Height)) // wrapped text needs its width first
	d.box.Resize(fyne.NewSize(width, min(d.body.MinSize().Height+units(settingsChrome), room.Height-settingsMargin)))
}

// pickExports asks for the folder of exports.
func (w *Window) pickExports() {
	w.showInFolder(dialog.NewFolderOpen(func(l fyne.ListableURI, err error) {
		if err != nil {
			w.complain("The folder cannot be used", err)
		} else if l != nil {
			w.setExports(l.Path())
		}
	}, w.win))
}

// showRunsFolder opens the folder of runs in the system's file manager; before the first run it is made.
func (w *Window) showRunsFolder() {
	dir := w.opt.RunsDir
	if dir == "" {
		w.complain("There is no folder of runs", errors.New("there is no home folder to keep runs in"))
		return
	}
	go func() {
		err := os.MkdirAll(dir, 0o755)
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The folder cannot be made", err)
				return
			}
			w.show(dir)
		})
	}()
}
