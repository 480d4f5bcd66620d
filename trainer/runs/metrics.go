package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Missing stands in a row for a value that was not measured at that step: a NaN of one particular
// payload, which no arithmetic produces. It is stored as null.
var Missing = math.Float32frombits(missingBits)

const missingBits = 0x7fc0e7ee

// IsMissing tells Missing from every number and from other NaNs.
func IsMissing(v float32) bool { return math.Float32bits(v) == missingBits }

// metricsFile is metrics.jsonl while it is written. A schema line {"v":1,"keys":[...]} names the
// values of the rows [step,wall,v0,...] after it.
type metricsFile struct {
	lines lineFile
	keys  []string
	step  int64 // of the last row, -1 before the first
	buf   []byte
}

// schema is a schema line.
type schema struct {
	V    int      `json:"v"`
	Keys []string `json:"keys"`
}

func (m *metricsFile) openFile(open openFunc, path string) error {
	if err := m.lines.openFile(open, path); err != nil {
		return err
	}
	keys, step, _, err := scanMetrics(path, math.MaxInt64)
	if err != nil {
		return fmt.Errorf("metrics %q could not be read: %w", path, err)
	}
	m.keys, m.step = keys, step
	return nil
}

// scanned is what scanMetrics learns about where to cut.
type scanned struct {
	cut     int64 // offset of the first row after the step asked for
	dropped int   // number of rows from there on
}

// scanMetrics returns the schema and step in force at the end of the last row whose step is at
// most limit, and what follows that row.
func scanMetrics(path string, limit int64) (keys []string, step int64, cut scanned, err error) {
	step = -1
	f, err := os.Open(path)
	if err != nil {
		return nil, -1, cut, err
	}
	defer f.Close()
	cutting := false
	end, err := eachLine(f, func(offset int64, line []byte) error {
		s, row := rowStep(line)
		switch {
		case row && s > limit && !cutting:
			cutting = true
			cut.cut = offset
			cut.dropped++
		case row && cutting:
			cut.dropped++
		case row:
			step = s
		case !cutting:
			if k, ok := parseSchema(line); ok {
				keys = k
			}
		}
		return nil
	})
	if !cutting {
		cut.cut = end
	}
	return keys, step, cut, err
}

// SetKeys names the values of the rows to come. It writes a schema line unless the keys in force
// are the same.
func (r *Run) SetKeys(keys []string) error {
	if err := r.writable(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if k == "" || seen[k] {
			return fmt.Errorf("metric key %q is empty or stands twice", k)
		}
		seen[k] = true
	}
	m := &r.metrics
	if m.keys != nil && slices.Equal(m.keys, keys) {
		return nil
	}
	if keys == nil {
		keys = []string{}
	}
	b, err := json.Marshal(schema{1, keys})
	if err != nil {
		return err
	}
	if _, err := m.lines.Write(append(b, '\n')); err != nil {
		return err
	}
	m.keys = slices.Clone(keys)
	m.buf = make([]byte, 0, 64+16*len(keys))
	return nil
}

// Append adds the row of one step: wall in seconds since the run began, one value for each key,
// Missing for those not measured. It is one write to the file and allocates nothing. Steps must not
// go back; ResumeAt goes back.
func (r *Run) Append(step int64, wall float64, values []float32) error {
	m := &r.metrics
	if m.keys == nil || len(values) != len(m.keys) || step < m.step || step < 0 {
		return r.badRow(step, len(values))
	}
	b := append(m.buf[:0], '[')
	b = strconv.AppendInt(b, step, 10)
	b = append(b, ',')
	if math.IsNaN(wall) || math.IsInf(wall, 0) {
		b = append(b, '0')
	} else {
		b = strconv.AppendFloat(b, wall, 'f', 3, 64)
	}
	for _, v := range values {
		b = append(b, ',')
		b = appendValue(b, v)
	}
	b = append(b, "]\n"...)
	m.buf = b
	if _, err := m.lines.Write(b); err != nil {
		return err
	}
	m.step = step
	return nil
}

// badRow explains why Append refuses.
func (r *Run) badRow(step int64, values int) error {
	if err := r.writable(); err != nil {
		return err
	}
	switch m := &r.metrics; {
	case m.keys == nil:
		return errors.New("metrics have no keys yet; call SetKeys before Append")
	case values != len(m.keys):
		return fmt.Errorf("the metrics row of step %d has %d values for %d keys",
			step, values, len(m.keys))
	default:
		return fmt.Errorf("the metrics row of step %d comes after that of step %d; "+
			"call ResumeAt to go back", step, m.step)
	}
}

// appendValue prints the shortest decimal that reads back as v; JSON has no words for the rest.
func appendValue(b []byte, v float32) []byte {
	switch {
	case IsMissing(v):
		return append(b, "null"...)
	case v != v:
		return append(b, `"NaN"`...)
	case v > math.MaxFloat32:
		return append(b, `"+Inf"`...)
	case v < -math.MaxFloat32:
		return append(b, `"-Inf"`...)
	}
	return strconv.AppendFloat(b, float64(v), 'g', -1, 32)
}

// ResumeAt takes the run back to a step, that of the checkpoint it goes on from: metrics rows after
// it are dropped, checkpoints after it are put aside as superseded (so that they do not count as
// the newest), and both are noted in events.jsonl. It returns the number of rows dropped.
func (r *Run) ResumeAt(step int64) (dropped int, err error) {
	if err := r.writable(); err != nil {
		return 0, err
	}
	// Checkpoints first: killed in between, the next resume finds this step newest and cuts again.
	aside, err := r.supersedeAfter(step)
	if err != nil {
		return 0, err
	}
	m := &r.metrics
	path := filepath.Join(r.path, metricsName)
	keys, last, cut, err := scanMetrics(path, step)
	if err != nil {
		return 0, fmt.Errorf("metrics %q could not be read: %w", path, err)
	}
	if cut.dropped > 0 {
		// A new file in place of a shorter one: whoever follows the old one sees the change.
		err := r.replace(path, func(w io.Writer) error { return copyHead(w, path, cut.cut) })
		if err != nil {
			return 0, err
		}
		if err := m.lines.close(); err != nil {
			return 0, err
		}
		if err := m.lines.openFile(r.open, path); err != nil {
			return 0, err
		}
	}
	m.keys, m.step = keys, last
	fields := map[string]any{"dropped_rows": cut.dropped, "superseded_checkpoints": aside}
	text := fmt.Sprintf("Continued from step %d.", step)
	if cut.dropped > 0 {
		text = fmt.Sprintf("Continued from step %d; %d metrics rows after it were dropped.",
			step, cut.dropped)
	}
	return cut.dropped, r.AddEvent("resume", step, text, fields)
}

// copyHead copies the first n bytes of the file at path.
func copyHead(w io.Writer, path string, n int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(w, f, n)
	return err
}
