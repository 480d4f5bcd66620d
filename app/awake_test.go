//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAwake lets a stand-in for caffeinate say how it was called, and looks whether it is gone after.
func TestAwake(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	if err := syscall.Mkfifo(said, 0o600); err != nil {
		t.Skip(err)
	}
	script := "#!/bin/sh\necho \"$$ $*\" >" + said + "\nexec /bin/sleep 600\n"
	if err := os.WriteFile(filepath.Join(dir, "caffeinate"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	var a awake
	for range 2 {
		a.set(true)
		line, err := os.ReadFile(said) // waits for the script
		if err != nil {
			t.Fatal(err)
		}
		pid, args, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if want := fmt.Sprintf("-i -w %d", os.Getpid()); args != want {
			t.Errorf("called with %q, want %q", args, want)
		}
		a.set(true) // no second one: nobody reads what it would say
		a.follow()
		if pid != fmt.Sprint(a.cmd.Process.Pid) {
			t.Errorf("process %s was started, %d is kept", pid, a.cmd.Process.Pid)
		}
		process := a.cmd.Process
		a.want.Store(false)
		a.follow()
		if err := process.Signal(syscall.Signal(0)); err == nil || a.cmd != nil {
			t.Error("the command runs on")
		}
	}
}

// TestAwakeWithoutTheCommand has nothing to start and says nothing.
func TestAwakeWithoutTheCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var a awake
	for _, on := range []bool{true, false} {
		a.want.Store(on)
		a.follow()
		if a.cmd != nil {
			t.Error("something was started")
		}
	}
}
