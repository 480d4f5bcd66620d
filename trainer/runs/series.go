package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"unsafe"
)

// Metrics are the metrics of a run as columns. Poll reads what was added since the last call, so
// the same value serves to load a finished run and to follow one that trains. Not safe for
// concurrent use.
type Metrics struct {
	// Steps and Wall hold the step and the seconds since the run began of every row.
	Steps []int64
	Wall  []float64
	// Skipped counts terminated lines that are neither a row nor a schema, as disk faults leave.
	Skipped int

	path    string
	info    os.FileInfo // of the file read last, to notice that it was replaced
	offset  int64       // bytes consumed
	keys    []string    // of all schemas, in order of appearance
	columns map[string]*column
	current []*column // the columns of the schema in force
	hasKeys bool
	values  []float32 // scratch for one row
}

// column holds the values of one key; it may be shorter than Steps until it is read.
type column struct {
	values []float32
}

// fill pads with Missing up to n values.
func (c *column) fill(n int) {
	for len(c.values) < n {
		c.values = append(c.values, Missing)
	}
}

// FollowMetrics prepares to read metrics.jsonl of the run folder at path; nothing is read yet.
func FollowMetrics(path string) *Metrics {
	return &Metrics{path: filepath.Join(path, metricsName), columns: map[string]*column{}}
}

// Metrics reads all metrics of the run. Poll continues from there.
func (r *Run) Metrics() (*Metrics, error) {
	m := FollowMetrics(r.path)
	_, _, err := m.Poll()
	return m, err
}

// Keys are the names of all columns, in order of first appearance.
func (m *Metrics) Keys() []string { return slices.Clone(m.keys) }

// Column returns the values of a key, one for each row, Missing where it was not measured; nil for
// an unknown key. The slice is valid until the next Poll and must not be changed.
func (m *Metrics) Column(key string) []float32 {
	c := m.columns[key]
	if c == nil {
		return nil
	}
	c.fill(len(m.Steps))
	return c.values
}

// Poll reads the lines added since the last call and returns how many rows came. An unterminated
// last line is left for the next call. When the file was replaced by a shorter one, because the run
// was taken back to a checkpoint, everything is read anew and reset is true. A file that does not
// exist yet holds no rows.
func (m *Metrics) Poll() (added int, reset bool, err error) {
	f, err := os.Open(m.path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("metrics could not be read: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("metrics could not be read: %w", err)
	}
	if m.info != nil && (!os.SameFile(m.info, info) || info.Size() < m.offset) {
		*m = Metrics{path: m.path, columns: map[string]*column{}}
		reset = true
	}
	m.info = info
	before := len(m.Steps)
	rest := io.NewSectionReader(f, m.offset, max(0, info.Size()-m.offset))
	n, err := eachLine(rest, func(_ int64, line []byte) error {
		m.line(line)
		return nil
	})
	m.offset += n
	if err != nil {
		return len(m.Steps) - before, reset, fmt.Errorf("metrics %q: %w", m.path, err)
	}
	return len(m.Steps) - before, reset, nil
}

// line takes one line in.
func (m *Metrics) line(line []byte) {
	if keys, ok := parseSchema(line); ok {
		m.setKeys(keys)
		return
	}
	step, wall, values, ok := parseRow(line, m.values[:0])
	m.values = values
	if !ok || !m.hasKeys || len(values) != len(m.current) {
		m.Skipped++
		return
	}
	rows := len(m.Steps)
	for i, c := range m.current {
		if len(c.values) < rows {
			c.fill(rows)
		}
		c.values = append(c.values, values[i])
	}
	m.Steps = append(m.Steps, step)
	m.Wall = append(m.Wall, wall)
}

func (m *Metrics) setKeys(keys []string) {
	m.hasKeys = true
	m.current = m.current[:0]
	for _, k := range keys {
		c := m.columns[k]
		if c == nil {
			c = &column{}
			m.columns[k] = c
			m.keys = append(m.keys, k)
		}
		m.current = append(m.current, c)
	}
}

// parseSchema reads a schema line of version 1 whose keys are all different.
func parseSchema(line []byte) ([]string, bool) {
	if len(line) == 0 || line[0] != '{' {
		return nil, false
	}
	var s schema
	if json.Unmarshal(line, &s) != nil || s.V != 1 || s.Keys == nil {
		return nil, false
	}
	seen := make(map[string]bool, len(s.Keys))
	for _, k := range s.Keys {
		if seen[k] {
			return nil, false
		}
		seen[k] = true
	}
	return s.Keys, true
}

// rowStep reads only the step of a row.
func rowStep(line []byte) (int64, bool) {
	if len(line) < 2 || line[0] != '[' {
		return 0, false
	}
	i := bytes.IndexAny(line, ",]")
	if i < 0 {
		return 0, false
	}
	step, err := strconv.ParseInt(text(bytes.TrimSpace(line[1:i])), 10, 64)
	return step, err == nil
}

// text views bytes as a string for the time of a call.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// parseRow reads [step, wall, values...] and appends the values to into. It is written out because
// encoding/json takes ten times as long.
func parseRow(line []byte, into []float32) (step int64, wall float64, values []float32, ok bool) {
	line = bytes.TrimSpace(line)
	if len(line) < 2 || line[0] != '[' || line[len(line)-1] != ']' {
		return 0, 0, into, false
	}
	line = line[1 : len(line)-1]
	for field := 0; ; field++ {
		i := bytes.IndexByte(line, ',')
		word := line
		if i >= 0 {
			word = line[:i]
		}
		if len(word) == 0 || word[0] == ' ' || word[len(word)-1] == ' ' {
			word = bytes.TrimSpace(word)
		}
		var err error
		switch field {
		case 0:
			step, err = strconv.ParseInt(text(word), 10, 64)
		case 1:
			var v float64
			v, ok = parseNumber(word, 64)
			wall = v
		default:
			var v float32
			v, ok = parseValue(word)
			into = append(into, v)
		}
		if err != nil || field > 0 && !ok {
			return 0, 0, into, false
		}
		if i < 0 {
			return step, wall, into, field > 0
		}
		line = line[i+1:]
	}
}

// parseValue reads what appendValue prints.
func parseValue(word []byte) (float32, bool) {
	if len(word) > 0 && (word[0] == '"' || word[0] == 'n') {
		switch string(word) {
		case "null":
			return Missing, true
		case `"NaN"`:
			return float32(math.NaN()), true
		case `"+Inf"`:
			return float32(math.Inf(1)), true
		case `"-Inf"`:
			return float32(math.Inf(-1)), true
		}
		return 0, false
	}
	v, ok := parseNumber(word, 32)
	return float32(v), ok
}

// parseNumber accepts decimal notation only: strconv would also take "inf" and hexadecimal.
func parseNumber(word []byte, bits int) (float64, bool) {
	for _, c := range word {
		if c > '9' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(text(word), bits)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return v, true
}
