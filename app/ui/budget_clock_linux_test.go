package ui

import (
	"syscall"
	"time"
	"unsafe"
)

// threadTime is the processor time of this thread: unlike the clock it does not count what other programs
// on the machine do. Getrusage would tell it only to a tick of the scheduler.
func threadTime() time.Duration {
	const threadClock = 3 // CLOCK_THREAD_CPUTIME_ID
	var t syscall.Timespec
	_, _, failed := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&t)), 0)
	if failed != 0 {
		panic(failed)
	}
	return time.Duration(t.Nano())
}
