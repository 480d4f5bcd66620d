package runs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// Checkpoint is a finished checkpoint: its manifest is readable and its files have their sizes.
type Checkpoint struct {
	Path           string
	Step           int64
	Created        time.Time
	ValidationLoss float64 // NaN when it was not measured
	Pinned         bool
	Files          map[string]FileInfo
}

// File is the path of a file of the checkpoint.
func (c Checkpoint) File(name string) string { return filepath.Join(c.Path, name) }

// Size is the number of bytes of all its files.
func (c Checkpoint) Size() int64 {
	var n int64
	for _, f := range c.Files {
		n += f.Size
	}
	return n
}

// Broken is a folder below ckpt/ that cannot be resumed from and may be deleted.
type Broken struct {
	Path   string
	Reason error
	Aside  bool // put aside by ResumeAt; nothing is wrong with it
}

// Names of folders below ckpt/: a checkpoint, one in the works (.tmp), one being replaced (.old) or
// deleted (.del), and one put aside by ResumeAt.
var (
	stepPattern  = regexp.MustCompile(`^step-(\d{8,18})$`)
	workPattern  = regexp.MustCompile(`^\.(step-\d{8,18})\.(tmp|old|del)$`)
	asidePattern = regexp.MustCompile(`^superseded-step-(\d{8,18})-[0-9a-f]{4}$`)
)

// adviceOlder ends what is said of a damaged checkpoint.
const adviceOlder = "; use an older checkpoint"

// Checkpoints lists the valid checkpoints, oldest step first, and apart from them the folders that
// are broken, unfinished or superseded. Sizes are checked, hashes are not: see Verify.
func (r *Run) Checkpoints() (valid []Checkpoint, broken []Broken, err error) {
	dir := filepath.Join(r.path, ckptName)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoints could not be listed: %w", err)
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = e.IsDir()
	}
	busy := r.lock != nil || ownerAlive(r.path) // then what is in the works is not broken
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !names[name] {
			continue
		}
		path := filepath.Join(dir, name)
		if stepPattern.MatchString(name) {
			if c, err := readCheckpoint(path); err == nil {
				valid = append(valid, c)
			} else {
				broken = append(broken, Broken{path, err, false})
			}
			continue
		}
		if asidePattern.MatchString(name) {
			broken = append(broken, Broken{path, fmt.Errorf(
				"the run was taken back to a step before %q", path), true})
			continue
		}
		m := workPattern.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if _, exists := names[m[1]]; m[2] == "old" && !exists {
			if c, err := readCheckpoint(path); err == nil {
				valid = append(valid, c)
				continue
			}
		}
		if !busy {
			broken = append(broken, Broken{path, kindError{ErrDamaged, fmt.Sprintf(
				"%q was left unfinished when the program was interrupted", path)}, false})
		}
	}
	slices.SortFunc(valid, func(a, b Checkpoint) int { return cmp.Compare(a.Step, b.Step) })
	return valid, broken, nil
}

// Latest returns the newest valid checkpoint, whatever ckpt/latest says: that file is for people
// and scripts, and may lag behind by a crash. Without one the error is ErrNoCheckpoint.
func (r *Run) Latest() (Checkpoint, error) {
	valid, broken, err := r.Checkpoints()
	if err != nil {
		return Checkpoint{}, err
	}
	if len(valid) == 0 {
		return Checkpoint{}, r.noCheckpoint(broken)
	}
	return valid[len(valid)-1], nil
}

// LatestVerified returns the newest checkpoint whose files have the hashes of its manifest, and
// those newer ones that were passed over because they are damaged, newest first. When take is not
// nil it looks at each good one: false passes it over without a word, an error as damaged.
func (r *Run) LatestVerified(ctx context.Context,
	take func(Checkpoint) (bool, error)) (Checkpoint, []Broken, error) {
	valid, broken, err := r.Checkpoints()
	if err != nil {
		return Checkpoint{}, nil, err
	}
	passed := slices.DeleteFunc(broken, func(b Broken) bool { return b.Aside })
	for _, c := range slices.Backward(valid) {
		err := Verify(ctx, c.Path)
		taken := err == nil
		if taken && take != nil {
			taken, err = take(c)
		}
		switch {
		case ctx.Err() != nil:
			return Checkpoint{}, passed, ctx.Err()
		case err != nil:
			passed = append(passed, Broken{c.Path, err, false})
		case taken:
			newer := slices.DeleteFunc(passed, func(b Broken) bool { return b.step() < c.Step })
			return c, newestFirst(newer), nil
		}
	}
	return Checkpoint{}, newestFirst(passed), r.noCheckpoint(passed)
}

func (b *Broken) step() int64 { return stepOf(filepath.Base(b.Path)) }

func newestFirst(list []Broken) []Broken {
	slices.SortStableFunc(list, func(a, b Broken) int { return cmp.Compare(b.step(), a.step()) })
	return list
}

