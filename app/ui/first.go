package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/atomicfile"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// prefBegun tells that the window was open before: the example is put into the folder of runs once.
const prefBegun = "begun"

// unpackedPrefix begins the folder that the example is unpacked to. One that is there at the start is of a
// first start that was cut short.
const unpackedPrefix = ".example-"

// exampleRun is a run of the example in the folder of runs.
type exampleRun struct {
	summary runs.Summary
	content *content
}

// firstStart shows the runs that come with the app when the window opens for the first time, over a folder of
// runs that nobody has used. They are ordinary runs of that folder from then on.
func (w *Window) firstStart() {
	p := fyne.CurrentApp().Preferences()
	if w.opt.Example == nil || w.opt.RunsDir == "" || p.Bool(prefBegun) {
		return
	}
	w.loss.hint.object.Hide() // the example is on its way
	root := w.opt.RunsDir
	w.write(func() {
		first, err := neverUsed(root)
		var list []exampleRun
		if err == nil && first {
			list, err = plant(root, w.opt.Example)
		}
		w.opt.Dispatch(func() {
			if err == nil {
				p.SetBool(prefBegun, true)
			}
			w.showExample(list, err)
		})
	})
}

// helpItems are the rows of the Help menu.
func (w *Window) helpItems() []*fyne.MenuItem {
	about := fyne.NewMenuItem("About", w.about)
	if w.opt.Example == nil || w.opt.RunsDir == "" {
		return []*fyne.MenuItem{about}
	}
	return []*fyne.MenuItem{fyne.NewMenuItem("Show the Example Runs", w.ExampleRuns), about}
}

// ExampleRuns brings the runs that come with the app back, those of them that were deleted, and shows them.
func (w *Window) ExampleRuns() {
	root := w.opt.RunsDir
	w.write(func() {
		list, err := plant(root, w.opt.Example)
		w.opt.Dispatch(func() { w.showExample(list, err) })
	})
}

// showExample puts the runs of the example on the charts and selects the first, which is the newest.
func (w *Window) showExample(list []exampleRun, err error) {
	if err != nil {
		w.banner.show(toneAmber, notPlanted(w.opt.RunsDir, err), "", nil)
	}
	if err != nil || len(list) == 0 {
		w.redraw()
		return
	}
	w.example = nil
	for i := range list {
		r := w.adopt(&list[i])
		w.runs.unfilter(r)
		w.showRun(r, true)
		w.example = append(w.example, r)
	}
	w.sortRuns()
	w.runs.update()
	w.runs.choose(w.example[0])
	w.banner.show(toneBlue, "These runs came with Evenkeel: the same small model, each time with another norm variant. "+
		"Press Train to add a run of your own.", "", nil)
}

// notPlanted says why there is no example. Where it cannot be written, no other run can.
func notPlanted(root string, err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Sprintf("The example runs could not be put into %s (%v), and runs of your own cannot be kept "+
			"there either. Make it a folder you can write to, with some space left.", homely(root), path.Err)
	}
	return "The example runs cannot be shown. " + sentence(err.Error())
}

// adopt gives the window's run for one of the example.
func (w *Window) adopt(e *exampleRun) *run {
	for _, r := range w.lib.runs {
		if r.snap.RunPath == e.summary.Path {
			return r
		}
	}
	r := storedRun(&e.summary)
	r.phase = metricsRead
	r.fill(e.content)
	w.lib.runs = append(w.lib.runs, r)
	return r
}

// comparableSteps is how many times longer or shorter than the example a run may be beside it on one chart.
const comparableSteps = 4

// makeRoom takes the example off the charts before a run that cannot be compared with it: one that reads
// another text, or whose steps would not fit the same axis.
func (w *Window) makeRoom(c *trainer.Config) {
	for _, r := range w.example {
		e := &r.cfg
		if e.Data != c.Data || e.Tokenizer != c.Tokenizer ||
			c.Steps > comparableSteps*e.Steps || e.Steps > comparableSteps*c.Steps {
			r.shown, r.faded = false, false
		}
	}
	w.example = nil
}

// neverUsed tells whether a folder of runs is not there yet, or has nothing in it but what a first start that
// was cut short has left and what a file manager puts everywhere.
func neverUsed(root string) (bool, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	used := false
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, unpackedPrefix):
			return true, nil
		case name != ".DS_Store":
			used = true
		}
	}
	return !used, err
}

// plant writes the example into the folder of runs and reads it. Each run appears whole, under a name that it
// always has; one that is there already stays as it is.
func plant(root string, write func(dir string) error) ([]exampleRun, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(root, unpackedPrefix+"*"))
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(root, unpackedPrefix)
	if err != nil {
		return nil, err
	}
	for _, dir := range append(left, temp) {
		defer os.RemoveAll(dir)
	}
	if err := write(temp); err != nil {
		return nil, err
	}
	fresh, err := runs.List(temp)
	if err != nil {
		return nil, err
	}
	var list []exampleRun
	for i := range fresh {
		path := filepath.Join(root, filepath.Base(fresh[i].Path))
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(fresh[i].Path, path); err != nil {
				return nil, err
			}
		}
		e := exampleRun{}
		if e.summary, err = runs.Summarize(path); err == nil {
			e.content, err = readContent(path)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, atomicfile.SyncDir(root)
}
