//go:build !darwin

package ui

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestXclip gives a picture to a program in xclip's place and looks at what it was told, and at what is
// said when it fails.
func TestXclip(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv("DISPLAY", ":7")
	if systemClipboard() != nil {
		t.Error("there is a clipboard without xclip")
	}
	program := filepath.Join(dir, "xclip")
	script := func(body string) {
		t.Helper()
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Reads all it is given without other programs, which are not on the path.
	script(`echo "$@" >"$0.args"
while IFS= read -r line; do printf '%s\n' "$line"; done >"$0.in"
`)
	clip := systemClipboard()
	if clip == nil || clip.onMain {
		t.Fatalf("the clipboard is %+v", clip)
	}
	picture := []byte(strings.Repeat("a line of a picture\n", 50_000))
	if err := clip.set(picture); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(program + ".in"); err != nil || !bytes.Equal(got, picture) {
		t.Errorf("%d of %d bytes arrived, %v", len(got), len(picture), err)
	}
	if args, _ := os.ReadFile(program + ".args"); string(args) != "-selection clipboard -t image/png -i\n" {
		t.Errorf("xclip was called with %q", args)
	}
	script("exit 3\n")
	if err := clip.set([]byte("x")); err == nil || !strings.Contains(err.Error(), "exit status 3") ||
		!strings.Contains(err.Error(), "save it as a file") {
		t.Errorf("a failure is said as %v", err)
	}
	t.Setenv("DISPLAY", "")
	if systemClipboard() != nil {
		t.Error("there is a clipboard without a display")
	}
}
