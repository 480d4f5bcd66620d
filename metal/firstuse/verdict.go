package firstuse

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/shaders"
)

// key is what a verdict holds for.
type key struct {
	Chip    string `json:"chip"` // with the family and what else the device says of itself
	System  string `json:"system"`
	App     string `json:"app"`
	Shaders string `json:"shaders"` // hash of all sources, for builds that carry no version
}

// verdict is how a check ended.
type verdict struct {
	key
	Wrong   string    `json:"wrong,omitempty"` // the sentence of a mismatch; empty when all was right
	Seconds float64   `json:"seconds"`
	When    time.Time `json:"when"`
}

// file is first-use.json.
type file struct {
	Version  int       `json:"version"`
	Verdicts []verdict `json:"verdicts"`
}

const (
	fileName    = "first-use.json"
	fileVersion = 1
	mostKept    = 20 // verdicts: older ones are of chips and versions that are gone
)

func keyOf(d device.Device, app string) (key, error) {
	info := d.Info()
	h := sha256.New()
	for _, f := range shaders.Families() {
		source, err := shaders.Source(f)
		if err != nil {
			return key{}, err
		}
		fmt.Fprintf(h, "%s %d\n%s", f, len(source), source)
	}
	return key{
		Chip: info.Name + ", " + info.Detail, System: system(), App: app,
		Shaders: hex.EncodeToString(h.Sum(nil)[:8]),
	}, nil
}

// store is the file of verdicts in a folder; in none, nothing is kept.
type store string

func (s store) path() string { return filepath.Join(string(s), fileName) }

// read gives no verdicts when the file cannot be made out: the check is then made again.
func (s store) read() []verdict {
	if s == "" {
		return nil
	}
	text, err := os.ReadFile(s.path())
	var f file
	if err != nil || json.Unmarshal(text, &f) != nil || f.Version != fileVersion {
		return nil
	}
	return f.Verdicts
}

// find gives the verdict of a key.
func (s store) find(k key) (verdict, bool) {
	for _, v := range s.read() {
		if v.key == k {
			return v, true
		}
	}
	return verdict{}, false
}

// add keeps a verdict in the place of an older one of the same key. The file is replaced whole, so that
// a reader never sees half of it.
func (s store) add(v verdict) error {
	if s == "" {
		return nil
	}
	list := []verdict{v}
	for _, old := range s.read() {
		if old.key != v.key && len(list) < mostKept {
			list = append(list, old)
		}
	}
	text, err := json.MarshalIndent(file{fileVersion, list}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(s), 0o755); err != nil {
		return err
	}
	w, err := os.CreateTemp(string(s), fileName+".*")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	if err = errors.Join(err, w.Sync(), w.Close()); err == nil {
		err = os.Rename(w.Name(), s.path())
	}
	if err != nil {
		os.Remove(w.Name())
	}
	return err
}
