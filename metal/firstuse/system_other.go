//go:build !darwin

package firstuse

import (
	"os"
	"runtime"
	"strings"
)

// system is the operating system with the version of its kernel, where that is to be had.
func system() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(runtime.GOOS + " " + string(release))
}
