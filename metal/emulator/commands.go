package emulator

import (
	"fmt"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

const bindings = 31

// binding is what is bound at a buffer index.
type binding struct {
	buffer *buffer
	offset int
	data   []byte // of Bytes, instead of a buffer
	extent int    // bytes that may be touched, 0 for all to the end
	stamp  int    // dispatches encoded before it was bound
	set    bool
}

// dispatch is one encoded dispatch with a copy of all that is bound.
type dispatch struct {
	p               *pipeline
	bound           [bindings]binding
	threadgroup     [bindings]int
	groups, threads gpu.Size
	interval        int // barriers before it
	n               int // in the command buffer
}

// commands is a command buffer being encoded.
type commands struct {
	d           *Driver
	p           *pipeline
	bound       [bindings]binding
	threadgroup [bindings]int
	tgStamp     [bindings]int
	changed     int // dispatches encoded when the pipeline last changed
	list        []dispatch
	interval    int
	err         error
	committed   bool
}

// Commands begins a command buffer.
func (d *Driver) Commands() (gpu.Commands, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	return &commands{d: d}, nil
}

// fail keeps the first error of encoding.
func (c *commands) fail(format string, args ...any) {
	if c.err == nil {
		where := fmt.Sprintf("dispatch %d", len(c.list))
		if c.p != nil {
			where += " (" + c.p.kernel.Name + ")"
		}
		c.err = fmt.Errorf(where+": "+format, args...)
	}
}

func (c *commands) Pipeline(p gpu.Pipeline) {
	q, ok := p.(*pipeline)
	if !ok || q == nil || q.lib.d != c.d {
		c.fail("the pipeline is not one of this emulator")
		return
	}
	if q != c.p {
		c.p, c.changed = q, len(c.list)
	}
}

func (c *commands) Buffers(first int, buffers []gpu.Buffer, offsets []int) {
	if len(buffers) != len(offsets) {
		c.fail("%d buffers with %d offsets", len(buffers), len(offsets))
		return
	}
	for i, b := range buffers {
		index := first + i
		q, ok := b.(*buffer)
		switch {
		case index < 0 || index >= bindings:
			c.fail("buffer index %d is not in 0 to %d", index, bindings-1)
		case !ok || q == nil || q.d != c.d:
			c.fail("buffer(%d): not a buffer of this emulator", index)
		case q.memory == nil:
			c.fail("buffer(%d): the buffer is closed", index)
		case offsets[i] < 0 || offsets[i] >= len(q.memory):
			c.fail("buffer(%d): offset %d is outside the buffer of %d bytes",
				index, offsets[i], len(q.memory))
		default:
			c.bound[index] = binding{buffer: q, offset: offsets[i], stamp: len(c.list), set: true}
		}
	}
}

// Extent tells how many bytes from its offset on the next dispatches may touch of the buffer bound
// at index, when it is a part of a larger one. The checker then catches an overrun into the
// neighbour. Hardware has no such call; hosts ask for it by an interface of their own.
func (c *commands) Extent(index, bytes int) {
	if index < 0 || index >= bindings || !c.bound[index].set || c.bound[index].buffer == nil {
		c.fail("buffer(%d): an extent without a buffer", index)
		return
	}
	b := &c.bound[index]
	if bytes <= 0 || b.offset+bytes > len(b.buffer.memory) {
		c.fail("buffer(%d): an extent of %d bytes from offset %d in a buffer of %d bytes",
			index, bytes, b.offset, len(b.buffer.memory))
		return
	}
	b.extent = bytes
}

func (c *commands) Bytes(index int, data []byte) {
	switch {
	case index < 0 || index >= bindings:
		c.fail("buffer index %d is not in 0 to %d", index, bindings-1)
	case len(data) == 0 || len(data) >= 4096:
		c.fail("buffer(%d): %d bytes of arguments; 1 to 4095 are possible", index, len(data))
	default:
		c.bound[index] = binding{data: slices.Clone(data), stamp: len(c.list), set: true}
	}
}

func (c *commands) Threadgroup(index, bytes int) {
	switch {
	case index < 0 || index >= bindings:
		c.fail("threadgroup index %d is not in 0 to %d", index, bindings-1)
	case bytes <= 0 || bytes%16 != 0:
		c.fail("threadgroup(%d): a length of %d bytes; it must be a multiple of 16", index, bytes)
	default:
		c.threadgroup[index], c.tgStamp[index] = bytes, len(c.list)
	}
}

func (c *commands) Dispatch(groups, threads gpu.Size) {
	if c.err != nil {
		return
	}
	if c.p == nil {
		c.fail("no pipeline is set")
		return
	}
	k := dispatch{p: c.p, bound: c.bound, groups: groups, threads: threads, interval: c.interval,
		n: len(c.list)}
	if err := c.validate(&k); err != nil {
		c.fail("%w", err)
		return
	}
	c.list = append(c.list, k)
}

func (c *commands) Barrier() { c.interval++ }

// Commit starts the commands behind those committed before.
func (c *commands) Commit() (gpu.Pending, error) {
	if c.err != nil {
		return nil, c.err
	}
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if c.committed {
		return nil, fmt.Errorf("the command buffer was committed before")
	}
	c.committed = true
	p := &pending{done: make(chan struct{})}
	before := d.last
	d.last = p.done
	go func() {
		defer close(p.done)
		if before != nil {
			<-before
		}
		start := time.Now()
		p.err = d.execute(c.list)
		p.took = time.Since(start)
	}()
	return p, nil
}

// pending is a committed command buffer.
type pending struct {
	done chan struct{}
	took time.Duration
	err  error
}

// Wait gives the time the commands took on the CPU's clock.
func (p *pending) Wait() (time.Duration, error) {
	<-p.done
	return p.took, p.err
}
