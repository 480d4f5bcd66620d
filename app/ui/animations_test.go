package ui

import (
	"testing"

	"fyne.io/fyne/v2"
)

// stillSettings are settings with the switch where Fyne has it.
type stillSettings struct {
	fyne.Settings
	schema struct{ DisableAnimations bool }
}

func (s *stillSettings) ShowAnimations() bool { return !s.schema.DisableAnimations }

// stillApp is an app with them.
type stillApp struct {
	fyne.App
	settings *stillSettings
}

func (a *stillApp) Settings() fyne.Settings { return a.settings }

// TestAnimate switches animations off and on. Who has them off for the whole system keeps them off.
func TestAnimate(t *testing.T) {
	f := newFixture(t, Dark)
	a := &stillApp{fyne.CurrentApp(), &stillSettings{Settings: fyne.CurrentApp().Settings()}}
	fyne.SetCurrentApp(a)
	defer fyne.SetCurrentApp(a.App)
	for _, system := range []bool{false, true} {
		a.settings.schema.DisableAnimations = system
		f.prefs.still = false
		d := f.newSettings()
		for _, on := range []bool{false, false, true, false, true} {
			d.animate.SetChecked(!on)
			d.animate.SetChecked(on)
			if got := a.settings.ShowAnimations(); got != (on && !system) || wanted(prefAnimate) != on {
				t.Errorf("system off: %v, chosen %v: animations are shown: %v", system, on, got)
			}
		}
	}
}
