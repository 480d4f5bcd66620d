//go:build ci

package main

import (
	"testing"

	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/app/ui"
)

// TestAnimationsKey finds the switch in the settings of a real app of this version of Fyne, and none in those
// of the test app, which has no such switch.
func TestAnimationsKey(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	settings := app.NewWithID("io.github.evenkeel.test").Settings()
	key := ui.AnimationsKey(settings)
	if key == nil || *key || !settings.ShowAnimations() {
		t.Fatalf("the switch is %v, animations are shown: %v", key, settings.ShowAnimations())
	}
	*key = true
	if settings.ShowAnimations() {
		t.Error("the switch does nothing")
	}
	if ui.AnimationsKey(test.NewTempApp(t).Settings()) != nil {
		t.Error("the test app has a switch")
	}
}
