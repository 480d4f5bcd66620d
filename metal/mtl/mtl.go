// Package mtl is the only package that talks to Metal: nothing else imports
// darwinkit. It exports no darwinkit type, and every message that the typed
// bindings cannot send safely stands here once, behind a Go signature.
//
// It is built on macOS with cgo, and under the tag objcsim where stand-in Metal
// classes take the place of Apple's. Elsewhere the same names exist and return
// [ErrNoMetal], so callers need no build tags.
package mtl

import "errors"

// ErrNoMetal is returned where Metal is not built in: on every system but macOS,
// and on macOS when cgo is off.
var ErrNoMetal = errors.New(
	"no GPU here: Metal exists only on macOS, in builds with cgo; use the cpu device")

// DeviceInfo describes one GPU as Metal reports it.
type DeviceInfo struct {
	// Name is the marketing name, such as "Apple M2".
	Name string
	// Memory is recommendedMaxWorkingSetSize in bytes: how much the GPU can use
	// without being slowed by the system.
	Memory uint64
	// MaxBuffer is the largest single buffer, in bytes.
	MaxBuffer uint64
	// Unified says that CPU and GPU share one memory, as on all Apple silicon.
	Unified bool
	// Families are the feature families the GPU supports, in the order of the
	// table in families.go, for example "apple8", "common3", "metal3".
	Families []string
}
