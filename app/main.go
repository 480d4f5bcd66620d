// Command evenkeel trains small transformer language models and shows what the place of the norms does
// to them. Without arguments it opens the window; with a subcommand it works without one.
package main

import (
	"context"
	"os"
	"strings"

	"github.com/evenkeel/evenkeel/app/cli"
	_ "github.com/evenkeel/evenkeel/app/locale" // before Fyne reads the locale
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && strings.HasPrefix(args[0], "-psn_") {
		args = args[1:] // older Finders name their process when they open an app
	}
	if len(args) == 0 {
		os.Exit(window(os.Stderr))
	}
	os.Exit(cli.Main(context.Background(), args, os.Stdin, os.Stdout, os.Stderr))
}
