package ui

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"
)

// product is a file to be written off the UI goroutine.
type product struct {
	path  string
	named bool // by a person, in a dialog that asked whether it may replace what was there
	write func(path string) error
}

// produce writes files, one call's after the other's, and says where they are. A file that nobody named never
// replaces another. Whatever comes of it, what is to be done then is done.
func (w *Window) produce(failed string, files []product, then ...func()) {
	if len(files) == 0 {
		return
	}
	w.exports.do(func() {
		var err error
		for i := 0; i < len(files) && err == nil; i++ {
			f := &files[i]
			if !f.named {
				if err = os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
					break
				}
				f.path = unused(f.path)
			}
			err = f.write(f.path)
		}
		w.opt.Dispatch(func() {
			for _, f := range then {
				f()
			}
			if err != nil {
				w.complain(failed, err)
				return
			}
			w.saved(files)
		})
	})
}

// saved says what was written and where, and offers to show it.
func (w *Window) saved(files []product) {
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f.path))
	}
	dir := filepath.Dir(files[0].path)
	w.banner.show(toneGreen, "Saved "+strings.Join(names, ", ")+" in "+homely(dir), "Show", func() { w.show(dir) })
}

// show opens a folder in the system's file manager; where there is none, its path goes to the clipboard.
func (w *Window) show(dir string) {
	open := w.reveal
	if open == nil {
		open = func(dir string) error {
			return fyne.CurrentApp().OpenURL(&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)})
		}
	}
	if err := open(dir); err != nil {
		copyText(dir)
		w.banner.show(toneAmber, "No file manager could be opened here; the path is on the clipboard: "+dir, "", nil)
	}
}

// unused gives path, or with a number when that file exists: an export never replaces another.
func unused(path string) string {
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); err != nil {
			return path
		}
		path = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
}

// withExtension gives a file that was named without one of the extensions that can be written the one that was
// offered: "lr-0.001" has none. The dialog has made the file already, empty.
func withExtension(path, ext string, known []string) string {
	if slices.Contains(known, strings.ToLower(filepath.Ext(path))) {
		return path
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		os.Remove(path)
	}
	return unused(path + ext)
}

func copyText(text string) { fyne.CurrentApp().Clipboard().SetContent(text) }

// showInFolder opens a file dialog where the last one ended.
func (w *Window) showInFolder(d *dialog.FileDialog) {
	if dir := fyne.CurrentApp().Preferences().String(prefFolder); dir != "" {
		if l, err := storage.ListerForURI(storage.NewFileURI(dir)); err == nil {
			d.SetLocation(l)
		}
	}
	d.Resize(fyne.NewSize(820, 560))
	d.Show()
}

func (w *Window) rememberFolder(dir string) {
	fyne.CurrentApp().Preferences().SetString(prefFolder, dir)
}
