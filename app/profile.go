package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
)

// profileFlag comes before the command, because it is about the process: it works for the window too.
const profileFlag = "--profile"

// profile takes "--profile FILE" off the front of the arguments and records what takes processor time from
// then on. end writes the rest to FILE, which `go tool pprof` reads; without the flag it does nothing.
func profile(args []string) (rest []string, end func() error, err error) {
	if len(args) == 0 || args[0] != profileFlag {
		return args, func() error { return nil }, nil
	}
	if len(args) == 1 {
		return nil, nil, errors.New("--profile names no file; evenkeel --profile FILE [COMMAND]")
	}
	file, err := os.Create(args[1])
	if err != nil {
		return nil, nil, fmt.Errorf("the CPU profile cannot be written: %w; name a file in a folder of yours", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the CPU profile cannot be taken: %w", err), file.Close())
	}
	end = func() error {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			return fmt.Errorf("the CPU profile %s is not whole: %w; make room on its disk and repeat", args[1], err)
		}
		return nil
	}
	return args[2:], end, nil
}
