//go:build objcsim && !darwin

package objcsim

// #include "sim.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"strings"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

const commandDomain = "MTLCommandBufferErrorDomain"

// simCommand is a command buffer: commands of the backend, and how they ended.
type simCommand struct {
	gpu.Commands
	run   gpu.Pending
	ended Ending // injected; 0 while all is well
	err   error
	group []gpu.Buffer
	start []int
}

//export simCommands
func simCommands() C.uintptr_t {
	d := device()
	if d == nil {
		return 0
	}
	c, err := d.Commands()
	if err != nil {
		return 0
	}
	return handle(&simCommand{Commands: c})
}

//export simSetPipeline
func simSetPipeline(c, p C.uintptr_t) { get[*simCommand](c).Pipeline(get[gpu.Pipeline](p)) }

//export simSetBuffers
func simSetBuffers(c C.uintptr_t, first, n C.long, buffers *C.uintptr_t, offsets *C.uint64_t) {
	cmd := get[*simCommand](c)
	cmd.group, cmd.start = cmd.group[:0], cmd.start[:0]
	starts := unsafe.Slice(offsets, int(n))
	for i, b := range unsafe.Slice(buffers, int(n)) {
		cmd.group = append(cmd.group, get[*simMemory](b).Buffer)
		cmd.start = append(cmd.start, int(starts[i]))
	}
	cmd.Buffers(int(first), cmd.group, cmd.start)
}

//export simSetBytes
func simSetBytes(c C.uintptr_t, data unsafe.Pointer, n, index C.long) {
	get[*simCommand](c).Bytes(int(index), unsafe.Slice((*byte)(data), int(n)))
}

//export simSetThreadgroup
func simSetThreadgroup(c C.uintptr_t, n, index C.long) {
	get[*simCommand](c).Threadgroup(int(index), int(n))
}

//export simDispatch
func simDispatch(c C.uintptr_t, groups, threads C.simSize) {
	cmd := get[*simCommand](c)
	if take(&state.faults.Dispatch) {
		state.Lock()
		cmd.ended = state.faults.Ending
		state.Unlock()
	}
	if cmd.ended == 0 {
		cmd.Dispatch(goSize(groups), goSize(threads))
	}
}

func goSize(s C.simSize) gpu.Size {
	return gpu.Size{X: int(s.width), Y: int(s.height), Z: int(s.depth)}
}

//export simBarrier
func simBarrier(c C.uintptr_t) { get[*simCommand](c).Barrier() }

//export simCommit
func simCommit(c C.uintptr_t) {
	cmd := get[*simCommand](c)
	cmd.run, cmd.err = cmd.Commit()
}

// simWait ends a command buffer and its handle; seconds is what the GPU spent.
//
//export simWait
func simWait(c C.uintptr_t, seconds *C.double, e *C.simError) C.int {
	cmd := get[*simCommand](c)
	defer cgo.Handle(c).Delete()
	if cmd.err == nil {
		took, err := cmd.run.Wait()
		*seconds, cmd.err = C.double(took.Seconds()), err
	}
	switch {
	case cmd.ended != 0:
		(*simError)(e).set(commandDomain, int(cmd.ended), cmd.ended.text())
	case cmd.err != nil:
		code, text := explain(cmd.err)
		(*simError)(e).set(commandDomain, code, text)
	default:
		return 1
	}
	return 0
}

// explain gives an error of the backend the code Metal would: one that quotes Metal keeps its meaning,
// any other, such as a fault the emulator found, is a page fault.
func explain(err error) (code int, text string) {
	for _, e := range []Ending{Timeout, OutOfMemory} {
		if strings.Contains(err.Error(), e.text()) {
			return int(e), err.Error()
		}
	}
	const pageFault = 3
	return pageFault, fmt.Sprintf("Caused GPU Address Fault Error (%v)", err)
}

// simDrop ends a command buffer that was never committed. The backend has no message for that: what
// it recorded is garbage to be collected.
//
//export simDrop
func simDrop(c C.uintptr_t) { cgo.Handle(c).Delete() }

// text is what Metal says of it.
func (e Ending) text() string {
	if e == Timeout {
		return "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)"
	}
	return "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"
}
