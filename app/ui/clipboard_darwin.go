//go:build darwin && cgo

package ui

/*
#cgo CFLAGS: -x objective-c -fobjc-arc
#cgo LDFLAGS: -framework AppKit

#include <stdbool.h>
#import <AppKit/AppKit.h>

// setPicture replaces what is on the general pasteboard by a PNG; false when the pasteboard refuses.
static bool setPicture(const void *png, size_t length) {
	@autoreleasepool {
		NSData *data = [NSData dataWithBytes:png length:length];
		NSPasteboard *board = [NSPasteboard generalPasteboard];
		[board clearContents];
		return [board setData:data forType:NSPasteboardTypePNG];
	}
}
*/
import "C"

import (
	"errors"
	"unsafe"
)

// systemClipboard is macOS's general pasteboard, which belongs to the main thread.
func systemClipboard() *pictureClipboard {
	return &pictureClipboard{onMain: true, set: func(png []byte) error {
		if !C.setPicture(unsafe.Pointer(unsafe.SliceData(png)), C.size_t(len(png))) {
			return errors.New("the system's clipboard did not take the picture; save it as a file instead")
		}
		return nil
	}}
}
