package cli

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
	"github.com/evenkeel/evenkeel/trainer/runs"
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
		return writeCSV(e.out, m)
	}
	if err := atomicfile.Write(*file, func(w io.Writer) error { return writeCSV(w, m) }); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s: %d rows of %d columns\n", *file, len(m.Steps), 2+len(m.Keys()))
	return nil
}

// writeCSV writes the rows in the shortest decimals that read back as the same float32.
func writeCSV(w io.Writer, m *runs.Metrics) error {
	b := bufio.NewWriter(w)
	b.WriteString("step,wall_s")
	cols := make([][]float32, len(m.Keys()))
	for i, k := range m.Keys() {
		cols[i] = m.Column(k)
		b.WriteString("," + k)
	}
	b.WriteByte('\n')
	var cell []byte
	for r, step := range m.Steps {
		cell = strconv.AppendInt(cell[:0], step, 10)
		cell = append(cell, ',')
		cell = strconv.AppendFloat(cell, m.Wall[r], 'f', -1, 64)
		for _, c := range cols {
			cell = append(cell, ',')
			if v := c[r]; !runs.IsMissing(v) {
				cell = strconv.AppendFloat(cell, float64(v), 'g', -1, 32)
			}
		}
		b.Write(append(cell, '\n'))
	}
	return b.Flush()
}
