package device

// Shrinker is implemented by devices whose runs are cut into command buffers that the system may end
// when one takes too long. After a [Failure] a training loop asks for smaller ones and tries again.
type Shrinker interface {
	// Smaller makes command buffers smaller from now on, in programs that are already compiled too.
	// It returns false, and changes nothing, when each holds a single dispatch already.
	Smaller() bool
}

// Failure is how Wait or Submit tells that the hardware or the system refused or ended a run, as
// opposed to a mistake in what was asked for; find it with errors.As. What the run would have written
// is then undefined, in the state too, and so are the runs in flight behind it, whose Wait gives the
// same failure. Device, state and program stay usable: wait for what is in flight, write parameters,
// gradients and moments of a known good step, then submit again.
type Failure interface {
	error
	// Timeout tells that the run took longer than the system lets it: smaller command buffers may do.
	Timeout() bool
	// OutOfMemory tells that the system had no memory for the run.
	OutOfMemory() bool
}
