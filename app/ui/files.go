package ui

import (
	"errors"
	"os"
	"path/filepath"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"

	"github.com/evenkeel/evenkeel/trainer"
)

// Keys of the small settings.
const (
	prefFolder     = "folder"
	prefWidth      = "width"
	prefHeight     = "height"
	prefAppearance = "appearance"
	prefTextSize   = "textSize"
)

// pickData asks for a corpus.
func (w *Window) pickData(folder bool) {
	take := func(path string) {
		w.rememberFolder(filepath.Dir(path))
		w.setup.setData(path)
	}
	if folder {
		w.showInFolder(dialog.NewFolderOpen(func(l fyne.ListableURI, err error) {
			if err != nil {
				w.complain("The folder cannot be opened", err)
			} else if l != nil {
				take(l.Path())
			}
		}, w.win))
		return
	}
	w.showInFolder(dialog.NewFileOpen(func(f fyne.URIReadCloser, err error) {
		if err != nil {
			w.complain("The file cannot be opened", err)
		} else if f != nil {
			f.Close()
			take(f.URI().Path())
		}
	}, w.win))
}

// pickConfig asks for a configuration in YAML, such as config.yaml of a run folder.
func (w *Window) pickConfig() {
	w.showInFolder(dialog.NewFileOpen(func(f fyne.URIReadCloser, err error) {
		if err != nil {
			w.complain("The file cannot be opened", err)
		} else if f != nil {
			f.Close()
			w.rememberFolder(filepath.Dir(f.URI().Path()))
			w.openConfig(f.URI().Path())
		}
	}, w.win))
}

// openConfig fills the form from a file, read off the UI goroutine.
func (w *Window) openConfig(path string) {
	go func() {
		c, err := trainer.LoadConfig(path)
		if err == nil {
			err = c.Validate()
		}
		if err == nil {
			_, err = c.ExpectedSpec()
		}
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The configuration cannot be used", err)
				return
			}
			w.useConfig(c)
		})
	}()
}

// useConfig shows a configuration in the form, unless a run locks it.
func (w *Window) useConfig(c trainer.Config) {
	if looks[w.state].edit {
		w.showConfig(c)
	}
}

// showConfig shows a configuration in the form, also in one that is locked.
func (w *Window) showConfig(c trainer.Config) {
	w.asOneEdit("Configuration", func() {
		w.setup.fill(c)
		w.samples.prompt.SetText(c.Prompt)
		w.formChanged()
	})
}

// dropped takes a file or folder dropped on the window.
func (w *Window) dropped(uris []fyne.URI) {
	if len(uris) > 0 && !w.inDialog() {
		w.OpenPath(uris[0].Path())
	}
}

// OpenPath opens a run folder, a configuration, or a corpus.
func (w *Window) OpenPath(path string) {
	if _, err := os.Stat(filepath.Join(path, "run.json")); err == nil {
		w.OpenRun(path)
		return
	}
	if !looks[w.state].edit {
		w.complain("The file is not taken", w.whyLocked())
		return
	}
	config := filepath.Join(path, "config.yaml")
	_, err := os.Stat(config)
	switch ext := filepath.Ext(path); {
	case err == nil:
		w.openConfig(config)
	case ext == ".yaml" || ext == ".yml":
		w.openConfig(path)
	default:
		w.setup.setData(path)
	}
}

// whyLocked says why the form cannot be changed now, and until when.
func (w *Window) whyLocked() error {
	if w.state == Diverged {
		return errors.New("the setup shows what has diverged; press Keep or roll the run back first")
	}
	return errors.New("a run is at work with this setup; stop it first, or wait until it has ended")
}

// duplicate takes the selected run's configuration into the form.
func (w *Window) duplicate() {
	if r := w.runs.chosen; r != nil {
		w.withMetrics(r, func() {
			if looks[w.state].edit {
				w.showSettingsOf(r)
			}
		})
	}
}

// showSettingsOf shows a run's configuration in the form, without what was done to that run by hand.
func (w *Window) showSettingsOf(r *run) {
	c := r.cfg
	c.LRAt = ""
	w.asOneEdit("Run’s Settings", func() { w.showConfig(c) })
}

// appearance switches between light and dark, and to the chosen size of text, at once.
func (w *Window) appearance(a Appearance) {
	app, scale := fyne.CurrentApp(), float32(savedTextSize())/usualText
	if t, ok := app.Settings().Theme().(*houseTheme); !ok || t.appearance != a || t.scale != scale {
		app.Settings().SetTheme(newTheme(a, scale))
	}
}

func (w *Window) savedAppearance() Appearance {
	if t, ok := fyne.CurrentApp().Settings().Theme().(*houseTheme); ok {
		return t.appearance // chosen before the window was made
	}
	a := fyne.CurrentApp().Preferences().Int(prefAppearance)
	if a < int(System) || a > int(Dark) {
		return System
	}
	return Appearance(a)
}

// SavedSize is the size the window had when it was last closed.
func SavedSize(p fyne.Preferences) fyne.Size {
	w, h := p.Float(prefWidth), p.Float(prefHeight)
	if w < 400 || h < 300 || w > 8000 || h > 8000 {
		return DefaultSize
	}
	return fyne.NewSize(float32(w), float32(h))
}

func (w *Window) saveSize() {
	s, p := w.win.Canvas().Size(), fyne.CurrentApp().Preferences()
	p.SetFloat(prefWidth, float64(s.Width))
	p.SetFloat(prefHeight, float64(s.Height))
}

// SetInFront tells the window whether it is in front of others; behind, it draws once a second.
func (w *Window) SetInFront(front bool) {
	switch was := w.behind.Swap(!front); {
	case was && front:
		if f, ok := w.win.Canvas().Focused().(*field); ok {
			f.returning = true
		}
		w.opt.Dispatch(w.scan) // other programs may have trained meanwhile
	case !was && !front:
		w.opt.Dispatch(w.saveState) // the process may end before anybody comes back
	}
}
