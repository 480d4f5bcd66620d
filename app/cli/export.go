package cli

import (
	"fmt"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

var exportCommand = &command{
	name: "export", args: "[RUN]", summary: "write every measured point of a run as CSV",
	more: `One row a step: step, seconds since the run began, then every column the run keeps, unsmoothed. What was
not measured at a step is empty; NaN, +Inf and -Inf are written as such.

  evenkeel export --csv points.csv`,
	run: runExport,
}

func runExport(e *env, args []string) error {
	f := e.flags()
	file := f.text("csv", "", "FILE|file to write; - for the terminal")
	root := f.runsDir()
	pos, err := e.parse(f, args, 0, 1)
	if err != nil {
		return err
	}
	if *file == "" {
		return usagef("export needs --csv FILE")
	}
	list, err := readRuns(*root, pos)
	if err != nil {
		return err
	}
	m := list[0].metrics
	if *file == "-" {
		return m.WriteCSV(e.out)
	}
	if err := atomicfile.Write(*file, m.WriteCSV); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s: %d rows of %d columns\n", *file, len(m.Steps), 2+len(m.Keys()))
	return nil
}
