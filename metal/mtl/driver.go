//go:build (darwin && cgo) || objcsim

package mtl

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/macos/metal"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// driver is the system's GPU with one command queue.
//
// Ownership: what Metal hands over counted (device, queue, library, pipeline, buffer, and a command
// buffer after Retain) is released once, by Close or Wait. All else dies with the autorelease pool that
// each method opens. A command buffer is recorded in Go and sent whole by Commit, so that its encoder
// and every temporary object live in one pool on one thread.
type driver struct {
	handle
	queue metal.CommandQueueObject
	limit gpu.Limits

	mu    sync.Mutex
	spare []*tape // empty ones, to record the next step without allocating
}

// Open makes the system's GPU ready. It refuses one that is not Apple silicon, since the shaders need
// the matrix operations of family 7. Close the driver after all that it made is closed.
func Open() (d gpu.Driver, err error) {
	pool(func() {
		var h handle
		if h, err = systemDevice(); err != nil {
			return
		}
		limit := h.limits()
		if limit.Family < 7 {
			h.dev.Release()
			err = fmt.Errorf("the GPU %q is not Apple silicon, which the shaders are written for; use the cpu device",
				limit.Name)
			return
		}
		queue := h.dev.NewCommandQueue() // +1
		if queue.IsNil() {
			h.dev.Release()
			err = fmt.Errorf("the GPU %q gives no command queue; quit other programs that use it, or use the cpu device",
				limit.Name)
			return
		}
		d = &driver{handle: h, queue: queue, limit: limit}
	})
	return d, err
}

func (d *driver) Limits() gpu.Limits { return d.limit }

func (d *driver) Close() error {
	d.queue.Release()
	d.dev.Release()
	d.queue, d.dev = metal.CommandQueueObject{}, metal.DeviceObject{}
	return nil
}

// buffer is memory in Metal's shared storage. Its hazards are tracked by Metal, which orders command
// buffers of the queue that use it; inside one, barriers do.
type buffer struct {
	obj   metal.BufferObject
	bytes []byte
}

func (d *driver) Buffer(bytes int) (b gpu.Buffer, err error) {
	if bytes <= 0 || uint64(bytes) > d.limit.MaxBuffer {
		return nil, fmt.Errorf("a GPU buffer of %d bytes cannot be had: %s takes 1 to %d bytes in one; "+
			"choose a smaller batch or model", bytes, d.limit.Name, d.limit.MaxBuffer)
	}
	pool(func() {
		obj := d.dev.NewBufferWithLengthOptions(uint(bytes), metal.ResourceStorageModeShared) // +1
		if obj.IsNil() {
			err = fmt.Errorf("the GPU refused a buffer of %d bytes: memory is short; "+
				"quit other programs, or choose a smaller batch or model", bytes)
			return
		}
		b = &buffer{obj, unsafe.Slice((*byte)(obj.Contents()), bytes)}
	})
	return b, err
}

func (b *buffer) Bytes() []byte { return b.bytes }

func (b *buffer) Close() {
	b.obj.Release()
	b.obj, b.bytes = metal.BufferObject{}, nil
}

// failure is Metal's reason for a result that is nil. e is the NSError, or nil.
func failure(what string, e unsafe.Pointer) error {
	f := &Failure{What: what}
	if e != nil {
		reason := foundation.ErrorFrom(e)
		f.Text, f.Domain, f.Code = reason.LocalizedDescription(), string(reason.Domain()), reason.Code()
	}
	return f
}
