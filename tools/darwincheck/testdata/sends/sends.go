//go:build darwin

// Package sends holds messages that must be refused. A comment "want" names the
// rules of its line; a line without one must pass.
package sends

import (
	"unsafe"

	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/macos/metal"
	"github.com/progrium/darwinkit/objc"
)

var (
	dev  metal.DeviceObject
	enc  metal.ComputeCommandEncoderObject
	blit metal.BlitCommandEncoderObject
	buf  metal.BufferObject
	fn   metal.FunctionObject
	cb   metal.CommandBufferObject
	lib  metal.LibraryObject
	fun  metal.FunctionObject
)

func typedMethods() {
	dev.NewComputePipelineStateWithFunctionError(fn, nil)      // want wrap
	enc.SetBufferOffsetAtIndex_(buf, 0, 0)                     // want wrap
	_ = dev.HasUnifiedMemory()                                 // want small-result
	_ = dev.SupportsFamily(1007)                               // want small-result
	cb.AddCompletedHandler(func(metal.CommandBufferObject) {}) // want func
	_ = lib.FunctionNames()                                    // want slice-result
}

func aroundTheCall(d metal.PDevice, e metal.PComputeCommandEncoder, o metal.ICompileOptions) {
	held := dev.HasUnifiedMemory // want small-result
	_ = held()
	_ = metal.DeviceObject.SupportsFamily // want small-result
	_ = d.HasUnifiedMemory()              // want small-result
	e.SetBufferOffsetAtIndex_(buf, 0, 0)  // want wrap
	_ = o.FastMathEnabled()               // want small-result
	_ = o.Libraries()                     // want slice-result
	type device struct{ metal.DeviceObject }
	_ = device{dev}.HasUnifiedMemory() // want small-result
}

func functions(c objc.Class) {
	objc.AddMethod(c, objc.Sel("run"), func(objc.Object) {}) // want func
	_ = objc.CreateMallocBlock(func() {})                    // want func
	_ = foundation.NewThreadWithBlock(func() {})             // want func
	_ = objc.WrapAsProtocol("MTLBuffer", buf)                // want wrap
	objc.Retain(&buf)                                        // want finalizer
}

func results() {
	_ = objc.Call[bool](dev, objc.Sel("isHeadless"))                                             // want small-result
	_ = objc.Call[int32](dev, objc.Sel("hasUnifiedMemory"))                                      // want small-result
	_ = objc.Call[[]string](lib, objc.Sel("functionNames"))                                      // want slice-result
	_ = objc.Call[uint64](dev, objc.Sel("hasUnifiedMemory"))                                     // want mask
	_ = objc.Call[uint64](dev, objc.Sel("hasUnifiedMemory")) != 0                                // want mask
	_ = objc.Call[uint64](dev, objc.Sel("hasUnifiedMemory"))&0xffff != 0                         // want mask
	_ = objc.Call[float64](dev, objc.Sel("hasUnifiedMemory"))                                    // want result
	_ = objc.Call[float64](dev, objc.Sel("maxBufferLength"))                                     // want result
	objc.Call[objc.Void](dev, objc.Sel("newBufferWithLength:options:"), uint(4), uint(0))        // want result
	objc.Call[objc.Object](enc, objc.Sel("setBuffer:offset:atIndex:"), buf.Ptr(), uint(0), 1)    // want result
	_ = objc.Call[metal.BufferObject](dev, objc.Sel("newBufferWithLength:options:"), 4, 0)       // passes
	_ = objc.Call[uint64](dev, objc.Sel("hasUnifiedMemory"))&0xff != 0                           // passes
	_ = 0xff&objc.Call[uint64](dev, objc.Sel("supportsFamily:"), metal.GPUFamilyApple7) != 0     // passes
	_ = objc.Call[metal.Size](dev, objc.Sel("maxThreadsPerThreadgroup"))                         // passes
	_ = objc.Call[metal.ComputePipelineStateObject](dev, pipelineSelector(), fn.Ptr(), nilError) // want unchecked
}

func arguments() {
	var n32 uint32 = 4
	var n8 uint8 = 4
	objc.Call[objc.Void](enc, objc.Sel("setBuffer:offset:atIndex:"), buf.Ptr(), uint(0))           // want arity
	objc.Call[objc.Void](enc, objc.Sel("setBufer:offset:atIndex:"), buf.Ptr(), uint(0), uint(0))   // want selector
	objc.Call[objc.Void](enc, objc.Sel("setBuffer:offset:atIndex:"), buf.Ptr(), n32, uint(0))      // want argument
	objc.Call[objc.Void](enc, objc.Sel("setBuffer:offset:atIndex:"), uint(0), buf.Ptr(), uint(0))  // want argument argument
	objc.Call[objc.Void](enc, objc.Sel("setBytes:length:atIndex:"), []byte{1}, uint(1), uint(0))   // want argument
	objc.Call[objc.Void](cb, objc.Sel("addCompletedHandler:"), func(metal.CommandBufferObject) {}) // want func
	objc.Call[objc.Void](blit, objc.Sel("fillBuffer:range:value:"), buf.Ptr(), span, uint(0))      // want argument
	objc.Call[objc.Void](blit, objc.Sel("fillBuffer:range:value:"), buf.Ptr(), span, n8)           // passes
	objc.Call[objc.Void](enc, objc.Sel("setBuffer:offset:atIndex:"), buf.Ptr(), uint(0), uint(1))  // passes
	objc.Call[objc.Void](enc, objc.Sel("setBuffer:offset:atIndex:"), nil, uint(0), uint(1))        // passes
	_ = objc.Call[metal.ComputePipelineStateObject](dev, objc.Sel(pipeline), fn.Ptr(), nilError)   // want unchecked
	_ = objc.Call[metal.LibraryObject](dev, objc.Sel("newDefaultLibrary"))                         // passes
	_ = objc.Call[string](fun, objc.Sel("name"))                                                   // passes
	_ = objc.Call[metal.ComputePipelineStateObject](dev,
		objc.Sel("newComputePipelineStateWithFunction:error:"), fn.Ptr(), nilError) // passes
}

func hidden(args ...any) {
	_ = send[bool]
	call := objc.Call[objc.Void] // want unchecked
	call(enc, objc.Sel("endEncoding"))
	objc.Call[objc.Void](enc, objc.Sel("setBuffer:offset:atIndex:"), args...) // want unchecked
}

func send[T any](o objc.Handle, name string) T {
	return objc.Call[T](o, objc.Sel(name)) // want unchecked
}

const pipeline = "newComputePipelineStateWithFunction:error:"

func pipelineSelector() objc.Selector { return objc.Sel(pipeline) }

var (
	nilError = unsafe.Pointer(nil)
	span     foundation.Range
)

func safe() {
	objc.WithAutoreleasePool(func() {
		_ = dev.Name()
		_ = dev.HasHasUnifiedMemory()
		_ = dev.IsNil() || dev.RespondsToSelector(objc.Sel("name"))
		metal.CommandEncoderObject{Object: enc.Object}.EndEncoding()
		enc.SetBufferOffsetAtIndex(0, 1)
		o := metal.NewCompileOptions()
		o.SetFastMathEnabled(false)
		o.Retain()
		o.Release()
	})
}
