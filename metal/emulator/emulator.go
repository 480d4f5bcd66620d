// Package emulator is a gpu.Driver that executes Metal shaders on the CPU, thread by thread. clang
// compiles the very sources that go to the Mac (as C++ for OpenCL, with headers of ours in place of
// Apple's); a small runtime gives every GPU thread a stack of its own and meets barriers and
// simdgroup operations by switching between them. In check mode every load and store is watched.
//
// Execution needs Linux on x86-64, cgo and clang 15 or newer; elsewhere [Open] says so.
package emulator

import (
	"fmt"
	"sync"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// Mode is how shaders are compiled.
type Mode int

const (
	// Strict spreads simdgroup matrices over the lanes, so that every operation is a meeting.
	Strict Mode = iota
	// Fast lets lane 0 do the matrix work: equal results for kernels without races, several times
	// faster.
	Fast
	// FastMath is Strict with Metal's default math mode: no NaN, no infinity, any order of sums.
	FastMath
	// Check watches every access: bounds, races, uninitialised reads, divergence, misalignment.
	Check
)

var modeNames = []string{"strict", "fast", "fast-math", "check"}

// String is the name of the mode as [ParseMode] takes it.
func (m Mode) String() string { return modeNames[m] }

// ParseMode reads the name of a mode.
func ParseMode(s string) (Mode, error) {
	for i, n := range modeNames {
		if n == s {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("no emulator mode %q; use strict, fast, fast-math or check", s)
}

// Options chooses how the emulator works. The zero value is a strict emulator of a small M1.
type Options struct {
	Mode Mode
	// Random takes the threads of a threadgroup in a new order after each barrier, by Seed.
	Random bool
	// Shuffle runs the dispatches between two Barriers in random order, by Seed.
	Shuffle bool
	Seed    uint64
	// Poison fills threadgroup memory with 0xFF, which is NaN, before each threadgroup.
	Poison bool
	// Workers is the number of threads that run threadgroups, by default one for each processor.
	// Check mode and Observe use one.
	Workers int
	// Limits is what the driver reports and enforces; zero fields take those of a small M1.
	Limits gpu.Limits
	// PipelineThreads, if set, is the most threads a kernel's pipeline takes, as registers limit it
	// on hardware.
	PipelineThreads func(kernel string) int
	// Observe, if set, is told of every dispatch after it ran, in order of execution. Counters are
	// filled by a build of the check kind, which Observe therefore implies for all modes but Fast.
	Observe func(Dispatched)
	Faults  Faults
	// Clang is the compiler to use; by default the first found of clang-19, clang and other
	// versions from 15 on.
	Clang string
	// Cache is the folder of compiled libraries, by default evenkeel/emulator in the user's cache.
	Cache string
}

// Dispatched describes a dispatch that ran.
type Dispatched struct {
	Kernel          string
	Groups, Threads gpu.Size
	Counters        Counters
}

// Counters holds what the threads of a dispatch issued. Loads and stores count lanes, not
// simdgroups; a simdgroup matrix of 8x8 floats loads 256 bytes. They need Observe.
type Counters struct {
	DeviceLoads, DeviceStores                   uint64
	DeviceLoadBytes, DeviceStoreBytes           uint64
	ConstantLoads, ConstantLoadBytes            uint64
	ThreadgroupLoads, ThreadgroupStores         uint64
	ThreadgroupLoadBytes, ThreadgroupStoreBytes uint64
	Atomics                                     uint64
	Matrix                                      uint64 // 8x8x8 products, one a simdgroup
	Barriers, Simd                              uint64 // calls, one a lane
}

// Faults makes the emulator fail on purpose. A nil function never fails.
type Faults struct {
	// Pipeline is asked before a pipeline of the kernel is built.
	Pipeline func(kernel string) error
	// Buffer is asked before a buffer is made; n counts from 0.
	Buffer func(n, bytes int) error
	// Dispatch is asked before each dispatch is run; n counts from 0 since Open. Its error ends the
	// command buffer.
	Dispatch func(n int, kernel string) error
}

// metalError is an error in Metal's own words.
type metalError string

func (e metalError) Error() string { return string(e) }

// The texts are those that Metal gives for a command buffer that failed.
const (
	ErrTimeout     metalError = "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)"
	ErrOutOfMemory metalError = "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"
)

// smallM1 is an M1 with 8 GB: two thirds for the GPU, buffers up to half of it.
var smallM1 = gpu.Limits{
	Name: "Emulator", Family: 7, Memory: 5461 << 20, MaxBuffer: 4 << 30,
	MaxThreads: 1024, Threadgroup: 32 << 10,
}

func (o *Options) defaults(processors int) error {
	if o.Mode < Strict || o.Mode > Check {
		return fmt.Errorf("no emulator mode %d", o.Mode)
	}
	l := &o.Limits
	if l.Name == "" {
		l.Name = smallM1.Name + " (" + o.Mode.String() + ")"
	}
	if l.Family == 0 {
		l.Family = smallM1.Family
	}
	if l.Memory == 0 {
		l.Memory = smallM1.Memory
	}
	if l.MaxBuffer == 0 {
		l.MaxBuffer = min(smallM1.MaxBuffer, l.Memory)
	}
	if l.MaxThreads == 0 {
		l.MaxThreads = smallM1.MaxThreads
	}
	if l.MaxThreads < 1 || l.MaxThreads > 1024 {
		return fmt.Errorf("the emulator takes at most 1024 threads a threadgroup, not %d",
			l.MaxThreads)
	}
	if l.Threadgroup == 0 {
		l.Threadgroup = smallM1.Threadgroup
	}
	if o.Workers <= 0 {
		o.Workers = processors
	}
	if o.Mode == Check || o.Observe != nil {
		o.Workers = 1
	}
	return nil
}

// instrumented tells whether the build calls the runtime at every access.
func (o *Options) instrumented() bool {
	return o.Mode == Check || o.Observe != nil && o.Mode != Fast
}

// Driver is the emulated GPU. Its methods may be called from several goroutines; command buffers
// run one after the other in the order of Commit.
type Driver struct {
	o       Options
	clang   *compiler
	workers []*worker

	mu         sync.Mutex
	last       chan struct{} // closed when the last committed command buffer has ended
	buffers    int
	dispatches int
	interval   uint32 // barriers passed, for the checker
	closed     bool
}

var _ gpu.Driver = (*Driver)(nil)

// Limits reports the emulated GPU.
func (d *Driver) Limits() gpu.Limits { return d.o.Limits }

// Compiler is the first line of clang's version.
func (d *Driver) Compiler() string { return d.clang.version }

// Close waits for running commands and gives the threads' stacks back.
func (d *Driver) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	last := d.last
	d.mu.Unlock()
	if last != nil {
		<-last
	}
	for _, w := range d.workers {
		w.close()
	}
	return nil
}
