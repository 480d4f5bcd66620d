//go:build darwin && cgo && !ci

package main

/*
#cgo CFLAGS: -x objective-c -fobjc-arc
#cgo LDFLAGS: -framework AppKit

void takeDocuments(void);
*/
import "C"

// asked holds what the Finder asked to open until the window takes it. The message comes from C, which
// knows no value of ours, so it has to be found by name.
var asked = make(chan string, 16)

// systemDocuments are the paths of files and folders that the system asks to open: dropped on the app's
// icon, or opened with it. It comes before the app is made, since the first may come with the start.
func systemDocuments() <-chan string {
	C.takeDocuments()
	return asked
}

//export openDocument
func openDocument(path *C.char) {
	select {
	case asked <- C.GoString(path):
	default: // nobody means to open so many
	}
}
