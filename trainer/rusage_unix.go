//go:build unix

package trainer

import (
	"runtime"
	"syscall"
)

// peakMB is the largest resident size of the process so far, in MiB.
func peakMB() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss >> 20 // bytes there
	}
	return u.Maxrss >> 10
}
