// Command floors holds the tree to the floors of docs/architecture.md. A package
// imports from lower floors, or from packages of its own folder, without cycles;
// a few outside packages are kept to one place each.
//
// It reads import clauses with go/parser, of all files whatever their build
// tags and of tests too, so that a darwin-only import is seen on Linux.
//
// usage: floors [directory of go.mod]
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	os.Exit(run(dir, os.Stdout, os.Stderr))
}

func run(dir string, stdout, stderr io.Writer) int {
	t, err := read(dir)
	if err != nil {
		fmt.Fprintln(stderr, "floors:", err)
		return 2
	}
	problems := t.check()
	for _, p := range problems {
		fmt.Fprintln(stdout, p)
	}
	fmt.Fprintf(stdout, "floors: %d files in %d packages, %d problems\n", len(t.files), len(t.packages()), len(problems))
	if len(problems) > 0 {
		return 1
	}
	return 0
}
