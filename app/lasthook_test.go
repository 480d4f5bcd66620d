//go:build ci

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2/app"
)

// TestRunLastHook looks for the preferences on the disk, and for a hook that is left to Fyne's end.
func TestRunLastHook(t *testing.T) {
	home, err := os.MkdirTemp("", "lasthook") // Fyne writes once more, a tenth of a second later
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	t.Setenv("TMPDIR", home) // where the software driver's preferences go
	a := app.NewWithID("io.github.evenkeel.test")
	l := a.Lifecycle()
	stopped, ok := l.(interface{ OnStopped() func() })
	if !ok || stopped.OnStopped() == nil {
		t.Fatal("this version of Fyne has no hook for its end; runLastHook may be dropped")
	}
	a.Preferences().SetInt("width", 1240)
	a.Preferences().SetInt("width", 1241) // within Fyne's pause between two writes
	runLastHook(l)
	if stopped.OnStopped() != nil {
		t.Error("a hook is left for Fyne's end")
	}
	found := false
	err = filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "preferences.json" {
			text, err := os.ReadFile(path)
			found = err == nil && strings.Contains(string(text), "1241")
		}
		return err
	})
	if err != nil || !found {
		t.Errorf("the last value is not on the disk (%v)", err)
	}
}
