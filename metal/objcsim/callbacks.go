//go:build objcsim && !darwin

package objcsim

// #include "sim.h"
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"runtime/cgo"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// The classes call these. An object of the backend is known there as a cgo.Handle, 0 for none.

const libraryDomain = "MTLLibraryErrorDomain"

func (e *simError) set(domain string, code int, text string) {
	e.domain, e.text, e.code = C.CString(domain), C.CString(text), C.long(code)
}

type simError C.simError

// get is the Go object behind a handle.
func get[T any](h C.uintptr_t) T { return cgo.Handle(h).Value().(T) }

func handle(v any) C.uintptr_t { return C.uintptr_t(cgo.NewHandle(v)) }

//export simDevice
func simDevice(out *C.simLimits) C.int {
	d := device()
	if d == nil {
		return 0
	}
	l := d.Limits()
	*out = C.simLimits{
		name: C.CString(l.Name), family: C.long(l.Family),
		maxThreads: C.long(l.MaxThreads), threadgroup: C.long(l.Threadgroup),
		memory: C.uint64_t(l.Memory), maxBuffer: C.uint64_t(l.MaxBuffer),
	}
	return 1
}

// simMemory is a buffer of the backend whose memory may be Go's: Objective-C keeps the address.
type simMemory struct {
	gpu.Buffer
	pin runtime.Pinner
}

func (m *simMemory) Close() {
	m.pin.Unpin()
	m.Buffer.Close()
}

//export simBuffer
func simBuffer(n C.uint64_t, contents *unsafe.Pointer) C.uintptr_t {
	d := device()
	if d == nil || take(&state.faults.Buffer) {
		return 0
	}
	b, err := d.Buffer(int(n))
	if err != nil {
		return 0 // Metal gives no reason either
	}
	m := &simMemory{Buffer: b}
	first := unsafe.SliceData(b.Bytes())
	m.pin.Pin(first)
	*contents = unsafe.Pointer(first)
	return handle(m)
}

//export simCompile
func simCompile(source *C.char, fastMath C.int, language C.long, e *C.simError) C.uintptr_t {
	state.Lock()
	state.options = Options{FastMath: fastMath != 0, Language: int(language)}
	state.Unlock()
	d := device()
	if d == nil {
		(*simError)(e).set(libraryDomain, 1, "the device was lost")
		return 0
	}
	l, err := d.Compile("program_source", C.GoString(source)) // the name Metal gives it
	if err != nil {
		(*simError)(e).set(libraryDomain, 3, err.Error())
		return 0
	}
	return handle(l)
}

//export simPipeline
func simPipeline(library C.uintptr_t, name *C.char, values *C.simConstant, n C.long, e *C.simError) C.uintptr_t {
	constants := make([]gpu.Constant, n)
	for i, c := range unsafe.Slice(values, int(n)) {
		constants[i].Index = int(c.index)
		switch c._type {
		case 3:
			constants[i].Value = math.Float32frombits(uint32(c.bits))
		case 29:
			constants[i].Value = int32(c.bits)
		case 33:
			constants[i].Value = uint32(c.bits)
		case 53:
			constants[i].Value = c.bits != 0
		default:
			(*simError)(e).set(libraryDomain, 5, fmt.Sprintf("constant %d has unknown type %d", c.index, c._type))
			return 0
		}
	}
	p, err := get[gpu.Library](library).Pipeline(C.GoString(name), constants...)
	if err != nil {
		(*simError)(e).set(libraryDomain, 5, err.Error())
		return 0
	}
	return handle(p)
}

//export simNoQueue
func simNoQueue() C.int {
	state.Lock()
	defer state.Unlock()
	if !state.faults.Queue {
		return 0
	}
	state.faults.Queue = false
	return 1
}

//export simRejected
func simRejected(name *C.char, e *C.simError) C.int {
	if !rejects(C.GoString(name)) {
		return 0
	}
	(*simError)(e).set("AGXMetalG13X", 3, "Compiler encountered an internal error")
	return 1
}

//export simPipelineLimits
func simPipelineLimits(p C.uintptr_t, maxThreads, threadgroup *C.long) {
	pipeline := get[gpu.Pipeline](p)
	*maxThreads, *threadgroup = C.long(pipeline.MaxThreads()), C.long(pipeline.Threadgroup())
}

// simClose ends a buffer, library or pipeline.
//
//export simClose
func simClose(h C.uintptr_t) {
	get[interface{ Close() }](h).Close()
	cgo.Handle(h).Delete()
}
