package ui

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/evenkeel/evenkeel/trainer"
)

// openSettings opens the dialog as a person does, by its key.
func (f *fixture) openSettings() *settingsDialog {
	f.t.Helper()
	f.pressShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyComma, Modifier: fyne.KeyModifierShortcutDefault})
	f.loop.until(f.t, "the settings open", func() bool { return !f.prefs.opening })
	if f.prefs.dialog == nil || f.win.Canvas().Overlays().Top() == nil {
		f.t.Fatal("the key opens no settings")
	}
	return f.prefs.dialog
}

// item finds a menu item by its label.
func (f *fixture) item(label string) *fyne.MenuItem {
	f.t.Helper()
	for _, m := range f.menu.main.Items {
		for _, i := range m.Items {
			if i.Label == label {
				return i
			}
		}
	}
	f.t.Fatalf("there is no menu item %q", label)
	return nil
}

// TestSettingsLook changes appearance and size of text in the dialog and in the View menu; one follows the
// other, at once.
func TestSettingsLook(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here runs beside anything else, and it is slow under the race detector")
	}
	f := newFixture(t, Dark)
	f.item("Settings…") // by this name macOS moves it to the menu of the app
	d := f.openSettings()
	if d.appearance.Selected != "Dark" || d.text.Selected != "100 %" {
		t.Errorf("the dialog shows %s, %s", d.appearance.Selected, d.text.Selected)
	}
	d.appearance.SetSelected("Light")
	if f.savedAppearance() != Light || !f.menu.themes[Light].Checked || f.menu.themes[Dark].Checked {
		t.Error("Light in the dialog is not in the menu")
	}
	if n := fyne.CurrentApp().Preferences().Int(prefAppearance); n != int(Light) {
		t.Errorf("kept is %d", n)
	}
	f.menu.themes[Dark].Action()
	if d.appearance.Selected != "Dark" || f.savedAppearance() != Dark {
		t.Errorf("Dark in the menu, the dialog shows %s", d.appearance.Selected)
	}
	before := theme.TextSize()
	d.text.SetSelected("150 %")
	if theme.TextSize() != 1.5*before || f.setup.steps.Theme().Size(theme.SizeNameText) != 1.5*before ||
		f.estimate.params.text.text.TextSize != 1.5*before {
		t.Errorf("text of %v units became %v", before, theme.TextSize())
	}
	f.menu.text[0].Action()
	if d.text.Selected != "175 %" || savedTextSize() != 175 {
		t.Errorf("after Larger Text the dialog shows %s", d.text.Selected)
	}
	f.menu.text[1].Action()
	f.appearance(Light)
	if theme.TextSize() != 1.5*before {
		t.Error("another appearance forgets the size")
	}
	for i, end := range []int{200, 80} {
		f.SetTextSize(end)
		f.menu.text[i].Action()
		if savedTextSize() != end {
			t.Errorf("beyond %d %% is %d", end, savedTextSize())
		}
	}
	fyne.CurrentApp().Preferences().SetInt(prefTextSize, 12345)
	if savedTextSize() != usualText {
		t.Error("a size that nobody can have chosen is taken")
	}
}

