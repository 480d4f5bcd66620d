//go:build objcsim && !darwin

package objcsim

// #include "sim.h"
import "C"

import (
	"sync"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

func init() { C.sim_start() }

// state is what tests set and the classes ask for.
var state struct {
	sync.Mutex
	backend gpu.Driver
	faults  Faults
	options Options
}

// Options are those the last library was compiled with.
type Options struct {
	FastMath bool
	Language int // MTLLanguageVersion: the major version times 65536, plus the minor
}

// Use makes backend the GPU behind the stand-in device. It stays the caller's to close. Without one
// there is no Metal device.
func Use(backend gpu.Driver) {
	state.Lock()
	defer state.Unlock()
	state.backend = backend
}

// Inject replaces the faults that are still to happen.
func Inject(f Faults) {
	state.Lock()
	defer state.Unlock()
	if f.Ending == 0 {
		f.Ending = Timeout
	}
	state.faults = f
}

// Live is how many objects of the stand-in classes exist.
func Live() int { return int(C.sim_live()) }

// Messages is how many messages command buffers and encoders got since the start, memory management
// apart.
func Messages() int { return int(C.sim_messages()) }

// WithoutPool is how many objects were autoreleased where no pool was, and so leaked. The log on
// standard error names each.
func WithoutPool() int { return int(C.sim_without_pool()) }

// LastOptions tells how the last library was compiled.
func LastOptions() Options {
	state.Lock()
	defer state.Unlock()
	return state.options
}

// take tells whether a fault is due for the n-th thing, counting down.
func take(n *int) bool {
	state.Lock()
	defer state.Unlock()
	if *n > 0 {
		*n--
		return *n == 0
	}
	return false
}

// device is the backend, nil when there is no GPU.
func device() gpu.Driver {
	state.Lock()
	defer state.Unlock()
	if state.faults.NoDevice {
		return nil
	}
	return state.backend
}

// rejects tells whether the pipeline of a kernel is to fail.
func rejects(kernel string) bool {
	state.Lock()
	defer state.Unlock()
	if kernel == "" || state.faults.Pipeline != kernel {
		return false
	}
	state.faults.Pipeline = ""
	return true
}
