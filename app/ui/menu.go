package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// menu is the menu bar. Every action is made once; the driver runs its key from here.
type menu struct {
	main               *fyne.MainMenu
	held               bool // refresh waits
	train, pause, stop *fyne.MenuItem
	checkpoint, useCPU *fyne.MenuItem
	steer              steerItems
	runs               runItems
	undo               undoItems
	text               [2]*fyne.MenuItem // larger, smaller
	fresh              *fyne.MenuItem
	open, openText     *fyne.MenuItem
	duplicate          *fyne.MenuItem
	race, raceReport   *fyne.MenuItem
	logAxis            *fyne.MenuItem
	themes             [3]*fyne.MenuItem
	quit               *fyne.MenuItem
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
	m.useCPU = fyne.NewMenuItem("Train on the CPU", w.UseCPU)
	m.steer = w.steerItems()
	m.runs = w.runItems()
	m.undo = w.undoItems()
	m.fresh = item("New Configuration", w.NewConfiguration, fyne.KeyN, false)
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
	for i, name := range appearanceNames {
		m.themes[i] = fyne.NewMenuItem(name, func() { w.setAppearance(Appearance(i)) })
		view = append(view, m.themes[i])
	}
	m.text = [2]*fyne.MenuItem{item("Larger Text", func() { w.ResizeText(1) }, fyne.KeyEqual, false),
		item("Smaller Text", func() { w.ResizeText(-1) }, fyne.KeyMinus, false)}
	view = append(view, fyne.NewMenuItemSeparator(), m.text[0], m.text[1])
	view = append(append(view, fyne.NewMenuItemSeparator()), w.goItems()...)
	quit := item("Quit", w.Close, fyne.KeyQ, false) // Fyne's own would leave without asking
	quit.IsQuit, m.quit = true, quit
	m.main = fyne.NewMainMenu(
		fyne.NewMenu("File", m.fresh, m.runs.open, m.open, m.openText,
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
		fyne.NewMenu("Edit", slices.Concat(m.undo.rows(), w.editItems(m.duplicate), m.runs.edit(), w.settingsItems())...),
		fyne.NewMenu("Run", m.train, m.race, m.pause, m.stop, m.useCPU,
			fyne.NewMenuItemSeparator(), m.steer.rate, m.checkpoint,
			fyne.NewMenuItemSeparator(), m.steer.longer, m.steer.back,
			fyne.NewMenuItemSeparator(), m.runs.discard,
			fyne.NewMenuItemSeparator(), item("Generate or Stop Text", w.talk.Generate, fyne.KeyG, false),
			fyne.NewMenuItem("Two Models Side by Side", w.talk.ToggleSecond)),
		fyne.NewMenu("View", view...),
		fyne.NewMenu("Help", w.helpItems()...),
	)
	m.checkTheme(w.savedAppearance())
	for _, of := range m.main.Items {
		w.guard(of, append(m.themes[:], m.text[0], m.text[1], m.pause, m.stop, quit)...)
	}
	m.undo.free(w)
	return m
}

func (m *menu) checkTheme(a Appearance) {
	for i, t := range m.themes {
		t.Checked = Appearance(i) == a
	}
	m.refresh()
}

// refresh shows what changed in the items, while held later: the driver makes the whole bar anew each time.
func (m *menu) refresh() {
	if !m.held {
		m.main.Refresh()
	}
}

// setState follows the table of states.
func (m *menu) setState(s State) {
	l := looks[s]
	m.pause.Label = "Pause"
	if l.resume {
		m.pause.Label = "Resume"
	}
	m.train.Disabled, m.pause.Disabled, m.stop.Disabled = !l.train, !l.pause, !l.stop
	m.checkpoint.Disabled = !l.rate
	m.useCPU.Disabled = s != Asking
	m.race.Disabled = !l.train
	m.fresh.Disabled = !l.edit
	m.open.Disabled, m.openText.Disabled = !l.edit, !l.edit
	m.refresh()
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
	d.Resize(fyne.NewSize(columnUnits(420), 0))
	d.Show()
	w.sayPlainly()
}
