package mtl

import "fmt"

// Failure is an error that Metal reported, in its own words.
type Failure struct {
	What   string // what did not work, the start of a sentence
	Text   string // Metal's description; of a library, the compiler's log
	Domain string // such as MTLCommandBufferErrorDomain
	Code   int
}

// Values of MTLCommandBufferError.
const (
	commandBufferDomain = "MTLCommandBufferErrorDomain"
	codeTimeout         = 2
	codeOutOfMemory     = 8
)

func (f *Failure) Error() string {
	if f.Domain == "" && f.Text == "" {
		return f.What + "; Metal gives no reason"
	}
	return fmt.Sprintf("%s: %s (%s %d)", f.What, f.Text, f.Domain, f.Code)
}

// Timeout tells whether the system stopped the commands because they took too long: smaller command
// buffers may pass.
func (f *Failure) Timeout() bool { return f.Domain == commandBufferDomain && f.Code == codeTimeout }

// OutOfMemory tells whether the commands did not find room in memory: a smaller batch may pass.
func (f *Failure) OutOfMemory() bool {
	return f.Domain == commandBufferDomain && f.Code == codeOutOfMemory
}
