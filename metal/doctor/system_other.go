//go:build !darwin

package doctor

import (
	"os"
	"runtime"
	"strings"
)

// System is the operating system with the version of its kernel, where that is to be had.
func System() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(runtime.GOOS + " " + string(release))
}
