package emulator

import (
	"fmt"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// buffer is memory from the system with a guard on either side, so that a small overrun stops the
// process in the modes that do not check.
type buffer struct {
	d      *Driver
	memory []byte // between the guards, of the length asked for
	whole  []byte
	cells  []byte // the checker's state, 16 times as large, taken at first use
}

// Buffer takes zeroed memory.
func (d *Driver) Buffer(bytes int) (gpu.Buffer, error) {
	if bytes <= 0 {
		return nil, fmt.Errorf("a buffer of %d bytes is not possible", bytes)
	}
	if uint64(bytes) > d.o.Limits.MaxBuffer {
		return nil, fmt.Errorf("a buffer of %d bytes is more than the %d that %s takes",
			bytes, d.o.Limits.MaxBuffer, d.o.Limits.Name)
	}
	d.mu.Lock()
	n := d.buffers
	d.buffers++
	d.mu.Unlock()
	if f := d.o.Faults.Buffer; f != nil {
		if err := f(n, bytes); err != nil {
			return nil, fmt.Errorf("a buffer of %d bytes was refused: %w", bytes, err)
		}
	}
	b := &buffer{d: d}
	var err error
	if b.whole, b.memory, err = allocate(bytes); err != nil {
		return nil, fmt.Errorf("a buffer of %d bytes was refused: %w", bytes, err)
	}
	return b, nil
}

// Bytes is the memory.
func (b *buffer) Bytes() []byte { return b.memory }

// Close gives the memory back. The commands that use it must have ended.
func (b *buffer) Close() {
	if b.whole == nil {
		return
	}
	free(b.whole)
	if b.cells != nil {
		free(b.cells)
	}
	b.whole, b.memory, b.cells = nil, nil, nil
}
