package device

import (
	"context"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Builder is implemented by devices on which Compile may take seconds, because kernels are built for
// the machine: Build does that part ahead of Compile, in a way that can be watched and cancelled.
type Builder interface {
	// Build makes what a graph needs and is not there yet. progress, which may be nil, is called from
	// other goroutines, one call at a time. A rejected kernel gives an error for the graphs that need
	// it and leaves all others alone.
	Build(ctx context.Context, g *graph.Graph, progress func(done, total int)) error
}
