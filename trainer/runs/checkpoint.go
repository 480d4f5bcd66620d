package runs

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// Names inside ckpt/.
const (
	manifestName = "MANIFEST.json"
	pinName      = "PINNED"
	latestName   = "latest"
)

// manifestFormat is the version of MANIFEST.json this package writes.
const manifestFormat = 1

// manifest is MANIFEST.json: written last, so that a checkpoint that has it is whole.
type manifest struct {
	Format         int                 `json:"format"`
	Step           int64               `json:"step"`
	Created        time.Time           `json:"created"`
	ValidationLoss *float64            `json:"validation_loss,omitempty"`
	Files          map[string]FileInfo `json:"files"`
}

// FileInfo is what the manifest knows of a file of a checkpoint.
type FileInfo struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// CheckpointWriter collects the files of one checkpoint. The first error sticks: later calls
// return it, and so does WriteCheckpoint.
type CheckpointWriter struct {
	dir, final string
	open       openFunc
	m          manifest
	err        error
}

// stepName is the folder of a checkpoint.
func stepName(step int64) string { return fmt.Sprintf("step-%08d", step) }

// WriteCheckpoint writes ckpt/step-<step>/ with the files that fill adds and returns its path. The
// folder appears whole or not at all: everything is written under a temporary name, synced, given
// its MANIFEST.json and renamed. On any error, of the disk or of fill, the temporary folder is
// removed and the checkpoints there were are intact; the error is a sentence with the file and the
// free space. A checkpoint of the same step is replaced.
//
// When the path returned with an error is not empty, the checkpoint itself is good and only the
// note of it (latest, or its event) failed.
func (r *Run) WriteCheckpoint(step int64, fill func(w *CheckpointWriter) error) (string, error) {
	if err := r.writable(); err != nil {
		return "", err
	}
	if step < 0 {
		return "", fmt.Errorf("step %d cannot have a checkpoint", step)
	}
	r.checkpointing.Lock()
	defer r.checkpointing.Unlock()
	path, err := r.writeCheckpoint(step, fill)
	if err != nil {
		intact := "no earlier checkpoint exists"
		if last, e := r.Latest(); e == nil {
			intact = fmt.Sprintf("the checkpoint of step %d is intact", last.Step)
		}
		return "", fmt.Errorf("the checkpoint of step %d was not written; %s: %w",
			step, intact, err)
	}
	err = r.replace(filepath.Join(r.path, ckptName, latestName), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, stepName(step))
		return err
	})
	if err == nil {
		err = r.AddEvent("checkpoint", step, fmt.Sprintf("Checkpoint of step %d written.", step),
			nil)
	}
	if err != nil {
		err = fmt.Errorf("the checkpoint of step %d is written, the note of it is not: %w",
			step, err)
	}
	return path, err
}

func (r *Run) writeCheckpoint(step int64,
	fill func(w *CheckpointWriter) error) (_ string, err error) {
	if err := r.Sync(); err != nil { // the rows up to this step are never younger than it
		return "", err
	}
	parent := filepath.Join(r.path, ckptName)
	final := filepath.Join(parent, stepName(step))
	temp := filepath.Join(parent, "."+stepName(step)+".tmp")
	if err := os.RemoveAll(temp); err != nil {
		return "", diskError(temp, err)
	}
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return "", diskError(temp, err)
	}
	done := false
	defer func() { // also when fill panics
		if !done {
			os.RemoveAll(temp)
		}
	}()
	w := &CheckpointWriter{dir: temp, final: final, open: r.open}
	w.m = manifest{Format: manifestFormat, Step: step, Files: map[string]FileInfo{},
		Created: time.Now().UTC().Truncate(time.Second)}
	err = fill(w)
	if w.err != nil {
		err = w.err
	}
	if err != nil {
		return "", err
	}
	err = w.stream(manifestName, func(out io.Writer) error { return encodeJSON(out, w.m) }, nil)
	if err != nil {
		return "", err
	}
	if err := atomicfile.SyncDir(temp); err != nil {
		return "", diskError(final, err)
	}
	old := filepath.Join(parent, "."+stepName(step)+".old")
	if err := os.RemoveAll(old); err != nil {
		return "", diskError(old, err)
	}
	// Between these two renames the folder .old stands in for the missing one, see scan.
	err = os.Rename(final, old)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", diskError(final, err)
	}
	if err := os.Rename(temp, final); err != nil {
		return "", errors.Join(diskError(final, err), recoverOld(old, final))
	}
	done = true
	if err := atomicfile.SyncDir(parent); err != nil {
		return "", diskError(final, err)
	}
	if err := os.RemoveAll(old); err != nil {
		return "", diskError(old, err)
	}
	return final, nil
}

