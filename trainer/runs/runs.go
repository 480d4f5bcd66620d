// Package runs is the run store: one folder a run, plain files, no database. It holds the run's
// description, its full config, append-only metrics and events, a log, and checkpoints that are
// written to a temporary name, synced and renamed, so that a process killed at any moment leaves a
// folder that opens. What a checkpoint's state means is the trainer's business, not this package's.
// It depends on the standard library and on this project's safetensors.
//
//	<root>/<utc>-<slug>-<4hex>/
//	  run.json       description and status, replaced whole
//	  about.json     what people say of it: name, notes, tags, see About
//	  run.lock       held by the process that trains; released by the system when it dies
//	  config.yaml    the full effective config
//	  metrics.jsonl  append only, see Append
//	  events.jsonl   append only, see Event
//	  log.jsonl      append only, see LogHandler
//	  ckpt/          see WriteCheckpoint
//	  charts/ export/
package runs

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

// Names of the files of a run folder.
const (
	metaName    = "run.json"
	aboutName   = "about.json"
	lockName    = "run.lock"
	configName  = "config.yaml"
	metricsName = "metrics.jsonl"
	eventsName  = "events.jsonl"
	logName     = "log.jsonl"
	ckptName    = "ckpt"
)

// syncEvery bounds what a power cut can take from metrics, events and log.
const syncEvery = 5 * time.Second

// file is what this package needs of an open file; *os.File has it. Tests put a small disk here.
type file interface {
	io.Writer
	Sync() error
	Close() error
	Truncate(size int64) error
}

// openFunc opens a file that will be written.
type openFunc func(path string, flag int, perm os.FileMode) (file, error)

func openOS(path string, flag int, perm os.FileMode) (file, error) {
	return os.OpenFile(path, flag, perm)
}

// Run is an open run folder. Its methods may be called from several goroutines; Append, SetKeys
// and ResumeAt belong to the one that trains.
type Run struct {
	path string
	open openFunc
	lock *lock // nil when open for reading only

	mu   sync.Mutex // guards meta
	meta Meta

	metrics metricsFile
	events  lineFile
	log     lineFile

	checkpointing sync.Mutex // one checkpoint is written or pruned at a time

	stop, stopped chan struct{} // of the syncing goroutine
	closeOnce     sync.Once
	closeErr      error
}

// DefaultRoot is the folder that holds the runs of this user when none is named.
func DefaultRoot() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no home folder to keep runs in (%w); "+
			"name a folder for runs", err)
	}
	return defaultRoot(runtime.GOOS, home, os.Getenv("XDG_DATA_HOME")), nil
}

// defaultRoot ignores a relative data folder, as the XDG specification asks.
func defaultRoot(system, home, data string) string {
	if system == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "Evenkeel", "runs")
	}
	if !filepath.IsAbs(data) {
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "evenkeel", "runs")
}

// Create makes a new run folder under root, which is made when missing, and holds it for writing.
// The folder's name is the UTC time, slug and four random hex digits; it becomes the ID. Of meta,
// ID and Created are set here, Status when empty to Preparing, Name when empty to slug. config is
// kept as config.yaml, byte for byte. Close the run when done.
func Create(root, slug string, meta Meta, config []byte) (*Run, error) {
	return create(openOS, root, slug, meta, config)
}

func create(open openFunc, root, slug string, meta Meta, config []byte) (_ *Run, err error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("could not make the folder for runs: %w", err)
	}
	meta.Format = metaFormat
	meta.Created = time.Now().UTC().Truncate(time.Microsecond) // tells which run of a second is the newest
	if meta.Status == "" {
		meta.Status = Preparing
	}
	if meta.Name == "" {
		meta.Name = slug
	}
	var path string
	for { // two runs of one second and slug meet once in 65,536
		var random [2]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, err
		}
		meta.ID = meta.Created.Format("20060102T150405Z") + "-" + cleanSlug(slug) + "-" +
			hex.EncodeToString(random[:])
		path = filepath.Join(root, meta.ID)
		if err := os.Mkdir(path, 0o755); err == nil {
			break
		} else if !errors.Is(err, os.ErrExist) {
			return nil, diskError(path, err)
		}
	}
	r := &Run{path: path, open: open, meta: meta}
	defer func() {
		if err != nil {
			r.lock.release()
			os.RemoveAll(path)
		}
	}()
	if r.lock, err = acquire(path); err != nil {
		return nil, err
	}
	err = r.replace(filepath.Join(path, configName), func(w io.Writer) error {
		_, err := w.Write(config)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(path, ckptName), 0o755); err != nil {
		return nil, diskError(path, err)
	}
	if err := r.openFiles(); err != nil {
		return nil, err
	}
	if err := r.saveMeta(); err != nil {
		return nil, errors.Join(err, r.closeFiles())
	}
	if err := atomicfile.SyncDir(root); err != nil {
		return nil, errors.Join(diskError(root, err), r.closeFiles())
	}
	r.startSyncing()
	return r, nil
}

