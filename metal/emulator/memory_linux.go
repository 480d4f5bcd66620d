//go:build amd64 && cgo

package emulator

import "syscall"

const guard = 64 << 10

// allocate maps zeroed memory between two guards; pages cost nothing until they are touched.
func allocate(bytes int) (whole, memory []byte, err error) {
	room := (bytes + 4095) &^ 4095
	whole, err = syscall.Mmap(-1, 0, room+2*guard, syscall.PROT_NONE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, nil, err
	}
	memory = whole[guard : guard+room]
	if err := syscall.Mprotect(memory, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		free(whole)
		return nil, nil, err
	}
	return whole, memory[:bytes:bytes], nil
}

func free(whole []byte) { _ = syscall.Munmap(whole) }