// TestTextSizeFits: in every size what stands in the columns at the sides fits into them, nothing that is
// pressed is too small, and the settings fit into the window.
func TestTextSizeFits(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here runs beside anything else, and it is slow under the race detector")
	}
	f := newFixture(t, Dark)
	f.setup.model.toggle()
	for _, percent := range textSizes {
		f.SetTextSize(percent)
		least := f.win.Content().MinSize()
		f.win.Resize(least)
		columns := f.side.MinSize().Width
		if need := max(f.setup.object.MinSize().Width, f.estimate.object.MinSize().Width) + 24; need > columns {
			t.Errorf("%d %%: the form needs %v of %v units", percent, need, columns)
		}
		if need, has := f.variant.object.MinSize().Width, columnUnits(variantLeast); need > has {
			t.Errorf("%d %%: the variant needs %v of %v units", percent, need, has)
		}
		for _, o := range []fyne.CanvasObject{f.setup.steps, f.setup.preset, f.train, f.variant.picker} {
			if h := o.MinSize().Height; h < 27.5 {
				t.Errorf("%d %%: %T is %v units high", percent, o, h)
			}
		}
		place := fyne.CurrentApp().Driver().AbsolutePositionForObject
		for tab, controls := range map[int][]fyne.CanvasObject{
			tabLoss:      {f.loss.metric, f.loss.logX, f.loss.logY, f.loss.raw, f.loss.smooth},
			tabGradients: {f.grad.metric, f.grad.form, f.grad.logY, f.grad.step, f.grad.both},
		} {
			f.tabs.SelectIndex(tab)
			f.lay(least)
			for _, o := range controls {
				if end, side := place(o).X+o.MinSize().Width, place(f.variant.object).X; end > side {
					t.Errorf("%d %%: %T ends at %v, the tabs at %v", percent, o, end, side)
				}
			}
		}
		if least.Width > 1440 || least.Height > 800 {
			t.Errorf("%d %%: the window is at least %v", percent, least)
		}
		f.Settings()
		f.loop.until(t, "the settings open", func() bool { return !f.prefs.opening })
		top := f.win.Canvas().Overlays().Top()
		if s := f.prefs.dialog.box.MinSize(); s.Width > least.Width || s.Height > least.Height {
			t.Errorf("%d %%: the settings need %v of %v", percent, s, least)
		}
		top.Hide()
	}
}

