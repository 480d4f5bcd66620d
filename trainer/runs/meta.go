package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// Status is what a run is doing.
type Status string

// The states of a run. Interrupted is never stored: it is what Preparing and Running look like
// when the process that owned the folder is gone. Paused stays: a pause writes a checkpoint first.
const (
	Preparing   Status = "preparing"
	Running     Status = "running"
	Paused      Status = "paused"
	Diverged    Status = "diverged"
	Failed      Status = "failed"
	Done        Status = "done"
	Stopped     Status = "stopped"
	Interrupted Status = "interrupted"
)

// metaFormat is the version of run.json this package writes.
const metaFormat = 1

// Meta is run.json.
type Meta struct {
	Format     int       `json:"format"`
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Variant    string    `json:"variant"`
	Status     Status    `json:"status"`
	Reason     string    `json:"reason,omitempty"` // a sentence: why it failed, diverged, stopped
	Created    time.Time `json:"created"`
	Parent     *Parent   `json:"parent,omitempty"`
	AppVersion string    `json:"app_version"`
	// Hardware describes the machine and the device, for people.
	Hardware map[string]string `json:"hardware,omitempty"`
	// DatasetSHA256 identifies the data; a run is not continued on other data.
	DatasetSHA256 string `json:"dataset_sha256,omitempty"`
	// Info holds further facts for the run list, such as the preset or the planned steps.
	Info map[string]string `json:"info,omitempty"`
}

// Parent says where a run that did not start from nothing came from.
type Parent struct {
	ID   string `json:"id"`
	Step int64  `json:"step"`
	Kind string `json:"kind"` // "resume" or "fork"
}

// clone copies what the caller could change.
func (m Meta) clone() Meta {
	m.Hardware, m.Info = maps.Clone(m.Hardware), maps.Clone(m.Info)
	if m.Parent != nil {
		p := *m.Parent
		m.Parent = &p
	}
	return m
}

// readMeta reads run.json of the folder at path.
func readMeta(path string) (Meta, error) {
	var m Meta
	b, err := os.ReadFile(filepath.Join(path, metaName))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return m, fmt.Errorf("there is no run folder %q: %w", path, os.ErrNotExist)
		}
		return m, kindError{ErrNotRun, fmt.Sprintf("%q is not a run folder: it holds no %s",
			path, metaName)}
	}
	if err != nil {
		return m, fmt.Errorf("run folder %q could not be read: %w", path, err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, kindError{ErrNotRun, fmt.Sprintf("%s of run folder %q is damaged (%v)",
			metaName, path, err)}
	}
	if m.Format != metaFormat {
		return m, kindError{ErrNotRun, fmt.Sprintf("run folder %q has format %d, this program "+
			"reads format %d; open it with the version that wrote it", path, m.Format, metaFormat)}
	}
	return m, nil
}

// Meta returns a copy of the run's description, with the status as stored.
func (r *Run) Meta() Meta {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.meta.clone()
}

// Status returns the state of the run. A run open for writing knows its own; one open for reading
// looks at the folder again and sees whether the owner is alive.
func (r *Run) Status() Status {
	if r.lock != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.meta.Status
	}
	if m, err := readMeta(r.path); err == nil {
		r.mu.Lock()
		r.meta = m
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return derivedStatus(r.path, r.meta.Status)
}

// derivedStatus turns the stored status into the one to show.
func derivedStatus(path string, stored Status) Status {
	if (stored == Running || stored == Preparing) && !ownerAlive(path) {
		return Interrupted
	}
	return stored
}

// SetStatus stores a new status and the sentence that explains it, which may be empty.
func (r *Run) SetStatus(s Status, reason string) error {
	if s == Interrupted {
		return errors.New(`status "interrupted" is derived from a dead owner and cannot be set`)
	}
	return r.Update(func(m *Meta) { m.Status, m.Reason = s, reason })
}

// Update changes the description and stores it. ID, Created and Format stay what they were.
func (r *Run) Update(change func(m *Meta)) error {
	if err := r.writable(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.meta
	next := r.meta.clone()
	change(&next)
	next.ID, next.Created, next.Format = before.ID, before.Created, before.Format
	r.meta = next
	if err := r.saveMeta(); err != nil {
		r.meta = before
		return err
	}
	return nil
}

// saveMeta replaces run.json. The caller holds mu or the only reference.
func (r *Run) saveMeta() error {
	return r.replace(filepath.Join(r.path, metaName), func(w io.Writer) error {
		return encodeJSON(w, r.meta)
	})
}
