package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// creatable tells whether something can be made at path, before the work whose result goes there. It tries
// in the nearest folder that exists, and leaves nothing behind.
func creatable(path string) error {
	dir := filepath.Dir(filepath.Clean(path))
	for {
		_, err := os.Lstat(dir) // a link to nothing is no folder to make one in
		up := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || up == dir {
			break
		}
		dir = up
	}
	return try(dir, path)
}

// writable tells whether a file can be written at path, whose folder has to exist, before the work whose
// result goes there.
func writable(path string) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return fmt.Errorf("%q is a folder; name a file for the result", path)
	case err == nil && !info.Mode().IsRegular():
		return nil // a pipe, which would wait for its reader
	}
	return try(filepath.Dir(path), path)
}

// try makes and removes a file in dir, which stands for one at path.
func try(dir, path string) error {
	f, err := os.CreateTemp(dir, ".evenkeel-*.tmp")
	if err != nil {
		return fmt.Errorf("%q cannot be written: %w; name another place with -o", path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
