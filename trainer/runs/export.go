package runs

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
)

// WriteCSV writes all rows: step, seconds since the run began, then every column, in the shortest decimals
// that read back as the same float32. What was not measured at a step is empty; NaN, +Inf and -Inf are
// written as such.
func (m *Metrics) WriteCSV(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString("step,wall_s")
	cols := make([][]float32, len(m.keys))
	for i, k := range m.keys {
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
			if v := c[r]; !IsMissing(v) {
				cell = strconv.AppendFloat(cell, float64(v), 'g', -1, 32)
			}
		}
		b.Write(append(cell, '\n'))
	}
	return b.Flush()
}

// WriteJSON writes the same rows as columns, {"run": meta, "columns": {"step": [...], "wall_s": [...],
// key: [...]}}, with null for what was not measured and the strings "NaN", "+Inf" and "-Inf" for what JSON
// has no number for.
func (m *Metrics) WriteJSON(w io.Writer, meta Meta) error {
	head, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	b.WriteString(`{"run":`)
	b.Write(head)
	b.WriteString(",\n\"columns\":{")
	column := func(key string, cell func(b []byte, row int) []byte) {
		name, _ := json.Marshal(key) // a string can always be written
		b.Write(name)
		b.WriteString(":[")
		for row := range m.Steps {
			if row > 0 {
				b.WriteByte(',')
			}
			b.Write(cell(b.AvailableBuffer(), row))
		}
		b.WriteByte(']')
	}
	column("step", func(b []byte, row int) []byte { return strconv.AppendInt(b, m.Steps[row], 10) })
	b.WriteString(",\n")
	column("wall_s", func(b []byte, row int) []byte { return strconv.AppendFloat(b, m.Wall[row], 'f', -1, 64) })
	for _, k := range m.keys {
		c := m.Column(k)
		b.WriteString(",\n")
		column(k, func(b []byte, row int) []byte { return appendValue(b, c[row]) })
	}
	b.WriteString("}}\n")
	return b.Flush()
}
