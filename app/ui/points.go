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
	if r := w.pointsOf(); r != nil {
		w.produce(errPoints, []product{{path: filepath.Join(w.exportDir(r), name), write: pointsWriter(r.snap.RunPath)}})
	}
}

// savePoints asks where they go; the extension chooses CSV or JSON.
func (w *Window) savePoints() {
	if r := w.pointsOf(); r != nil {
		write := pointsWriter(r.snap.RunPath)
		w.askPath("points.csv", errPoints, []string{".csv", ".json"}, func(path string) {
			w.produce(errPoints, []product{{path: path, named: true, write: write}})
		})
	}
}

const errPoints = "The points were not written"

// pointsOf is the run whose points are wanted: the one that is lit in the list, also while it is being
// read. Its folder, not the window, has all points, also those from before a run was resumed.
func (w *Window) pointsOf() *run {
	if r := w.runs.chosen; r != nil && r.snap.RunPath != "" {
		return r
	}
	w.complain("Export", errors.New("there are no points to export yet; "+
		"train a model, or select a run that has begun"))
	return nil
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
