package mtl

import (
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// Metal's limits on the arguments of a kernel.
const (
	maxIndex = 31   // argument indices
	maxBytes = 4095 // "less than 4 KB" by value
)

// tape holds the messages of one command buffer until they are sent together, in one autorelease pool
// on one thread. Everything is checked when it is recorded: a message Metal finds wrong would end the
// process. The first error is kept, and nothing is sent then.
type tape struct {
	limits   gpu.Limits
	notes    []note
	buffers  []gpu.Buffer
	offsets  []int
	data     []byte
	pipeline gpu.Pipeline
	dynamic  [maxIndex]int // threadgroup memory set since the pipeline was
	err      error
}

type noteKind uint8

const (
	setPipeline noteKind = iota
	setBuffers
	setBytes
	setThreadgroup
	dispatch
	barrier
)

// note is one message. Buffers, offsets and bytes stand in the tape from at on.
type note struct {
	kind            noteKind
	index, n, at    int
	pipeline        gpu.Pipeline
	groups, threads gpu.Size
}

// sink takes the messages of a tape, one method a message.
type sink interface {
	setPipeline(p gpu.Pipeline)
	setBuffers(first int, buffers []gpu.Buffer, offsets []int)
	setBytes(index int, data []byte)
	setThreadgroup(index, bytes int)
	dispatch(groups, threads gpu.Size)
	barrier()
}

// rewind empties the tape and keeps its memory.
func (t *tape) rewind() {
	clear(t.notes) // a pipeline or buffer must not live on in a spare tape
	clear(t.buffers)
	t.notes, t.buffers, t.offsets, t.data = t.notes[:0], t.buffers[:0], t.offsets[:0], t.data[:0]
	t.pipeline, t.err = nil, nil
}

func (t *tape) fail(format string, a ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("these GPU commands cannot be sent: "+format, a...)
	}
}

func (t *tape) Pipeline(p gpu.Pipeline) {
	if p == nil {
		t.fail("there is no pipeline to set")
		return
	}
	t.pipeline, t.dynamic = p, [maxIndex]int{}
	t.notes = append(t.notes, note{kind: setPipeline, pipeline: p})
}

func (t *tape) Buffers(first int, buffers []gpu.Buffer, offsets []int) {
	n := len(buffers)
	if n == 0 || len(offsets) != n || first < 0 || first+n > maxIndex {
		t.fail("%d buffers with %d offsets at indices from %d on; there are %d indices and each buffer has an offset",
			n, len(offsets), first, maxIndex)
		return
	}
	for i, b := range buffers {
		if b == nil {
			t.fail("argument %d has no buffer", first+i)
			return
		}
		if o, size := offsets[i], len(b.Bytes()); o < 0 || o >= size || o%4 != 0 {
			t.fail("argument %d starts at byte %d of a buffer of %d bytes; it must start inside, at a multiple of 4",
				first+i, o, size)
			return
		}
	}
	t.notes = append(t.notes, note{kind: setBuffers, index: first, n: n, at: len(t.buffers)})
	t.buffers = append(t.buffers, buffers...)
	t.offsets = append(t.offsets, offsets...)
}

func (t *tape) Bytes(index int, data []byte) {
	if index < 0 || index >= maxIndex || len(data) == 0 || len(data) > maxBytes {
		t.fail("%d bytes at index %d; 1 to %d bytes go by value, at an index below %d",
			len(data), index, maxBytes, maxIndex)
		return
	}
	t.notes = append(t.notes, note{kind: setBytes, index: index, n: len(data), at: len(t.data)})
	t.data = append(t.data, data...)
}

func (t *tape) Threadgroup(index, bytes int) {
	if index < 0 || index >= maxIndex || bytes <= 0 || bytes%16 != 0 {
		t.fail("%d bytes of threadgroup memory at index %d; it takes a positive multiple of 16 below index %d",
			bytes, index, maxIndex)
		return
	}
	t.dynamic[index] = bytes
	t.notes = append(t.notes, note{kind: setThreadgroup, index: index, n: bytes})
}

func (t *tape) Dispatch(groups, threads gpu.Size) {
	if err := t.checkDispatch(groups, threads); err != nil {
		t.fail("%w", err)
		return
	}
	t.notes = append(t.notes, note{kind: dispatch, groups: groups, threads: threads})
}

func (t *tape) checkDispatch(groups, threads gpu.Size) error {
	if t.pipeline == nil {
		return errors.New("a dispatch without a pipeline")
	}
	if min(groups.X, groups.Y, groups.Z, threads.X, threads.Y, threads.Z) < 1 {
		return fmt.Errorf("a dispatch of %v threadgroups of %v threads; every count is at least 1", groups, threads)
	}
	if n, most := threads.X*threads.Y*threads.Z, t.pipeline.MaxThreads(); n > most {
		return fmt.Errorf("a threadgroup of %d threads; this kernel takes %d", n, most)
	}
	memory := t.pipeline.Threadgroup()
	for _, n := range t.dynamic {
		memory += n
	}
	if memory > t.limits.Threadgroup {
		return fmt.Errorf("%d bytes of threadgroup memory; %s has %d", memory, t.limits.Name, t.limits.Threadgroup)
	}
	return nil
}

func (t *tape) Barrier() { t.notes = append(t.notes, note{kind: barrier}) }

// play sends the recorded messages to s in their order.
func (t *tape) play(s sink) {
	for i := range t.notes {
		switch n := &t.notes[i]; n.kind {
		case setPipeline:
			s.setPipeline(n.pipeline)
		case setBuffers:
			s.setBuffers(n.index, t.buffers[n.at:n.at+n.n], t.offsets[n.at:n.at+n.n])
		case setBytes:
			s.setBytes(n.index, t.data[n.at:n.at+n.n])
		case setThreadgroup:
			s.setThreadgroup(n.index, n.n)
		case dispatch:
			s.dispatch(n.groups, n.threads)
		case barrier:
			s.barrier()
		}
	}
}
