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

// Names are the devices Open knows. Auto is the fastest one that works here.
const (
	Auto      = "auto"
	CPU       = "cpu"
	Reference = "reference"
	Emulator  = "emulator" // the Metal shaders executed on the processor, for tests
)

// Open makes the named device ready; threads 0 means all cores, and the reference has one whatever is
// asked. The error says which names there are.
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
	case "gpu":
		return nil, fmt.Errorf("the device %q is not part of this version, which trains on the CPU; "+
			"choose %s or %s", name, Auto, CPU)
	}
	return nil, fmt.Errorf("there is no device %q; choose %s, %s or %s", name, Auto, CPU, Reference)
}

// Listed is a device of this machine.
type Listed struct {
	device.Info
	Use string // the name Open takes; empty for a GPU this version cannot train on yet
}

// List names what this machine has: the CPU, the oracle, and on a Mac its GPU, or why there is none.
func List() ([]Listed, error) {
	var list []Listed
	for _, name := range []string{CPU, Reference} {
		d, err := Open(name, 0)
		if err != nil {
			return list, err
		}
		list = append(list, Listed{d.Info(), name})
		d.Close()
	}
	gpus, err := mtl.Devices()
	switch {
	case errors.Is(err, mtl.ErrNoMetal):
	case err != nil: // a Mac on which Metal finds nothing can still train
		list = append(list, Listed{device.Info{Kind: "gpu", Name: "none", Detail: err.Error()}, ""})
	}
	for _, g := range gpus {
		list = append(list, Listed{device.Info{Kind: "gpu", Name: g.Name, Detail: "Metal", Memory: g.Memory}, ""})
	}
	return list, nil
}
