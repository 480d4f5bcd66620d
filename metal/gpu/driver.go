// Package gpu runs the graphs of model/graph on a GPU. It speaks to the hardware through the small
// [Driver] interface, which has two implementations: metal/mtl on a Mac, and metal/emulator, which
// executes the same shader sources on the CPU.
package gpu

import "time"

// Limits is what a GPU reports about itself.
type Limits struct {
	Name        string
	Family      int    // Apple GPU family: 7 is M1, 8 M2, 9 M3 and M4
	Memory      uint64 // bytes the GPU can use without being slowed by the system
	MaxBuffer   uint64 // largest single buffer, bytes
	MaxThreads  int    // in a threadgroup, before a pipeline's own limit
	Threadgroup int    // bytes of threadgroup memory
}

// Driver makes the objects a device needs. Every object is closed once by its owner; errors carry the
// system's own text.
type Driver interface {
	Limits() Limits
	// Buffer takes zeroed memory that CPU and GPU share.
	Buffer(bytes int) (Buffer, error)
	// Compile builds one library. name is the shader file, for messages.
	Compile(name, source string) (Library, error)
	// Commands begins a command buffer with one compute encoder of concurrent type.
	Commands() (Commands, error)
	Close() error
}

// Buffer is memory shared by CPU and GPU.
type Buffer interface {
	// Bytes is the memory itself. It is not Go's, dies with Close, and must not be touched while
	// commands that use it run.
	Bytes() []byte
	Close()
}

// Constant is the value of a function constant: a bool, int32, uint32 or float32.
type Constant struct {
	Index int
	Value any
}

// Library is compiled source.
type Library interface {
	Pipeline(kernel string, constants ...Constant) (Pipeline, error)
	Close()
}

// Pipeline is a kernel ready to run.
type Pipeline interface {
	// MaxThreads is the largest threadgroup this kernel can have.
	MaxThreads() int
	// Threadgroup is the static threadgroup memory in bytes.
	Threadgroup() int
	Close()
}

// Size counts threadgroups or threads in three dimensions.
type Size struct{ X, Y, Z int }

// Commands is a command buffer being encoded. Errors of encoding are kept and come with Commit.
type Commands interface {
	Pipeline(p Pipeline)
	// Buffers binds buffers at consecutive indices from first on, each from a byte offset.
	Buffers(first int, buffers []Buffer, offsets []int)
	// Bytes copies at most 4,095 bytes of arguments to an index.
	Bytes(index int, data []byte)
	// Threadgroup sets the dynamic threadgroup memory of an index, a multiple of 16 bytes.
	Threadgroup(index, bytes int)
	// Dispatch runs groups threadgroups of threads threads. Dispatches run concurrently until a
	// Barrier.
	Dispatch(groups, threads Size)
	// Barrier makes what was written before visible to what comes after.
	Barrier()
	// Commit starts the commands.
	Commit() (Pending, error)
}

// Pending is a command buffer at work.
type Pending interface {
	// Wait blocks until it is done and returns the time the GPU spent.
	Wait() (time.Duration, error)
}
