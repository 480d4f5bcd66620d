package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Event is one line of events.jsonl: something that happened to the run, for the notes beside its
// charts.
type Event struct {
	Time   time.Time      `json:"time"`
	Kind   string         `json:"kind"` // one word, such as "checkpoint", "diverged", "pause"
	Step   int64          `json:"step"`
	Text   string         `json:"text"` // a sentence
	Fields map[string]any `json:"fields,omitempty"`
}

// AddEvent appends an event that happens now. Numbers in fields that are not finite are stored as
// "NaN", "+Inf" and "-Inf".
func (r *Run) AddEvent(kind string, step int64, text string, fields map[string]any) error {
	if err := r.writable(); err != nil {
		return err
	}
	e := Event{Time: time.Now().UTC(), Kind: kind, Step: step, Text: text}
	if len(fields) > 0 {
		e.Fields = make(map[string]any, len(fields))
		for k, v := range fields {
			e.Fields[k] = jsonValue(v)
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("event %q of step %d cannot be written as JSON: %w", kind, step, err)
	}
	_, err = r.events.Write(append(b, '\n'))
	return err
}

// jsonValue replaces numbers that JSON cannot hold.
func jsonValue(v any) any {
	x := 0.0
	switch v := v.(type) {
	case float64:
		x = v
	case float32:
		x = float64(v)
	}
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "+Inf"
	case math.IsInf(x, -1):
		return "-Inf"
	}
	return v
}

// Events reads all events in order. Lines that are not events are passed over.
func (r *Run) Events() ([]Event, error) {
	path := filepath.Join(r.path, eventsName)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("events could not be read: %w", err)
	}
	defer f.Close()
	var events []Event
	_, err = eachLine(f, func(_ int64, line []byte) error {
		var e Event
		if json.Unmarshal(line, &e) == nil && e.Kind != "" {
			events = append(events, e)
		}
		return nil
	})
	if err != nil {
		return events, fmt.Errorf("events %q could not be read: %w", path, err)
	}
	return events, nil
}

// LogHandler returns a handler that writes records of at least the given level to log.jsonl. The
// run must be open for writing; records after Close are lost.
func (r *Run) LogHandler(level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(&r.log, &slog.HandlerOptions{Level: level})
}