// recoverOld puts a checkpoint that was being replaced back under its name.
func recoverOld(old, final string) error {
	if _, err := os.Lstat(final); err == nil {
		return os.RemoveAll(old)
	}
	if err := os.Rename(old, final); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// SetValidationLoss records the validation loss of these weights; Prune keeps the best.
func (w *CheckpointWriter) SetValidationLoss(loss float64) {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		w.m.ValidationLoss = &loss
	}
}

// Safetensors adds a safetensors file. Tensors with a Write function are streamed.
func (w *CheckpointWriter) Safetensors(name string, tensors []safetensors.Tensor,
	meta map[string]string) error {
	return w.Stream(name, func(out io.Writer) error {
		_, err := safetensors.Encode(out, tensors, meta)
		return err
	})
}

// File adds a file of the given bytes.
func (w *CheckpointWriter) File(name string, data []byte) error {
	return w.Stream(name, func(out io.Writer) error {
		_, err := out.Write(data)
		return err
	})
}

// JSON adds a file that holds v as indented JSON.
func (w *CheckpointWriter) JSON(name string, v any) error {
	return w.Stream(name, func(out io.Writer) error { return encodeJSON(out, v) })
}

// Stream adds a file of whatever body writes. The file is synced before Stream returns.
func (w *CheckpointWriter) Stream(name string, body func(out io.Writer) error) error {
	if w.err != nil {
		return w.err
	}
	if !validFileName(name) {
		w.err = fmt.Errorf("%q cannot be a file of a checkpoint", name)
		return w.err
	}
	if _, twice := w.m.Files[name]; twice {
		w.err = fmt.Errorf("file %q was added to the checkpoint twice", name)
		return w.err
	}
	sum := &summing{hash: sha256.New()}
	if w.err = w.stream(name, body, sum); w.err == nil {
		w.m.Files[name] = FileInfo{sum.size, hex.EncodeToString(sum.hash.Sum(nil))}
	}
	return w.err
}

// stream writes and syncs one file; sum, when given, sees every byte.
func (w *CheckpointWriter) stream(name string, body func(io.Writer) error, sum *summing) error {
	path := filepath.Join(w.final, name) // the name people know
	f, err := w.open(filepath.Join(w.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return diskError(path, err)
	}
	out := &diskWriter{f: f, sum: sum}
	buf := bufio.NewWriterSize(out, 1<<16)
	err = body(buf)
	if err == nil {
		err = buf.Flush()
	}
	if out.err != nil { // even when body swallowed or dressed it
		f.Close()
		return diskError(path, out.err)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("file %q: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return diskError(path, err)
	}
	return diskError(path, f.Close())
}

// validFileName keeps files inside the folder and clear of its own ones.
func validFileName(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, `/\`) &&
		name != manifestName && name != pinName
}

// summing is the size and hash of what was written.
type summing struct {
	hash hash.Hash
	size int64
}

// diskWriter tells failures of the disk from those of whoever produces the bytes.
type diskWriter struct {
	f   file
	sum *summing
	err error
}

func (d *diskWriter) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if d.sum != nil {
		d.sum.hash.Write(p[:n])
		d.sum.size += int64(n)
	}
	if err != nil {
		d.err = err
	}
	return n, err
}
