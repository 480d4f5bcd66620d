package mtl

import (
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/metal/device"
)

// Failure is an error that Metal reported, in its own words. It implements [device.Failure].
type Failure struct {
	What   string // what did not work, the start of a sentence
	Text   string // Metal's description; of a library, the compiler's log
	Domain string // such as MTLCommandBufferErrorDomain
	Code   int
}

var _ device.Failure = (*Failure)(nil)

// Values of MTLCommandBufferError.
const (
	commandBufferDomain = "MTLCommandBufferErrorDomain"
	codeTimeout         = 2
	codeOutOfMemory     = 8
)

// interactivity is in the text, and in no code of its own, when macOS 26 ends commands that keep the
// display waiting.
const interactivity = "ImpactingInteractivity"

func (f *Failure) Error() string {
	if f.Domain == "" && f.Text == "" {
		return f.What + "; Metal gives no reason"
	}
	return fmt.Sprintf("%s: %s (%s %d)", f.What, f.Text, f.Domain, f.Code)
}

// Timeout tells whether the system stopped the commands because they took too long, for itself or for
// the display: smaller command buffers may pass.
func (f *Failure) Timeout() bool {
	return f.Domain == commandBufferDomain &&
		(f.Code == codeTimeout || strings.Contains(f.Text, interactivity))
}

// OutOfMemory tells whether the commands did not find room in memory: a smaller batch may pass.
func (f *Failure) OutOfMemory() bool {
	return f.Domain == commandBufferDomain && f.Code == codeOutOfMemory
}
