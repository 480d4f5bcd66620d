//go:build !linux || !amd64 || !cgo

package emulator

import (
	"errors"
	"unsafe"
)

// Open explains that execution needs another platform.
func Open(Options) (*Driver, error) {
	return nil, errors.New("the emulator runs on Linux with x86-64 in builds with cgo only; " +
		"use the CPU device here")
}

type worker struct{}

func (*worker) close() {}

type loaded struct{}

func load(string, *image) (*loaded, error)   { return nil, errClosed }
func (*loaded) close()                       {}
func (*loaded) symbol(string) unsafe.Pointer { return nil }

func allocate(int) (whole, memory []byte, err error) { return nil, nil, errClosed }
func free([]byte)                                    {}

func (d *Driver) execute([]dispatch) error { return errClosed }
