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

// OS is the Create of the real file system; the mode is 0666 less the umask.
func OS(path string) (File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// Write replaces the file at path with what body writes. The bytes go to a temporary file in the
// same folder, which is synced, renamed over path, and made durable by syncing the folder. On any
// error the temporary file is removed and path is as it was. A symbolic link stays one: the file it
// leads to is replaced. What is no file, such as a pipe or a device, is written into as it stands.
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
	path, into, err := target(path)
	if err != nil {
		return err
	}
	if into {
		return writeInto(path, body)
	}
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

// mostLinks is how many links in a row Linux follows.
const mostLinks = 40

// target follows path to the name that is to be replaced. into is set when path is to be written into
// instead: it exists and is no regular file, or it is one that has no name, as an open file that was
// deleted and is reached through /dev/stdout.
func target(path string) (name string, into bool, err error) {
	at, err := os.Stat(path)
	exists := err == nil
	if exists && !at.Mode().IsRegular() {
		return path, true, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", false, err
	}
	name = path
	for range mostLinks {
		link, err := os.Readlink(name)
		if err != nil { // no link, or nothing there yet
			break
		}
		if !filepath.IsAbs(link) {
			dir, _ := filepath.Split(name)
			link = dir + link // not cleaned: ".." after a linked folder is that folder's parent
		}
		name = link
	}
	if named, err := os.Stat(name); exists && (err != nil || !os.SameFile(at, named)) {
		return path, true, nil
	}
	return name, false, nil
}

// writeInto writes to what is there already. Pipes and terminals cannot be synced, and need not be.
func writeInto(path string, body func(w io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, bufferSize)
	if err := body(w); err != nil {
		return err
	}
	return w.Flush()
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
