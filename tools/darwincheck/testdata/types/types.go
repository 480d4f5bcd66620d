//go:build darwin

// Package types does not compile for darwin: each line that says so has a type
// error that only a check of that build can see.
package types

// extern void *MTLCreateSystemDefaultDevice(void);
import "C"

import (
	"unsafe"

	"github.com/progrium/darwinkit/macos/metal"
)

var (
	dev = metal.DeviceObject{}
	enc metal.ComputeCommandEncoderObject
	buf metal.BufferObject
	_       = unsafe.Pointer(C.MTLCreateSystemDefaultDevice())
	_   int = buf.Length() // want types
)

func f() {
	dev.NewBufferWithLength(16, 0)                       // want types
	dev.NewBufferWithLengthOptions("16", 0)              // want types
	enc.DispatchThreadgroups(metal.Size{}, metal.Size{}) // want types
	enc.SetBytesLengthAtIndex([]byte{1}, 1, 0)           // want types
	enc.EndEncoding()                                    // want types
	_ = dev.Name()
}
