//go:build unix

package atomicfile

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWriteKeepsLinks replaces what a link leads to, whether it is there yet or not.
func TestWriteKeepsLinks(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"links", "files"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file, link := filepath.Join(dir, "files", "a.csv"), filepath.Join(dir, "links", "l")
	if err := os.Symlink(filepath.Join("..", "files", "a.csv"), link); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(dir, "links", "m")
	if err := os.Symlink("l", second); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, text string }{{link, "first"}, {second, "second"}, {file, "third"}} {
		if err := WriteBytes(c.path, []byte(c.text)); err != nil {
			t.Fatal(err)
		}
		content(t, filepath.Join(dir, "files"), "a.csv", c.text)
	}
	for _, l := range []string{link, second} {
		if info, err := os.Lstat(l); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", l, info, err)
		}
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := WriteBytes(loop, nil); err == nil {
		t.Error("a link to itself was written to")
	}
}

// TestWriteIntoPipe leaves a pipe where it is, also behind a link, and puts everything through it.
func TestWriteIntoPipe(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link} {
		in, err := os.OpenFile(pipe, os.O_RDWR, 0) // both ends, so that nothing waits
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteBytes(path, []byte("rows")); err != nil {
			t.Error(err)
		} else {
			got := make([]byte, 4)
			if _, err := io.ReadFull(in, got); err != nil || string(got) != "rows" {
				t.Errorf("%q came through, %v", got, err)
			}
		}
		in.Close()
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is no pipe any more: %v, %v", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestWriteHeedsUmask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	defer syscall.Umask(syscall.Umask(0o027))
	if err := WriteBytes(path, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
}
