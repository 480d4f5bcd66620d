package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// outlasting are the commands that keep work worth more than their output: they go on when nobody reads
// it any more, and a terminal that goes away ends them as the first interrupt does.
var outlasting = []string{"train", "resume", "race"}

// listen gives a context that the first interrupt, request to end or hang-up ends. From there on an
// interrupt has its default effect. stop gives up listening.
func listen(ctx context.Context, command string) (_ context.Context, stop func()) {
	first := []os.Signal{os.Interrupt, syscall.SIGTERM}
	var kept []os.Signal                 // caught to the end
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it, and Notify would undo that
		first = append(first, syscall.SIGHUP)
		kept = append(kept, syscall.SIGHUP) // the shell sends it again, into the writing of the checkpoint
	}
	ctx, cancel := signal.NotifyContext(ctx, first...)
	context.AfterFunc(ctx, cancel)
	if !slices.Contains(outlasting, command) {
		return ctx, cancel
	}
	lost := make(chan os.Signal, 1) // never read: what counts is that the default effect is off
	signal.Notify(lost, append(kept, syscall.SIGPIPE)...)
	return ctx, func() {
		cancel()
		signal.Stop(lost)
	}
}
