package cpu

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// processor is the name the system gives the processor, or the architecture where it gives none.
func processor() string {
	if name := systemProcessor(); name != "" {
		return name
	}
	return runtime.GOARCH
}

// field returns the value of the first "key : value" line of a file under /proc.
func field(file, key string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// kibibytes reads a value such as "24685000 kB".
func kibibytes(s string) uint64 {
	n, _ := strconv.ParseUint(strings.TrimSuffix(s, " kB"), 10, 64)
	return n << 10
}
