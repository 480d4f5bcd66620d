package ui

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/trainer"
)

// TestEveryItemInEveryState chooses every item of the menus in every state, also those that are grey, whose
// keys the driver runs all the same, and then presses all keys while the dialog that has opened is there.
// Whatever happens, the window must be consistent afterwards.
func TestEveryItemInEveryState(t *testing.T) {
	for i := range looks {
		s := State(i)
		if testing.Short() && s != Running && s != Diverged {
			continue
		}
		t.Run(s.String(), func(t *testing.T) {
			f := itemFixture(t)
			n := 0
			f.eachItem(func(*fyne.MenuItem, string) { n++ })
			reached := ""
			for at := range n {
				if s == Idle && f.session != nil || f.gone.Load() {
					f, reached = itemFixture(t), ""
				}
				if f.print() != reached {
					f.reach(s, false)
					reached = f.print()
				}
				i, path := f.itemAt(at)
				grey := i.Disabled
				if f.isLook(i) && s != Running {
					continue // they know no states, and draw everything anew
				}
				if sub := strings.Count(path, "/") == 2; sub && !strings.HasSuffix(path, pictureFormats[0].label) {
					continue // one format is like the other
				}
				i.Action()
				f.loop.drain()
				f.answered()
				if strings.HasPrefix(path, "File/Export") || strings.HasSuffix(path, "the Trash") ||
					strings.HasSuffix(path, "Deleted Runs…") {
					f.loop.until(t, path+" has failed, or shows a dialog", func() bool { return grey || f.overlays() > 0 })
				}
				if f.gone.Load() {
					if looks[s].live {
						t.Errorf("%s closes a window that trains without a question", path)
					}
					continue
				}
				if now := f.print(); grey && now != reached {
					t.Errorf("%s is grey and changes\n%sto\n%s", path, reached, now)
				}
				if err := f.consistent(); err != nil {
					t.Errorf("after %s: %v", path, err)
				}
				if f.overlays() > 0 && f.inDialog() {
					f.keysBehind(t, path)
				}
			}
		})
	}
}

// itemFixture is a window whose exports fail at once, so that nothing is drawn at print quality.
func itemFixture(t *testing.T) *fixture {
	f := newFixture(t, Dark)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.opt.ExportDir = file
	f.reveal = func(string) error { return errors.New("nothing is shown in a test") }
	return f
}

// itemAt is the nth item of the menus that does something.
func (f *fixture) itemAt(n int) (found *fyne.MenuItem, path string) {
	f.eachItem(func(i *fyne.MenuItem, at string) {
		if n == 0 {
			found, path = i, at
		}
		n--
	})
	return found, path
}

// isLook tells whether a menu item changes how all looks and nothing else.
func (f *fixture) isLook(i *fyne.MenuItem) bool {
	return slices.Contains(f.menu.themes[:], i) || slices.Contains(f.menu.text[:], i)
}

// keysBehind presses every key of the menus while a dialog is open. Only few may do anything: a run can be
// paused and stopped, looks can be changed, and the window may ask whether to quit.
func (f *fixture) keysBehind(t *testing.T, dialog string) {
	t.Helper()
	jobs, runs, tab, chosen := len(f.jobs), len(f.lib.runs), f.tab(), f.runs.chosen
	for at := 0; ; at++ {
		i, path := f.itemAt(at)
		if i == nil {
			return
		}
		if i.Shortcut == nil || i == f.menu.quit || i == f.menu.pause || i == f.menu.stop || f.isLook(i) {
			continue
		}
		f.press(i.Shortcut)
		if f.overlays() != 1 || len(f.jobs) != jobs || len(f.lib.runs) != runs || f.tab() != tab || f.runs.chosen != chosen {
			t.Errorf("the key of %s works behind the dialog of %s", path, dialog)
			return
		}
	}
}

// TestRaceBehindItsDialog starts a run while the dialog of a race waits: the race must not run beside it.
func TestRaceBehindItsDialog(t *testing.T) {
	f := newFixture(t, Dark)
	f.Race()
	f.loop.drain()
	d := f.racing
	j := f.started() // as a window that goes on with an interrupted run would
	d.start()
	if f.race != nil || f.overlays() != 1 || f.current.job != Job(j) {
		t.Error("a race runs beside another run, or nothing says why it does not")
	}
	j.enter(trainer.Stopped, "")
}
