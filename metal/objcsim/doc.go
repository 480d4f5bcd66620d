// Package objcsim stands in for Apple's Metal on Linux: Objective-C classes over GNUstep with Metal's
// names and messages, under the unmodified Go bindings. Kernels run in a [gpu.Driver] of Go, the
// emulator or a test's own, so that every line of metal/mtl is executed with all that lies below it.
//
// It counts the objects alive and the messages sent, notices autoreleased objects that have no pool,
// ends the process on what Metal's validation refuses, on an unknown message and on one to a released
// object, with the Go stack of the sender, and fails on request.
//
// It is built under the tag objcsim, with the compiler wrapper in toolchain; tools/objcsim.sh does both.
package objcsim