// TestSettingsTraining: device and rising loss of new configurations; the form follows where that is what a
// person means, and it can be undone.
func TestSettingsTraining(t *testing.T) {
	f := newFixture(t, Dark)
	d := f.openSettings()
	form := func() trainer.Config {
		t.Helper()
		c, err := f.setup.config()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	d.device.SetSelected("CPU")
	if form().Device != "cpu" || f.newConfig().Device != "cpu" || f.menu.undo.undo.Label != "Undo Device" {
		t.Errorf("the form has %s, new ones %s", form().Device, f.newConfig().Device)
	}
	f.setup.device.SetSelectedIndex(2)
	d.device.SetSelected("Auto")
	if form().Device != "reference" || f.newConfig().Device != "auto" {
		t.Errorf("a device chosen for the form is gone: %s", form().Device)
	}
	d.device.SetSelected("CPU")
	d.rise.SetChecked(false)
	if form().StopOnRise || f.newConfig().StopOnRise || f.menu.undo.undo.Label != "Undo Rising Loss" {
		t.Errorf("rising loss is on; the menu says %q", f.menu.undo.undo.Label)
	}
	f.win.Canvas().Overlays().Top().Hide()
	f.Undo()
	if d = f.openSettings(); !form().StopOnRise || !d.rise.Checked || f.newConfig().StopOnRise {
		t.Errorf("after undoing the form has %v, the dialog shows %v", form().StopOnRise, d.rise.Checked)
	}
	f.win.Canvas().Overlays().Top().Hide()
	f.setup.seed.SetText("9")
	f.item("New Configuration").Action()
	if c := form(); c.Device != "cpu" || c.StopOnRise || c.Seed != 1 || f.menu.undo.undo.Label != "Undo New Configuration" {
		t.Errorf("a new configuration has %s, %v, seed %d", c.Device, c.StopOnRise, c.Seed)
	}
	if j := f.started(); j.cfg.StopOnRise || j.cfg.Device != "cpu" {
		t.Errorf("trained is %+v", j.cfg)
	}
	if d = f.openSettings(); !d.rise.Disabled() {
		t.Error("the rule for a run at work can be changed")
	}
	d.device.SetSelected("Auto")
	if form().Device != "cpu" || f.newConfig().Device != "auto" {
		t.Error("the locked form follows")
	}
	f.win.Canvas().Overlays().Top().Hide()
	fyne.CurrentApp().Preferences().SetString(prefDevice, "a GPU that was sold")
	if f.newConfig().Device != "auto" {
		t.Error("a device that is not there is taken")
	}
}

// TestSettingsFolders chooses and resets the folder of exports, and shows that of the runs.
func TestSettingsFolders(t *testing.T) {
	f := newFixture(t, Dark)
	usual := f.opt.ExportDir
	d := f.openSettings()
	if d.exports.full != homely(usual) || !d.reset.Disabled() || d.runs.full != homely(f.opt.RunsDir) {
		t.Errorf("the dialog shows %q and %q", d.exports.full, d.runs.full)
	}
	dir := t.TempDir()
	f.setExports(dir)
	if d.exports.full != homely(dir) || d.reset.Disabled() {
		t.Errorf("the dialog shows %q", d.exports.full)
	}
	f.win.Canvas().Overlays().Top().Hide()
	r := f.run("pre", 30)
	r.snap.RunPath = f.pointsFolder(10)
	f.ExportCSV()
	f.loop.until(t, "the export", func() bool { return f.banner.Visible() })
	if found, _ := filepath.Glob(filepath.Join(dir, "*", "*.csv")); len(found) != 1 {
		t.Errorf("%s holds %v", dir, found)
	}
	w := &Window{opt: Options{ExportDir: usual}}
	w.loadSettings()
	if w.opt.ExportDir != dir || w.prefs.exports != usual {
		t.Errorf("the next session exports to %s", w.opt.ExportDir)
	}
	d = f.openSettings()
	test.Tap(d.reset)
	if f.opt.ExportDir != usual || d.exports.full != homely(usual) || !d.reset.Disabled() {
		t.Errorf("after Reset: %s", f.opt.ExportDir)
	}
	f.pickExports()
	if f.win.Canvas().Overlays().Top() == nil {
		t.Error("no folder can be chosen")
	}
	f.win.Canvas().Overlays().Top().Hide()

	shown := ""
	f.reveal = func(dir string) error { shown = dir; return nil }
	os.RemoveAll(f.opt.RunsDir)
	f.showRunsFolder()
	f.loop.until(t, "the folder is shown", func() bool { return shown == f.opt.RunsDir })
	if _, err := storage.ListerForURI(storage.NewFileURI(shown)); err != nil {
		t.Error(err)
	}
	f.reveal = func(string) error { return errors.New("no file manager") }
	f.showRunsFolder()
	f.loop.until(t, "the sentence", func() bool { return strings.Contains(f.banner.text.Text, "file manager") })
}

// TestNotifications: a run that ends behind other windows is told of, unless a person does not want that.
func TestNotifications(t *testing.T) {
	f := newFixture(t, Dark)
	f.SetInFront(false)
	end := func() {
		j := f.started()
		j.steps(3)
		j.enter(trainer.Done, "")
		f.waitFor(Done)
		f.loop.drain()
	}
	title := func(n *fyne.Notification) func() {
		return func() { test.AssertNotificationSent(t, n, end) }
	}
	d := f.openSettings()
	f.win.Canvas().Overlays().Top().Hide()
	d.notify.SetChecked(false)
	title(nil)()
	d.notify.SetChecked(true)
	title(fyne.NewNotification("Evenkeel", "HybridNorm* #2: done, loss 5.4054"))()
}

// TestSettingsOpenInTurns: the dialog comes in many short calls, once however often it is asked for, and
// its texts are not wrapped again when it opens.
func TestSettingsOpenInTurns(t *testing.T) {
	f := newFixture(t, Dark)
	for _, percent := range []int{100, 150} {
		f.SetTextSize(percent)
		f.Settings()
		f.Settings()
		if f.win.Canvas().Overlays().Top() != nil {
			t.Error("the dialog opens in one call")
		}
		f.setAppearance(Light)
		f.loop.until(t, "the settings open", func() bool { return !f.prefs.opening })
		if n := len(f.win.Canvas().Overlays().List()); n != 1 {
			t.Errorf("%d dialogs are open", n)
		}
		d := f.prefs.dialog
		for _, row := range d.rows {
			if got, want := row.Size().Width, settingsInner(f.settingsWidth())-settingsRight; got != want {
				t.Errorf("%d %%: a row of %v units was prepared for %v", percent, got, want)
			}
		}
		if d.appearance.Selected != "Light" {
			t.Errorf("chosen meanwhile was Light, the dialog shows %s", d.appearance.Selected)
		}
		f.setAppearance(Dark)
		f.keys(fyne.KeyEscape)
		if f.showSettings(); f.prefs.dialog != nil || f.overlays() > 0 {
			t.Error("the dialog is kept after it was left")
		}
	}
	f.Settings()
	f.about()
	f.loop.until(t, "the settings are given up", func() bool { return !f.prefs.opening })
	if n := f.overlays(); n != 1 {
		t.Errorf("behind another dialog the settings open all the same: %d", n)
	}
}
