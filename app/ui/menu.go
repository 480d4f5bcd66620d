package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// menu is the menu bar. Every action is made once; the driver runs its key from here.
type menu struct {
	main               *fyne.MainMenu
	train, pause, stop *fyne.MenuItem
	checkpoint         *fyne.MenuItem
	steer              steerItems
	runs               runItems
	open, openText     *fyne.MenuItem
	duplicate          *fyne.MenuItem
	race, raceReport   *fyne.MenuItem
	logAxis            *fyne.MenuItem
	themes             [3]*fyne.MenuItem
}

// item makes a menu item with a key; shift adds Shift to the shortcut modifier.
func item(label string, run func(), key fyne.KeyName, shift bool) *fyne.MenuItem {
	i := fyne.NewMenuItem(label, run)
	if key != "" {
		mod := fyne.KeyModifierShortcutDefault
		if shift {
			mod |= fyne.KeyModifierShift
		}
		i.Shortcut = &desktop.CustomShortcut{KeyName: key, Modifier: mod}
	}
	return i
}

func newMenu(w *Window) *menu {
	m := &menu{}
	m.train = item("Train", w.Train, fyne.KeyR, false)
	m.pause = item("Pause", w.Pause, fyne.KeyP, false)
	m.stop = item("Stop", w.Stop, fyne.KeyPeriod, false)
	m.checkpoint = item("Save Checkpoint Now", w.CheckpointNow, fyne.KeyS, false)
	m.steer = w.steerItems()
	m.runs = w.runItems()
	m.open = item("Open Configuration…", w.pickConfig, fyne.KeyO, false)
	m.openText = item("Open Text…", func() { w.pickData(false) }, "", false)
	m.duplicate = item("Use the Selected Run’s Settings", w.duplicate, fyne.KeyD, false)
	m.race = item("Race Variants…", w.Race, fyne.KeyV, true)
	m.raceReport = fyne.NewMenuItem("Write Report of the Race", w.ReportRace)
	m.logAxis = item("Logarithmic Axis", w.toggleLog, fyne.KeyL, false)
	view := []*fyne.MenuItem{}
	for i, t := range w.tabs.Items {
		view = append(view, item(t.Text, func() { w.tabs.SelectIndex(i) }, fyne.KeyName('1'+rune(i)), false))
	}
	view = append(view, fyne.NewMenuItemSeparator(), m.logAxis, item("Fit", w.fit, fyne.Key0, false),
		fyne.NewMenuItemSeparator())
	for i, name := range [...]string{"Follow the System", "Light", "Dark"} {
		m.themes[i] = fyne.NewMenuItem(name, func() {
			w.appearance(Appearance(i))
			fyne.CurrentApp().Preferences().SetInt(prefAppearance, i)
			m.checkTheme(Appearance(i))
		})
		view = append(view, m.themes[i])
	}
	quit := item("Quit", w.Close, fyne.KeyQ, false) // Fyne's own would leave without asking
	quit.IsQuit = true
	m.main = fyne.NewMainMenu(
		fyne.NewMenu("File", m.runs.open, m.open, m.openText,
			fyne.NewMenuItemSeparator(),
			item("Export Charts", w.ExportShown, fyne.KeyE, false),
			fyne.NewMenuItem("Export All Charts", w.ExportAll),
			parent("Export Charts As", formatItems(func(f pictureFormat) { w.exportCharts(w.shownCharts(), f) })...),
			parent("Save Chart As", formatItems(func(f pictureFormat) { w.saveChart(w.frontChart(), f) })...),
			fyne.NewMenuItemSeparator(),
			item("Export Points as CSV", w.ExportCSV, fyne.KeyE, true),
			fyne.NewMenuItem("Export Points as JSON", w.ExportJSON),
			fyne.NewMenuItem("Save Points As…", w.savePoints),
			m.raceReport,
			fyne.NewMenuItemSeparator(), quit),
		fyne.NewMenu("Edit", append(w.editItems(m.duplicate), m.runs.edit()...)...),
		fyne.NewMenu("Run", m.train, m.race, m.pause, m.stop,
			fyne.NewMenuItemSeparator(), m.steer.rate, m.checkpoint,
			fyne.NewMenuItemSeparator(), m.steer.longer, m.steer.back,
			fyne.NewMenuItemSeparator(), m.runs.discard,
			fyne.NewMenuItemSeparator(), item("Generate or Stop Text", w.talk.Generate, fyne.KeyG, false),
			fyne.NewMenuItem("Two Models Side by Side", w.talk.ToggleSecond)),
		fyne.NewMenu("View", view...),
		fyne.NewMenu("Help", fyne.NewMenuItem("About", w.about)),
	)
	m.checkTheme(w.savedAppearance())
	return m
}

func (m *menu) checkTheme(a Appearance) {
	for i, t := range m.themes {
		t.Checked = Appearance(i) == a
	}
	m.main.Refresh()
}

// setState follows the table of states.
func (m *menu) setState(l look) {
	m.pause.Label = "Pause"
	if l.resume {
		m.pause.Label = "Resume"
	}
	m.train.Disabled, m.pause.Disabled, m.stop.Disabled = !l.train, !l.pause, !l.stop
	m.checkpoint.Disabled = !l.live
	m.race.Disabled = !l.train
	m.open.Disabled, m.openText.Disabled, m.duplicate.Disabled = !l.edit, !l.edit, !l.edit
	m.main.Refresh()
}

// toggleLog switches the log axis of the visible tab.
func (w *Window) toggleLog() {
	c := w.loss.logY
	switch w.tab() {
	case tabGradients:
		c = w.grad.logY
	case tabRace:
		c = w.raceTab.logY
	}
	c.SetChecked(!c.Checked)
}

func (w *Window) fit() {
	for _, c := range w.shownCharts() {
		c.view.Fit()
	}
}

func (w *Window) about() {
	text := widget.NewLabel("Trains small transformer language models and shows " +
		"what the place of the norms does to them.\n\n" +
		"Version " + w.opt.Version)
	text.Wrapping = fyne.TextWrapWord
	d := dialog.NewCustom("Evenkeel", "Close", text, w.win)
	d.Resize(fyne.NewSize(420, 0))
	d.Show()
}
