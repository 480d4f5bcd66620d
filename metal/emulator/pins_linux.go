//go:build amd64 && cgo

package emulator

// #include <stdlib.h>
// #include <stdint.h>
import "C"

import "unsafe"

// pins is memory of C that lives as long as a dispatch.
type pins struct{ list []unsafe.Pointer }

func (p *pins) zeroed(bytes int) unsafe.Pointer {
	m := C.calloc(1, C.size_t(bytes+16))
	p.list = append(p.list, m)
	return m
}

// copy puts data at an address that is a multiple of 16.
func (p *pins) copy(data []byte) unsafe.Pointer {
	m := p.zeroed(len(data))
	copy(unsafe.Slice((*byte)(m), len(data)), data)
	return m
}

func (p *pins) counter() *C.uint32_t { return (*C.uint32_t)(p.zeroed(4)) }

func (p *pins) release() {
	for _, m := range p.list {
		C.free(m)
	}
}
