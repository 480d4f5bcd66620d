package runs

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

// Pin keeps the checkpoint of a step from Prune, or frees it again.
func (r *Run) Pin(step int64, pinned bool) error {
	if err := r.writable(); err != nil {
		return err
	}
	c, err := readCheckpoint(filepath.Join(r.path, ckptName, stepName(step)))
	if err != nil {
		return err
	}
	if pinned {
		return r.replace(c.File(pinName), func(io.Writer) error { return nil })
	}
	if err := os.Remove(c.File(pinName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return diskError(c.File(pinName), err)
	}
	return nil
}

// Prune deletes checkpoints except the last keep ones (at least one), the one of lowest validation
// loss, and those pinned. It returns those deleted. Broken and superseded folders stay: see
// RemoveBroken.
func (r *Run) Prune(keep int) ([]Checkpoint, error) {
	if err := r.writable(); err != nil {
		return nil, err
	}
	r.checkpointing.Lock()
	defer r.checkpointing.Unlock()
	valid, _, err := r.Checkpoints()
	if err != nil {
		return nil, err
	}
	best := -1
	for i, c := range valid {
		if !math.IsNaN(c.ValidationLoss) &&
			(best < 0 || c.ValidationLoss <= valid[best].ValidationLoss) {
			best = i
		}
	}
	var gone []Checkpoint
	for i, c := range valid {
		if i >= len(valid)-max(keep, 1) || i == best || c.Pinned {
			continue
		}
		if err := r.remove(c.Path); err != nil {
			return gone, err
		}
		gone = append(gone, c)
	}
	return gone, nil
}

// RemoveBroken deletes the folders that Checkpoints lists as broken.
func (r *Run) RemoveBroken() error {
	if err := r.writable(); err != nil {
		return err
	}
	r.checkpointing.Lock()
	defer r.checkpointing.Unlock()
	_, broken, err := r.Checkpoints()
	for _, b := range broken {
		err = errors.Join(err, r.remove(b.Path))
	}
	return err
}

// remove takes a folder below ckpt/ out of sight by one rename, then deletes it, so that no half of
// it is ever seen.
func (r *Run) remove(path string) error {
	base := filepath.Base(path)
	if m := workPattern.FindStringSubmatch(base); m != nil {
		base = m[1]
	}
	if m := stepOf(base); m >= 0 {
		base = stepName(m)
	}
	hidden := filepath.Join(filepath.Dir(path), "."+base+".del")
	err := os.RemoveAll(hidden)
	if err == nil {
		err = os.Rename(path, hidden)
	}
	if err == nil {
		err = os.RemoveAll(hidden)
	}
	if err != nil {
		return fmt.Errorf("checkpoint folder %q could not be deleted: %w", path, err)
	}
	return nil
}

// supersedeAfter puts the checkpoints after a step aside under another name, and returns their
// steps. Pinned ones too: their weights are kept, but the run does not continue from them.
func (r *Run) supersedeAfter(step int64) ([]int64, error) {
	r.checkpointing.Lock()
	defer r.checkpointing.Unlock()
	valid, _, err := r.Checkpoints()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.path, ckptName)
	steps := []int64{}
	for _, c := range slices.Backward(valid) { // newest first: a crash in between leaves a prefix
		if c.Step <= step {
			break
		}
		var random [2]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, err
		}
		aside := filepath.Join(dir, "superseded-"+stepName(c.Step)+"-"+
			hex.EncodeToString(random[:]))
		if err := os.Rename(c.Path, aside); err != nil {
			return nil, diskError(c.Path, err)
		}
		steps = append(steps, c.Step)
	}
	if len(steps) == 0 {
		return steps, nil
	}
	if err := atomicfile.SyncDir(dir); err != nil {
		return nil, diskError(dir, err)
	}
	slices.Reverse(steps)
	last, err := r.Latest()
	if errors.Is(err, ErrNoCheckpoint) {
		err = os.Remove(filepath.Join(dir, latestName))
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return steps, err
	}
	if err != nil {
		return nil, err
	}
	return steps, r.replace(filepath.Join(dir, latestName), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, stepName(last.Step))
		return err
	})
}

// recoverCheckpoints clears what an interrupted owner left: unfinished and half-deleted folders go,
// a checkpoint caught between the two renames of its replacement gets its name back.
func (r *Run) recoverCheckpoints() error {
	dir := filepath.Join(r.path, ckptName)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return diskError(dir, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("checkpoints could not be listed: %w", err)
	}
	for _, e := range entries {
		m := workPattern.FindStringSubmatch(e.Name())
		path := filepath.Join(dir, e.Name())
		switch {
		case m == nil:
			continue
		case m[2] == "old":
			err = recoverOld(path, filepath.Join(dir, m[1]))
		default:
			err = os.RemoveAll(path)
		}
		if err != nil {
			return fmt.Errorf("what an interrupted checkpoint left in %q could not be cleared: %w",
				path, err)
		}
	}
	return nil
}
