// Package device holds the interfaces between a training loop and whatever runs its graphs: a Device
// owns memory and workers, a State holds what outlives a step, a Program is a graph ready to run.
// It imports only model/graph. Implementations live beside it under metal.
package device

import "github.com/evenkeel/evenkeel/model/graph"

// Info describes a device for people and for the fingerprint of a run.
type Info struct {
	Kind    string // "cpu", "gpu", "emulator", "reference"
	Name    string // processor or GPU as the system names it
	Detail  string // matrix library, kernel set
	Threads int    // 0 where it means nothing
	Memory  uint64 // bytes the device may use, 0 when unknown
	// SameBits tells whether a run repeats bit for bit on this machine at any thread count.
	SameBits bool
}

// Arena names one of the four parallel stores of a state.
type Arena uint8

// The arenas: parameters, gradients, first and second moments of AdamW.
const (
	Params Arena = iota
	Grads
	Moment1
	Moment2
)

// Slots is the number of runs that may be in flight: how many times Submit can be called on a Program
// before the oldest Ticket must have been waited for.
const Slots = 4

// Device runs graphs. It is used from one goroutine at a time unless said otherwise.
type Device interface {
	Info() Info
	// NewState makes a zeroed state.
	NewState(*graph.Schema) (State, error)
	// Compile prepares a graph over a state of the same schema. All memory a run needs is taken here.
	Compile(*graph.Graph, State) (Program, error)
	Close() error
}

// State holds parameters, gradients, moments and caches.
type State interface {
	// Read copies parameter number param of an arena into dst, which has the parameter's length.
	Read(a Arena, param int, dst []float32) error
	// Write copies src into parameter number param of an arena.
	Write(a Arena, param int, src []float32) error
	Close() error
}

// Ticket numbers a submitted run.
type Ticket uint64

// Program is a compiled graph.
type Program interface {
	// Submit copies the inputs (laid out by Tensor.Offset) and starts a run. It allocates nothing.
	Submit(ints []int32, floats []float32) (Ticket, error)
	// Wait blocks until the run is done and copies its metrics vector (nil to discard it). Runs are
	// waited for in the order of submission.
	Wait(t Ticket, metrics []float32) error
	// Output copies a tensor that the graph keeps, as the last finished run left it.
	Output(name string, dst []float32) error
	Close() error
}

// Exact is implemented by devices that compute in float64 (metal/reference): State and Program then
// also read and write without rounding.
type Exact interface {
	Read64(a Arena, param int, dst []float64) error
	Write64(a Arena, param int, src []float64) error
}

// ExactProgram reads results of a float64 program without rounding.
type ExactProgram interface {
	Wait64(t Ticket, metrics []float64) error
	Output64(name string, dst []float64) error
}
