// Package metal opens the devices that can run a training step, by name, and lists those of this
// machine. It is the only package that knows all implementations under its folder; everything above
// works with the interfaces of metal/device.
package metal

import (
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/metal/cpu"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/mtl"
	"github.com/evenkeel/evenkeel/metal/reference"
)

// Names are the devices Open knows. Auto leaves the choice to metal/firstuse, which takes the GPU where
// there is one that computes right.
const (
	Auto      = "auto"
	CPU       = "cpu"
	GPU       = "gpu" // of a Mac
	Reference = "reference"
	Emulator  = "emulator" // the Metal shaders executed on the processor, for tests
)

// Open makes the named device ready; threads 0 means all cores, and the reference has one whatever is
// asked. The error says which names there are.
//
// Open takes a GPU as it is, for those who examine it: training, sampling and measuring open theirs
// with firstuse.Open, which checks it. Auto is therefore the CPU here.
func Open(name string, threads int) (device.Device, error) {
	switch name {
	case Auto, CPU, "":
		d, err := cpu.New(cpu.Options{Threads: threads})
		if err != nil {
			return nil, err
		}
		return d, nil
	case Reference:
		return reference.New(), nil
	case Emulator:
		driver, err := emulator.Open(emulator.Options{Mode: emulator.Fast, Workers: threads})
		if err != nil {
			return nil, err
		}
		return gpu.New(driver, Emulator), nil
	case GPU:
		driver, err := mtl.Open()
		if err != nil {
			return nil, err
		}
		return gpu.New(driver, GPU), nil
	}
	return nil, fmt.Errorf("there is no device %q; choose %s, %s, %s or %s", name, Auto, GPU, CPU, Reference)
}

// Listed is a device of this machine.
type Listed struct {
	device.Info
	Use string // the name Open takes; empty for a GPU that cannot be used
}

// List names what this machine has: on a Mac its GPU, or why it cannot be used, the CPU and the oracle.
func List() ([]Listed, error) {
	var list []Listed
	for _, name := range []string{GPU, CPU, Reference} {
		d, err := Open(name, 0)
		switch {
		case errors.Is(err, mtl.ErrNoMetal):
			continue
		case err != nil && name == GPU: // a Mac on which Metal finds nothing can still train
			list = append(list, Listed{device.Info{Kind: GPU, Name: "none", Detail: err.Error()}, ""})
			continue
		case err != nil:
			return list, err
		}
		list = append(list, Listed{d.Info(), name})
		if err := d.Close(); err != nil {
			return list, err
		}
	}
	return list, nil
}
