package cpu

import (
	"encoding/binary"
	"syscall"
)

func systemProcessor() string {
	name, _ := syscall.Sysctl("machdep.cpu.brand_string")
	return name
}

// memory is the size of main memory in bytes. Sysctl takes the number for text and drops a zero byte
// at its end.
func memory() uint64 {
	s, err := syscall.Sysctl("hw.memsize")
	if err != nil {
		return 0
	}
	var b [8]byte
	copy(b[:], s)
	return binary.LittleEndian.Uint64(b[:])
}
