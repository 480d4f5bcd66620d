package ui

import (
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// ExportCSV writes every measured point of the selected run, without a dialog.
func (w *Window) ExportCSV() { w.exportPoints("points.csv") }

// ExportJSON writes the same as JSON.
func (w *Window) ExportJSON() { w.exportPoints("points.json") }

func (w *Window) exportPoints(name string) {
	if folder, ok := w.pointsOf(); ok {
		w.produce(errPoints, []product{{filepath.Join(w.exportDir(), name), pointsWriter(folder)}})
	}
}

// savePoints asks where they go; the extension chooses CSV or JSON.
func (w *Window) savePoints() {
	if folder, ok := w.pointsOf(); ok {
		w.askPath("points.csv", errPoints, func(path string) {
			w.produce(errPoints, []product{{path, pointsWriter(folder)}})
		})
	}
}

const errPoints = "The points were not written"

// pointsOf is the folder of the run whose points are wanted. The run folder, not the window, has all of
// them, also those from before a run was resumed.
func (w *Window) pointsOf() (folder string, ok bool) {
	if r := w.selected; r != nil && r.snap.RunPath != "" {
		return r.snap.RunPath, true
	}
	w.complain("Export", errors.New("there are no points to export yet; "+
		"train a model, or select a run that has begun"))
	return "", false
}

// pointsWriter reads a run's metrics and writes them in the format of the path's extension.
func pointsWriter(folder string) func(path string) error {
	return func(path string) error {
		run, err := runs.Open(folder)
		if err != nil {
			return err
		}
		defer run.Close()
		m, err := run.Metrics()
		if err != nil {
			return err
		}
		if len(m.Steps) == 0 {
			return errors.New("the run has measured nothing yet; wait for its first step")
		}
		return atomicfile.Write(path, func(out io.Writer) error {
			if strings.EqualFold(filepath.Ext(path), ".json") {
				return m.WriteJSON(out, run.Meta())
			}
			return m.WriteCSV(out)
		})
	}
}
