package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
)

// profileFlag comes before the command, because it is about the process: it works for the window too.
const profileFlag = "--profile"

// errNoProfile is a mistake on the command line.
var errNoProfile = errors.New("--profile names no file; evenkeel --profile FILE [COMMAND]")

// profile takes "--profile FILE" or "--profile=FILE" off the front of the arguments and records what takes processor time from
// then on. end writes the rest to FILE, which `go tool pprof` reads; without the flag it does nothing.
func profile(args []string) (rest []string, end func() error, err error) {
	first, rest := "", args
	if len(args) > 0 {
		first, rest = args[0], args[1:]
	}
	name, joined := strings.CutPrefix(first, profileFlag+"=")
	switch {
	case !joined && first != profileFlag:
		return args, func() error { return nil }, nil
	case joined:
	case len(rest) > 0:
		name, rest = rest[0], rest[1:]
	default:
		return nil, nil, errNoProfile
	}
	if name == "" {
		return nil, nil, errNoProfile
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, nil, fmt.Errorf("the CPU profile cannot be written: %w; name a file in a folder of yours", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the CPU profile cannot be taken: %w", err), file.Close())
	}
	end = func() error {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			return fmt.Errorf("the CPU profile %s is not whole: %w; make room on its disk and repeat", name, err)
		}
		return nil
	}
	return rest, end, nil
}