// Untouched tells whether the run was ended before its first checkpoint and its first row of metrics,
// so that starting it over loses nothing. A checkpoint that cannot be read counts as one.
func (r *Run) Untouched() (bool, error) {
	valid, broken, err := r.Checkpoints()
	if err != nil {
		return false, err
	}
	lost := func(b Broken) bool { return !b.Aside }
	if len(valid) > 0 || slices.ContainsFunc(broken, lost) {
		return false, nil
	}
	m, err := r.Metrics()
	return err == nil && len(m.Steps) == 0, err
}

func (r *Run) noCheckpoint(broken []Broken) error {
	text := fmt.Sprintf("run folder %q has no checkpoint to continue from", r.path)
	broken = slices.DeleteFunc(slices.Clone(broken), func(b Broken) bool { return b.Aside })
	if len(broken) > 0 {
		why := strings.TrimSuffix(broken[0].Reason.Error(), adviceOlder)
		text += fmt.Sprintf("; %d are broken, the first because %s", len(broken), why)
	}
	return kindError{ErrNoCheckpoint,
		text + "; put its folder ckpt back from a copy, or start a new run"}
}

// ReadCheckpoint opens a checkpoint folder by path, checking its manifest and the sizes of its
// files.
func ReadCheckpoint(path string) (Checkpoint, error) { return readCheckpoint(filepath.Clean(path)) }

func readCheckpoint(path string) (Checkpoint, error) {
	damaged := func(format string, args ...any) error {
		return kindError{ErrDamaged, fmt.Sprintf("checkpoint %q ", path) +
			fmt.Sprintf(format, args...) + adviceOlder}
	}
	b, err := os.ReadFile(filepath.Join(path, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return Checkpoint{}, damaged("has no %s, so it was never finished", manifestName)
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %q could not be read: %w", path, err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Checkpoint{}, damaged("has a damaged %s (%v)", manifestName, err)
	}
	if m.Format != manifestFormat {
		return Checkpoint{}, damaged("has format %d, this program reads %d", m.Format,
			manifestFormat)
	}
	if name := stepOf(filepath.Base(path)); name >= 0 && name != m.Step {
		return Checkpoint{}, damaged("holds step %d by its %s", m.Step, manifestName)
	}
	c := Checkpoint{Path: path, Step: m.Step, Created: m.Created, Files: m.Files,
		ValidationLoss: math.NaN()}
	if m.ValidationLoss != nil {
		c.ValidationLoss = *m.ValidationLoss
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if !validFileName(name) {
			return Checkpoint{}, damaged("lists the impossible file name %q", name)
		}
		info, err := os.Stat(c.File(name))
		if errors.Is(err, os.ErrNotExist) {
			return Checkpoint{}, damaged("lacks its file %q", name)
		}
		if err != nil {
			return Checkpoint{}, fmt.Errorf("checkpoint %q could not be read: %w", path, err)
		}
		switch want, have := m.Files[name].Size, info.Size(); {
		case have < want:
			return Checkpoint{}, &safetensors.TruncatedError{Path: c.File(name), Want: want,
				Have: have}
		case have > want:
			return Checkpoint{}, damaged("has %d bytes in %q, its manifest says %d", have, name,
				want)
		}
	}
	_, err = os.Stat(c.File(pinName))
	c.Pinned = err == nil
	return c, nil
}

// stepOf is the step in the name of a checkpoint folder, -1 when it has none.
func stepOf(name string) int64 {
	for _, p := range []*regexp.Regexp{stepPattern, asidePattern} {
		if m := p.FindStringSubmatch(name); m != nil {
			n, err := strconv.ParseInt(m[1], 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return -1
}

// Verify reads every file of the checkpoint at path and compares sizes and hashes with its
// manifest. Errors match ErrDamaged or ErrTruncated, or those of ctx and of a file that cannot be opened.
func Verify(ctx context.Context, path string) error {
	c, err := ReadCheckpoint(path)
	if err != nil {
		return err
	}
	return c.Verify(ctx, slices.Sorted(maps.Keys(c.Files))...)
}

// Verify reads the named files and compares their hashes with the manifest. Errors match
// ErrDamaged, also when the manifest has no such file, or that of ctx.
func (c Checkpoint) Verify(ctx context.Context, names ...string) error {
	if err := c.Holds(names...); err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for _, name := range names {
		got, err := hashFile(ctx, c.File(name), buf)
		if err != nil {
			return fmt.Errorf("checkpoint %q could not be verified: %w", c.Path, err)
		}
		if want := c.Files[name].SHA256; !strings.EqualFold(got, want) {
			return kindError{ErrDamaged, fmt.Sprintf("file %q is damaged: its SHA-256 is %.12s..., "+
				"the manifest says %.12s..."+adviceOlder, c.File(name), got, want)}
		}
	}
	return nil
}

// Holds tells which of the named files the manifest lacks. The error matches ErrDamaged.
func (c Checkpoint) Holds(names ...string) error {
	for _, name := range names {
		if _, ok := c.Files[name]; !ok {
			return kindError{ErrDamaged, fmt.Sprintf("checkpoint %q holds no %s by its %s"+
				adviceOlder, c.Path, name, manifestName)}
		}
	}
	return nil
}

// hashFile returns the SHA-256 of a file in hexadecimal.
func hashFile(ctx context.Context, path string, buf []byte) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
