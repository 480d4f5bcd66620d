package objcsim

// Ending is how a command buffer ends before it is done: a value of MTLCommandBufferError.
type Ending int

// The endings a training step can meet.
const (
	Timeout     Ending = 2
	OutOfMemory Ending = 8
)

// Faults says what is to go wrong. Each fault happens once and then no more; the zero value asks for
// none.
type Faults struct {
	// NoDevice takes the GPU away; it lasts until the next Inject.
	NoDevice bool
	// Queue refuses the next command queue.
	Queue bool
	// Pipeline names the kernel whose pipeline is rejected.
	Pipeline string
	// Buffer n refuses the n-th buffer asked for from now on, the next being 1.
	Buffer int
	// Dispatch n ends a command buffer at the n-th dispatch from now on, the next being 1: what comes
	// before it in the command buffer runs, itself and what follows do not.
	Dispatch int
	// Ending is how it ends, Timeout unless set.
	Ending Ending
}
