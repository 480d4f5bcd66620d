//go:build darwin && cgo && !ci

#import <AppKit/AppKit.h>
#import <objc/runtime.h>
#include "_cgo_export.h"

static void openURLs(id self, SEL command, NSApplication *app, NSArray<NSURL *> *urls) {
	for (NSURL *url in urls) {
		if (url.isFileURL) {
			openDocument((char *)url.fileSystemRepresentation);
		}
	}
}

// takeDocuments teaches the application's delegate, a class of GLFW's, to open documents. A delegate is
// asked what it can do when it is set, so this comes before GLFW starts.
void takeDocuments(void) {
	Class delegate = objc_getClass("GLFWApplicationDelegate");
	if (delegate != Nil) {
		class_addMethod(delegate, @selector(application:openURLs:), (IMP)openURLs, "v@:@@");
	}
}
