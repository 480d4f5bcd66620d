package assets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archived compresses files into an archive.
func archived(t *testing.T, files ...tar.Header) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for _, h := range files {
		if h.Typeflag == tar.TypeReg {
			h.Size = 3
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("abc")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// TestUnpack writes what an archive holds, and nothing outside its folder or over another file.
func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	good := tar.Header{Name: "a/b/c.txt", Typeflag: tar.TypeReg, Mode: 0o644}
	if err := unpack(archived(t, good), dir); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a", "b", "c.txt")); err != nil || string(b) != "abc" {
		t.Errorf("the file says %q: %v", b, err)
	}
	if err := unpack(archived(t, good), dir); err == nil {
		t.Error("a file was written over another")
	}
	for _, bad := range []tar.Header{
		{Name: "../outside", Typeflag: tar.TypeReg},
		{Name: "/outside", Typeflag: tar.TypeReg},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
	} {
		if err := unpack(archived(t, bad), t.TempDir()); err == nil || !strings.Contains(err.Error(), bad.Name) {
			t.Errorf("%q: %v", bad.Name, err)
		}
	}
	whole := archived(t, good).Bytes()
	if err := unpack(bytes.NewReader(whole[:len(whole)/2]), t.TempDir()); err == nil {
		t.Error("half an archive was taken for a whole one")
	}
}
