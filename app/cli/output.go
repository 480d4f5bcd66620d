package cli

import (
	"io"
	"strings"
	"sync"
	"unicode"
)

// output is the result stream of a command. It remembers the first write that failed, so that a command
// whose result went nowhere does not end as if it had been delivered.
type output struct {
	io.Writer
	mu  sync.Mutex
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

// failed gives the first error of a write, nil when all went through.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// shown is text of a model as it may be written to the result stream. A terminal would obey its control
// characters; a file gets every byte.
func (e *env) shown(text string) string {
	if !isTerminal(e.out) {
		return text
	}
	return harmless(text)
}

// harmless puts a replacement character in the place of what a terminal takes as an order.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
