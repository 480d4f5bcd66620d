package emulator

import "github.com/evenkeel/evenkeel/metal/device"

var _ device.Failure = ErrTimeout

// Timeout tells whether the commands are said to have taken too long.
func (e metalError) Timeout() bool { return e == ErrTimeout }

// OutOfMemory tells whether the commands are said to have found no room in memory.
func (e metalError) OutOfMemory() bool { return e == ErrOutOfMemory }