// cleanSlug keeps lower-case letters, digits and single hyphens, at most 40.
func cleanSlug(s string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() == 40 {
			break
		}
	}
	if out := strings.Trim(b.String(), "-"); out != "" {
		return out
	}
	return "run"
}

// Open opens a run folder for reading. It takes no lock: the run may be training meanwhile.
func Open(path string) (*Run, error) {
	meta, err := readMeta(path)
	if err != nil {
		return nil, err
	}
	return &Run{path: path, open: openOS, meta: meta}, nil
}

// OpenForWriting opens a run folder to go on with it. It drops an unterminated last line of
// metrics, events and log and what an interrupted checkpoint left behind. A folder held by another
// process gives an *InUseError. The status stays what it was until SetStatus.
func OpenForWriting(path string) (*Run, error) {
	return openForWriting(openOS, path)
}

func openForWriting(open openFunc, path string) (_ *Run, err error) {
	if _, err := readMeta(path); err != nil { // before a lock file is put into a foreign folder
		return nil, err
	}
	r := &Run{path: path, open: open}
	if r.lock, err = acquire(path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.lock.release()
		}
	}()
	if r.meta, err = readMeta(path); err != nil { // the former owner may have changed it
		return nil, err
	}
	if err := r.recoverCheckpoints(); err != nil {
		return nil, err
	}
	if err := r.openFiles(); err != nil {
		return nil, err
	}
	r.startSyncing()
	return r, nil
}

// openFiles opens the three append-only files.
func (r *Run) openFiles() error {
	err := r.metrics.openFile(r.open, filepath.Join(r.path, metricsName))
	if err == nil {
		err = r.events.openFile(r.open, filepath.Join(r.path, eventsName))
	}
	if err == nil {
		err = r.log.openFile(r.open, filepath.Join(r.path, logName))
	}
	if err != nil {
		return errors.Join(err, r.closeFiles())
	}
	return nil
}

func (r *Run) closeFiles() error {
	return errors.Join(r.metrics.lines.close(), r.events.close(), r.log.close())
}

// startSyncing makes appended lines durable in the background, away from the training step.
func (r *Run) startSyncing() {
	r.stop, r.stopped = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(r.stopped)
		tick := time.NewTicker(syncEvery)
		defer tick.Stop()
		for {
			select {
			case <-r.stop:
				return
			case <-tick.C:
				r.sync(true)
			}
		}
	}()
}

// Sync makes every line appended so far durable. It happens by itself every five seconds and
// before each checkpoint.
func (r *Run) Sync() error { return r.sync(false) }

func (r *Run) sync(background bool) error {
	return errors.Join(r.metrics.lines.sync(background), r.events.sync(background),
		r.log.sync(background))
}

// Close syncs and closes the files and frees the folder. It does not change the status: a run left
// Running shows as Interrupted from now on. Closing twice is harmless.
func (r *Run) Close() error {
	if r.lock == nil {
		return nil
	}
	r.closeOnce.Do(func() {
		close(r.stop)
		<-r.stopped
		r.checkpointing.Lock() // a checkpoint in progress is finished first
		defer r.checkpointing.Unlock()
		r.closeErr = errors.Join(r.Sync(), r.closeFiles(), r.lock.release())
	})
	return r.closeErr
}

// Path is the run folder.
func (r *Run) Path() string { return r.path }

// Config returns the bytes of config.yaml.
func (r *Run) Config() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(r.path, configName))
	if err != nil {
		return nil, fmt.Errorf("the run's config could not be read: %w", err)
	}
	return b, nil
}

// Dir returns a folder of the run such as "charts" or "export", made when missing.
func (r *Run) Dir(name string) (string, error) {
	dir := filepath.Join(r.path, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", diskError(dir, err)
	}
	return dir, nil
}

// replace writes a small file of the run atomically.
func (r *Run) replace(path string, body func(w io.Writer) error) error {
	create := func(p string) (atomicfile.File, error) {
		return r.open(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	}
	return diskError(path, atomicfile.WriteWith(create, path, body))
}

// writable refuses a run that is open for reading only.
func (r *Run) writable() error {
	if r.lock == nil {
		return fmt.Errorf("run folder %q is open for reading only; open it for writing", r.path)
	}
	return nil
}

// encodeJSON writes v indented, with a final newline.
func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
