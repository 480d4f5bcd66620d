package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// content fails the test unless dir holds exactly the file name with the given text.
func content(t *testing.T, dir, name, text string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || string(got) != text {
		t.Errorf("%s holds %q (%v), want %q", name, got, err, text)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v (%v), want only %s", entries, err, name)
	}
}

func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	for _, text := range []string{"first", "second, longer", ""} {
		if err := WriteBytes(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		content(t, dir, "a.json", text)
	}
}

// failing is a file whose Write or Sync fails.
type failing struct {
	File
	write, sync error
}

func (f failing) Write(p []byte) (int, error) {
	if f.write != nil {
		return 0, f.write
	}
	return f.File.Write(p)
}

func (f failing) Sync() error { return errors.Join(f.sync, f.File.Sync()) }

func TestFailureKeepsOldFile(t *testing.T) {
	boom := errors.New("boom")
	cases := map[string]struct {
		create Create
		body   error
	}{
		"body":   {OS, boom},
		"create": {func(string) (File, error) { return nil, boom }, nil},
		"write": {func(p string) (File, error) {
			f, err := OS(p)
			return failing{File: f, write: boom}, err
		}, nil},
		"sync": {func(p string) (File, error) {
			f, err := OS(p)
			return failing{File: f, sync: boom}, err
		}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.json")
			if err := WriteBytes(path, []byte("old")); err != nil {
				t.Fatal(err)
			}
			err := WriteWith(c.create, path, func(w io.Writer) error {
				if _, err := io.WriteString(w, "new"); err != nil {
					return err
				}
				return c.body
			})
			if !errors.Is(err, boom) {
				t.Errorf("error %v, want boom", err)
			}
			content(t, dir, "a.json", "old")
		})
	}
}
