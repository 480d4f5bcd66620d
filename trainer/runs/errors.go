package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// Errors of this package that a caller may want to tell apart with errors.Is. The errors
// themselves are sentences.
var (
	// ErrInUse: another process, or another part of this one, holds the run folder. See InUseError.
	ErrInUse = errors.New("the run folder is in use")
	// ErrNotRun: the folder is not a run, or was written by another version.
	ErrNotRun = errors.New("the folder is not a run")
	// ErrNoCheckpoint: the run has no valid checkpoint.
	ErrNoCheckpoint = errors.New("there is no checkpoint")
	// ErrDamaged: a file of a checkpoint is missing or is not what was written.
	ErrDamaged = errors.New("the checkpoint is damaged")
	// ErrTruncated: a file of a checkpoint is shorter than written. See
	// safetensors.TruncatedError.
	ErrTruncated = safetensors.ErrTruncated
	// ErrMismatch: a good checkpoint belongs to another model or other data. See
	// safetensors.MismatchError.
	ErrMismatch = safetensors.ErrMismatch
)

// kindError is a sentence that matches one of the errors above.
type kindError struct {
	kind error
	text string
}

func (e kindError) Error() string { return e.text }

func (e kindError) Is(target error) bool { return target == e.kind }

// InUseError says who holds a run folder. It is ErrInUse.
type InUseError struct {
	Path string
	PID  int    // 0 when the owner did not get to write it
	Host string // the owner's machine
}

// Error is a sentence that names the process.
func (e *InUseError) Error() string {
	owner := "another process"
	if e.PID != 0 {
		owner = fmt.Sprintf("process %d", e.PID)
		if host, _ := os.Hostname(); e.Host != "" && e.Host != host {
			owner += fmt.Sprintf(" on %q", e.Host)
		}
	}
	return fmt.Sprintf("run folder %q is in use by %s; stop that run first, or start a new one",
		e.Path, owner)
}

// Is makes errors.Is(err, ErrInUse) true.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

// DiskError says which file could not be written and how much room its disk has.
type DiskError struct {
	Path string
	Free int64 // bytes free to this user, -1 when unknown
	Err  error
}

// diskError wraps a failure to write path; nil stays nil and a DiskError stays as it is.
func diskError(path string, err error) error {
	if err == nil {
		return nil
	}
	if d := (*DiskError)(nil); errors.As(err, &d) {
		return err
	}
	return &DiskError{Path: path, Free: freeSpace(filepath.Dir(path)), Err: err}
}

// Error is a sentence with the file, the reason and the free space.
func (e *DiskError) Error() string {
	reason := e.Err.Error()
	if errno := syscall.Errno(0); errors.As(e.Err, &errno) {
		reason = errno.Error() // without the temporary name the system call saw
	}
	advice := "check the disk and try again"
	switch {
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		advice = "free some space and try again"
	case errors.Is(e.Err, syscall.EFBIG):
		advice = "raise the limit on file size (ulimit -f) and try again"
	}
	room := ""
	if e.Free >= 0 {
		room = fmt.Sprintf(" (%s free on its disk)", sizeText(e.Free))
	}
	return fmt.Sprintf("could not write %q: %s%s; %s", e.Path, reason, room, advice)
}

// Unwrap returns the error of the system.
func (e *DiskError) Unwrap() error { return e.Err }

// freeSpace is the number of bytes this user may still write below dir, -1 when unknown. A folder
// that does not exist (any more) is looked for further up.
func freeSpace(dir string) int64 {
	for {
		var st syscall.Statfs_t
		err := syscall.Statfs(dir, &st)
		if err == nil {
			return int64(uint64(st.Bavail) * uint64(st.Bsize))
		}
		parent := filepath.Dir(dir)
		if parent == dir || !errors.Is(err, syscall.ENOENT) {
			return -1
		}
		dir = parent
	}
}

// sizeText prints a number of bytes for people.
func sizeText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}
