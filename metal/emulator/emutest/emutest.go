// Package emutest says what a test does where the emulator cannot run: it is skipped with a sentence on a
// machine of a person who lacks clang, or has another system, and fails where it is expected to run, in
// continuous integration on Linux and x86-64, because a check that is always skipped checks nothing.
package emutest

import (
	"os"
	"runtime"
	"testing"
)

// Need goes on when err, of opening the emulator, is nil.
func Need(t testing.TB, err error) {
	t.Helper()
	need(t, err, runtime.GOOS+"/"+runtime.GOARCH, os.Getenv("CI"))
}

func need(t testing.TB, err error, platform, ci string) {
	t.Helper()
	switch {
	case err == nil:
	case ci == "true" && platform == "linux/amd64":
		t.Fatalf("the emulator must run here, since CI is true: %v", err)
	default:
		t.Skipf("the emulator cannot run here: %v", err)
	}
}
