//go:build (darwin && cgo) || objcsim

package mtl

/*
#cgo darwin LDFLAGS: -framework Metal -framework CoreGraphics
extern void *MTLCreateSystemDefaultDevice(void);
*/
import "C"

import (
	"errors"

	"github.com/progrium/darwinkit/macos/metal"
	"github.com/progrium/darwinkit/objc"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// Devices lists the Mac's GPUs. Apple silicon has one, the system's default
// device. The error says why there is none.
func Devices() (list []DeviceInfo, err error) {
	pool(func() {
		var d handle
		if d, err = systemDevice(); err != nil {
			return
		}
		defer d.dev.Release()
		list = []DeviceInfo{d.info()}
	})
	return list, err
}

// handle is a Metal device whose owner releases it.
type handle struct{ dev metal.DeviceObject }

func systemDevice() (handle, error) {
	p := C.MTLCreateSystemDefaultDevice() // a C function, not bound; +1
	if p == nil {
		return handle{}, errors.New("this Mac offers no GPU that Metal can use; use the cpu device")
	}
	return handle{metal.DeviceObject{Object: objc.ObjectFrom(p)}}, nil
}

func (h handle) info() DeviceInfo {
	return DeviceInfo{
		Name:      h.dev.Name(),
		Memory:    h.dev.RecommendedMaxWorkingSetSize(),
		MaxBuffer: uint64(h.dev.MaxBufferLength()),
		Unified:   h.unified(),
		Families:  supported(h.supports),
	}
}

func (h handle) limits() gpu.Limits {
	return gpu.Limits{
		Name:        h.dev.Name(),
		Family:      apple(h.supports),
		Memory:      h.dev.RecommendedMaxWorkingSetSize(),
		MaxBuffer:   uint64(h.dev.MaxBufferLength()),
		MaxThreads:  int(h.dev.MaxThreadsPerThreadgroup().Width),
		Threadgroup: int(h.dev.MaxThreadgroupMemoryLength()),
	}
}

// unified and supports send by hand: the typed methods give libffi one byte for
// a BOOL, and libffi stores eight.

func (h handle) unified() bool {
	return objc.Call[uint64](h.dev, objc.Sel("hasUnifiedMemory"))&0xff != 0
}

func (h handle) supports(family int) bool {
	return objc.Call[uint64](h.dev, objc.Sel("supportsFamily:"), family)&0xff != 0
}

// pool runs f inside an autorelease pool on one thread. A panic in f must not
// cross the C frames below, which empty the pool, so it is carried over them.
func pool(f func()) {
	var p any
	objc.WithAutoreleasePool(func() {
		defer func() { p = recover() }()
		f()
	})
	if p != nil {
		panic(p)
	}
}
