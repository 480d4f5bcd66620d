//go:build !linux

package ui

import "time"

var began = time.Now()

// threadTime is the clock, where the processor time of a thread cannot be had.
func threadTime() time.Duration { return time.Since(began) }
