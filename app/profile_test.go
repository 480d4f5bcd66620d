package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestProfile records a profile that is whole, leaves the rest of the arguments alone, and does nothing
// without the flag.
func TestProfile(t *testing.T) {
	rest, end, err := profile([]string{"train", profileFlag, "x"})
	if err != nil || !slices.Equal(rest, []string{"train", profileFlag, "x"}) {
		t.Errorf("behind a command: arguments %q, error %v", rest, err)
	} else if err := end(); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "cpu.pprof")
	for _, flag := range [][]string{{profileFlag, path}, {profileFlag + "=" + path}} {
		rest, end, err = profile(append(flag, "train", "--steps", "5"))
		if err != nil || !slices.Equal(rest, []string{"train", "--steps", "5"}) {
			t.Fatalf("arguments %q, error %v", rest, err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(text), "\x1f\x8b") {
			t.Errorf("the profile begins with %q, error %v; want a gzip header", text[:min(2, len(text))], err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProfileErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{profileFlag}, "names no file"},
		{[]string{profileFlag + "="}, "names no file"},
		{[]string{profileFlag, filepath.Join(t.TempDir(), "none", "cpu.pprof")}, "cannot be written"},
	} {
		if _, _, err := profile(c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.args, err, c.want)
		}
	}
	if status := run([]string{profileFlag}); status != 2 {
		t.Errorf("a mistake on the command line ends with status %d, want 2", status)
	}
}
