// Package atomicfile replaces a file whole or not at all. A reader, or the next start after a
// crash or a power cut, finds either the old content or the new one, never a mixture. It depends
// on the standard library only.
package atomicfile

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// bufferSize is large enough that small writes of a body cost no system call each.
const bufferSize = 1 << 16

// File is what a body is written to.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// Create opens a new file for writing and fails when path exists.
type Create func(path string) (File, error)

// OS is the Create of the real file system; the mode is 0644 less the umask.
func OS(path string) (File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
}

// Write replaces the file at path with what body writes. The bytes go to a temporary file in the
// same folder, which is synced, renamed over path, and made durable by syncing the folder. On any
// error the temporary file is removed and path is as it was.
func Write(path string, body func(w io.Writer) error) error {
	return WriteWith(OS, path, body)
}

// WriteBytes is Write for content that is already in memory.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteWith is Write with another way to open the temporary file.
func WriteWith(create Create, path string, body func(w io.Writer) error) (err error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("no random name for the temporary file of %q: %w", path, err)
	}
	dir, base := filepath.Split(path)
	temp := dir + "." + base + "." + hex.EncodeToString(random[:]) + ".tmp"
	f, err := create(temp)
	if err != nil {
		return err
	}
	open := true
	defer func() {
		if open {
			err = errors.Join(err, f.Close())
		}
		if temp != "" {
			os.Remove(temp)
		}
	}()
	w := bufio.NewWriterSize(f, bufferSize)
	if err := body(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	open = false
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	temp = ""
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the creations, renames and removals in folder dir durable. A file system that
// cannot sync folders is taken to need none.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
