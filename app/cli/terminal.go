package cli

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// columns is the width of the terminal that w is; ok is false for anything else. A terminal that does not
// know its width has 80 columns.
func columns(w io.Writer) (n int, ok bool) {
	if o, is := w.(*output); is {
		w = o.Writer
	}
	f, is := w.(*os.File)
	if !is {
		return 0, false
	}
	var size struct{ rows, columns, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, false
	}
	if size.columns == 0 {
		return 80, true
	}
	return int(size.columns), true
}

// isTerminal tells whether w is a terminal.
func isTerminal(w io.Writer) bool {
	_, ok := columns(w)
	return ok
}
