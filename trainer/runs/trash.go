package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// trashName is the folder beside the runs that holds those that were deleted. It is of the same disk, so
// that deleting and restoring are one rename each.
const trashName = ".trash"

// Trash moves the run folder at path into the trash beside it and returns where it is now. A run that
// trains gives an *InUseError.
func Trash(path string) (string, error) {
	if _, err := readMeta(path); err != nil {
		return "", err
	}
	l, err := acquire(path)
	if err != nil {
		return "", err
	}
	defer l.release() // its file is open and moves along
	dir := filepath.Join(filepath.Dir(path), trashName)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", diskError(dir, err)
	}
	to, err := freeName(dir, filepath.Base(path))
	if err == nil {
		err = os.Rename(path, to)
	}
	if err != nil {
		return "", fmt.Errorf("run folder %q could not be moved to the trash: %w", path, err)
	}
	return to, nil
}

// Restore moves a run folder out of the trash, back to where it was, and returns that path.
func Restore(trashed string) (string, error) {
	dir := filepath.Dir(trashed)
	if filepath.Base(dir) != trashName {
		return "", fmt.Errorf("%q is not in the trash", trashed)
	}
	meta, err := readMeta(trashed)
	if err != nil {
		return "", err
	}
	name := filepath.Base(trashed)
	if meta.ID != "" && filepath.IsLocal(meta.ID) && filepath.Base(meta.ID) == meta.ID {
		name = meta.ID
	}
	to, err := freeName(filepath.Dir(dir), name)
	if err == nil {
		err = os.Rename(trashed, to)
	}
	if err != nil {
		return "", fmt.Errorf("run folder %q could not be restored: %w", trashed, err)
	}
	os.Remove(dir) // when it was the last
	return to, nil
}

// Trashed lists the runs in the trash of root, newest first.
func Trashed(root string) ([]Summary, error) { return List(filepath.Join(root, trashName)) }

// DeleteTrashed deletes run folders in the trash for good. A path that lies in no trash is an error, and
// nothing is deleted; one that is gone already is none.
func DeleteTrashed(trashed []string) error {
	for _, path := range trashed {
		if filepath.Base(filepath.Dir(path)) != trashName {
			return fmt.Errorf("%q is not in the trash", path)
		}
	}
	for _, path := range trashed {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("run folder %q could not be deleted from the trash: %w", path, err)
		}
		os.Remove(filepath.Dir(path)) // when it was the last
	}
	return nil
}

// freeName gives a path below dir that nothing has: name, or name with a number.
func freeName(dir, name string) (string, error) {
	for n := 1; n < 1000; n++ {
		path := filepath.Join(dir, name)
		if n > 1 {
			path += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%q has too many folders called %q", dir, name)
}
