// Command evenkeel trains small transformer language models and shows what the place of the norms does
// to them. Without arguments it opens the window; with a subcommand it works without one.
package main

import (
	"context"
	"errors"
	"fmt"
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
	os.Exit(run(args))
}

// run returns the exit status.
func run(args []string) (status int) {
	args, end, err := profile(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "evenkeel:", err)
		if errors.Is(err, errNoProfile) {
			return 2
		}
		return 1
	}
	if len(args) == 0 {
		status = window(os.Stderr)
	} else {
		status = cli.Main(context.Background(), args, os.Stdin, os.Stdout, os.Stderr)
	}
	if err := end(); err != nil {
		fmt.Fprintln(os.Stderr, "evenkeel:", err)
		status = max(status, 1)
	}
	return status
}
