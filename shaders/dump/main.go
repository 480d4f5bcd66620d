// Command dump writes the shader sources that are compiled at run time to a folder, one file a family,
// and prints the files. It is `evenkeel shaders --dump` for a machine on which the app does not build,
// or not yet: it needs neither cgo nor any module.
//
//	CGO_ENABLED=0 go run ./shaders/dump build/shaders
package main

import (
	"fmt"
	"os"

	"github.com/evenkeel/evenkeel/shaders"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dump DIR")
		os.Exit(2)
	}
	files, err := shaders.Dump(os.Args[1])
	for _, f := range files {
		fmt.Println(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dump:", err)
		os.Exit(1)
	}
}
