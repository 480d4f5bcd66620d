//go:build unix

package chart

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestExportHeedsUmaskAndLinks writes through a link, which stays, a picture nobody else may read.
func TestExportHeedsUmaskAndLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "chart.svg"), filepath.Join(dir, "link.svg")
	if err := os.Symlink("chart.svg", link); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0o077))
	if err := Export(lossLines(1, 10, false), link, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(file); err != nil || info.Mode() != 0o600 || info.Size() == 0 {
		t.Errorf("the picture is %v, %v; want mode 0600", info, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
}
