package ui

import (
	"errors"
	"os"
	"runtime"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"

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
	opening            bool // it is being built
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
