//go:build (darwin && cgo) || objcsim

package mtl

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/macos/metal"
	"github.com/progrium/darwinkit/objc"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// commands records a command buffer on a borrowed tape, until Commit gives it back.
type commands struct {
	*tape
	d         *driver
	committed bool
}

func (d *driver) Commands() (gpu.Commands, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.spare); n > 0 {
		t := d.spare[n-1]
		d.spare = d.spare[:n-1]
		return &commands{tape: t, d: d}, nil
	}
	return &commands{tape: &tape{limits: d.limit}, d: d}, nil
}

// Commit sends what was recorded, in one autorelease pool, and starts it.
func (c *commands) Commit() (gpu.Pending, error) {
	if c.committed {
		return nil, errors.New("these GPU commands were committed before; begin new ones")
	}
	t := c.tape
	c.tape, c.committed = &tape{}, true // recording on must not write into another's commands
	defer c.d.giveBack(t)
	if t.err != nil {
		return nil, t.err
	}
	var run *pending
	var err error
	pool(func() { run, err = c.d.send(t) })
	if err != nil {
		return nil, err
	}
	return run, nil
}

func (d *driver) giveBack(t *tape) {
	t.rewind()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spare = append(d.spare, t)
}

// send must run inside a pool: command buffer and encoder are autoreleased. It waits only when the
// queue holds 64 unfinished command buffers, Metal's default, which is seconds of work.
func (d *driver) send(t *tape) (*pending, error) {
	buffer := d.queue.CommandBuffer()
	if buffer.IsNil() {
		return nil, &Failure{What: "the GPU gives no command buffer: its queue is full or it was lost"}
	}
	obj := buffer.ComputeCommandEncoderWithDispatchType(metal.DispatchTypeConcurrent)
	if obj.IsNil() {
		return nil, &Failure{What: "the GPU gives no encoder for commands"}
	}
	e := &encoder{obj: obj}
	func() {
		defer e.end() // Metal ends the process when an encoder is freed before that
		t.play(e)
	}()
	if e.err != nil {
		return nil, e.err // the command buffer is dropped, none of it runs
	}
	buffer.Commit()
	buffer.Retain()
	return &pending{obj: buffer}, nil
}

// encoder is where the messages of a dispatch stand, one method each. Those with a buffer or pipeline
// are sent by hand: the typed methods panic on the objects of Metal.
type encoder struct {
	obj metal.ComputeCommandEncoderObject
	err error
	// Arrays of the message that binds buffers. Metal copies them.
	objects [maxIndex]unsafe.Pointer
	offsets [maxIndex]uint
}

func (e *encoder) setPipeline(p gpu.Pipeline) {
	own, ok := p.(*pipeline)
	if !ok || own.obj.IsNil() {
		e.fail("a pipeline is closed or not of this driver (%T)", p)
		return
	}
	objc.Call[objc.Void](e.obj, objc.Sel("setComputePipelineState:"), own.obj.Ptr())
}

func (e *encoder) setBuffers(first int, buffers []gpu.Buffer, offsets []int) {
	for i, b := range buffers {
		own, ok := b.(*buffer)
		if !ok || own.obj.IsNil() {
			e.fail("the buffer of argument %d is closed or not of this driver (%T)", first+i, b)
			return
		}
		e.objects[i], e.offsets[i] = own.obj.Ptr(), uint(offsets[i])
	}
	objc.Call[objc.Void](e.obj, objc.Sel("setBuffers:offsets:withRange:"),
		unsafe.Pointer(&e.objects), unsafe.Pointer(&e.offsets),
		foundation.Range{Location: uint64(first), Length: uint64(len(buffers))})
}

func (e *encoder) setBytes(index int, data []byte) {
	e.obj.SetBytesLengthAtIndex(unsafe.Pointer(&data[0]), uint(len(data)), uint(index))
}

func (e *encoder) setThreadgroup(index, bytes int) {
	e.obj.SetThreadgroupMemoryLengthAtIndex(uint(bytes), uint(index))
}

func (e *encoder) dispatch(groups, threads gpu.Size) {
	if e.err != nil {
		return // what it needs was not set
	}
	e.obj.DispatchThreadgroupsThreadsPerThreadgroup(size(groups), size(threads))
}

func (e *encoder) barrier() { e.obj.MemoryBarrierWithScope(metal.BarrierScopeBuffers) }

// end uses the parent protocol, from which the bindings do not let encoders inherit.
func (e *encoder) end() { metal.CommandEncoderObject{Object: e.obj.Object}.EndEncoding() }

func (e *encoder) fail(format string, a ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("these GPU commands cannot be sent: "+format, a...)
	}
}

func size(s gpu.Size) metal.Size {
	return metal.Size{Width: uint64(s.X), Height: uint64(s.Y), Depth: uint64(s.Z)}
}

// pending owns a command buffer until its first Wait, whose answer later ones repeat.
type pending struct {
	obj  metal.CommandBufferObject
	took time.Duration
	err  error
}

func (p *pending) Wait() (time.Duration, error) {
	if p.obj.IsNil() {
		return p.took, p.err
	}
	pool(func() {
		p.obj.WaitUntilCompleted()
		if p.obj.Status() != metal.CommandBufferStatusCompleted {
			p.err = failure("the GPU ended the commands before they were done", p.obj.Error().Ptr())
			return
		}
		seconds := float64(p.obj.GPUEndTime() - p.obj.GPUStartTime())
		p.took = time.Duration(seconds * float64(time.Second))
	})
	p.obj.Release()
	p.obj = metal.CommandBufferObject{}
	return p.took, p.err
}
