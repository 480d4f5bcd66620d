// Command darwincheck type-checks the darwin/arm64 build, cgo on, on a machine
// that has neither macOS SDK nor a C compiler for it, and then enforces the
// rules for sending Objective-C messages through darwinkit.
//
// It asks "go list" for the files that build would use and runs go/types over
// them from source, dependencies included. Files that import "C" are checked as
// they stand: every C.name is accepted unseen, all other code in them is
// checked. Function bodies of dependencies are skipped.
//
// When the packages are ./... it also walks the tree and reports any file that the
// build constraints select and the check did not see.
//
// usage: darwincheck [-C dir] [-tags list] [-test] [-files] packages...
//
// Every problem is one line, file:line:column, the rule in brackets, the reason.
// The exit status is 0 when there are none, 1 when there are, 2 when nothing
// could be checked.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("darwincheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var c config
	flags.StringVar(&c.dir, "C", ".", "run in this `directory`")
	flags.StringVar(&c.tags, "tags", "", "build tags, comma-separated")
	flags.BoolVar(&c.tests, "test", false, "check test files too")
	names := flags.Bool("files", false, "print the files that are checked in full")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	c.patterns = flags.Args()
	if len(c.patterns) == 0 {
		c.patterns = []string{"./..."}
	}
	start := time.Now()
	r, err := check(c)
	if err != nil {
		fmt.Fprintln(stderr, "darwincheck:", err)
		return 2
	}
	if *names {
		for _, f := range r.files {
			fmt.Fprintln(stdout, f)
		}
	}
	for _, p := range r.problems {
		fmt.Fprintln(stdout, p)
	}
	fmt.Fprintf(stdout, "darwincheck: %d packages checked in full (%d files), %d loaded (%d with cgo), %d problems, %.1f s\n",
		r.full, len(r.files), r.loaded, r.cgo, len(r.problems), time.Since(start).Seconds())
	switch {
	case r.full == 0:
		fmt.Fprintln(stderr, "darwincheck: no package matches", c.patterns)
		return 2
	case len(r.problems) > 0:
		return 1
	}
	return 0
}
