package assets

import (
	"archive/tar"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// example is made by tools/example.sh.
//
//go:embed example/runs.tar.gz
var example string

// Example writes the runs that come with the app into dir, one folder each: a small model that was trained
// with its norms in three places. The files are synced; dir must exist, and hold none of them.
func Example(dir string) error { return unpack(strings.NewReader(example), dir) }

// unpack writes the regular files of a compressed archive below dir.
func unpack(from io.Reader, dir string) error {
	zip, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	archive := tar.NewReader(zip)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(h.Name)
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			return fmt.Errorf("the archive holds %q, which is no file below a folder", h.Name)
		}
		if err := writeFile(filepath.Join(dir, name), archive); err != nil {
			return err
		}
	}
}

func writeFile(path string, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
