package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// asCommand makes the test program the command itself, for what only a process of its own can show.
const asCommand = "EVENKEEL_TEST_COMMAND"

// lost is an output of which nothing arrives.
type lost struct{ err error }

func (l lost) Write([]byte) (int, error) { return 0, l.err }

// TestOutputLost: a result that went nowhere is a failure, except for a reader that has had enough.
func TestOutputLost(t *testing.T) {
	dir, _ := trained()
	run := theRun(t, dir)
	for _, line := range []string{
		"runs --runs " + dir, "eval --batches 1 " + run, "sample --tokens 2 " + run, "variants", "version", "help", "chart --help",
	} {
		for err, want := range map[error]int{
			syscall.ENOSPC: exitFailed, fmt.Errorf("write: %w", syscall.EPIPE): exitOK,
		} {
			var says bytes.Buffer
			status := Main(t.Context(), strings.Fields(line), nil, lost{err}, &says)
			if status != want || (want == exitFailed) != strings.Contains(says.String(), "could not be written: no space") {
				t.Errorf("evenkeel %s with %v: status %d, want %d; it says %q", line, err, status, want, &says)
			}
		}
	}
}

// TestHangUp: the terminal goes away, the shell says so once more, and the checkpoint is written.
func TestHangUp(t *testing.T) {
	dir := t.TempDir()
	sent := 0 // the second comes with the last step, before the charts
	watch := &interrupter{at: "step ", stop: func() {
		if sent++; sent > 2 {
			return
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Error(err)
		}
	}}
	args := append([]string{"train", "--runs", dir, "--steps", "1000000"}, small...)
	if status := Main(t.Context(), args, nil, watch, watch); status != exitFailed {
		t.Errorf("status %d:\n%s", status, watch)
	}
	if sent < 2 {
		t.Errorf("%d hang-ups were sent, want 2:\n%s", sent, watch)
	}
	run, err := runs.Open(theRun(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if _, err := run.Latest(); err != nil || run.Status() != runs.Stopped {
		t.Errorf("the run is %s, %v", run.Status(), err)
	}
}

// TestClosedPipe: training goes on when nobody reads what it prints.
func TestClosedPipe(t *testing.T) {
	for _, args := range [][]string{
		{"train"}, {"race", "--variants", "pre", "--seeds", "1", "-o", filepath.Join(t.TempDir(), "report")},
	} {
		dir := t.TempDir()
		args = append(append(args, "--runs", dir, "--steps", "3"), small...)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		c := exec.CommandContext(t.Context(), os.Args[0], args...)
		var says bytes.Buffer
		c.Env, c.Stdout, c.Stderr = append(os.Environ(), asCommand+"=1"), w, &says
		if err := c.Run(); err != nil {
			t.Errorf("%s: %v\n%s", args[0], err, &says)
		}
		w.Close()
		run, err := runs.Summarize(theRun(t, dir))
		if err != nil || run.Status != runs.Done {
			t.Errorf("%s: the run is %s, %v", args[0], run.Status, err)
		}
	}
}

func TestHarmless(t *testing.T) {
	if got, want := harmless("a\tb\n\x1b[31m\x07\x7f\u009bé"), "a\tb\n�[31m���é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e := &env{out: &bytes.Buffer{}}
	if got := e.shown("\x1b"); got != "\x1b" {
		t.Errorf("a file gets %q", got)
	}
}

func TestTargets(t *testing.T) {
	dir := t.TempDir()
	file, fifo, link := filepath.Join(dir, "file"), filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	gone := filepath.Join(dir, "gone")
	err := errors.Join(os.WriteFile(file, []byte("kept"), 0o644), syscall.Mkfifo(fifo, 0o644), os.Symlink(file, link),
		os.Symlink("missing", gone))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path                string
		writable, creatable bool
	}{
		{file, true, true},
		{fifo, true, true},
		{link, true, true},
		{dir, false, true},
		{filepath.Join(dir, "new"), true, true},
		{filepath.Join(dir, "new", "deep", "x"), false, true},
		{filepath.Join(gone, "x"), false, false},
		{filepath.Join(file, "x"), false, false},
		{filepath.Join(file, "deep", "x"), false, false},
	} {
		if err := writable(c.path); (err == nil) != c.writable {
			t.Errorf("writable(%q): %v", c.path, err)
		}
		if err := creatable(c.path); (err == nil) != c.creatable {
			t.Errorf("creatable(%q): %v", c.path, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 4 {
		t.Errorf("%d entries are left, %v", len(entries), err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "kept" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	for _, line := range [][]string{
		append([]string{"race", "--seeds", "1", "--steps", "1", "--runs", dir, "-o", gone + "/x"}, small...),
		{"study", "theorem1", "--seeds", "1", "-o", gone + "/x.png"},
	} {
		if status, out, says := cli(t, "", line...); status != exitFailed || out != "" || !strings.Contains(says, "-o") {
			t.Errorf("%s: status %d, %s%s", line[0], status, out, says)
		}
	}
}
