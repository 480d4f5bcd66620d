package gpu

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Region is a range of bytes of one buffer of a program.
type Region struct {
	Buffer   int // index in the program's buffers
	From, To int // bytes
}

// Overlaps tells whether two regions share a byte.
func (r Region) Overlaps(o Region) bool {
	return r.Buffer == o.Buffer && r.From < o.To && o.From < r.To
}

// Dispatch is one launch of a kernel, recorded when a graph is compiled and replayed in each step.
type Dispatch struct {
	Op       *graph.Op // what it belongs to, for messages and profiles
	Family   string    // shader file
	Kernel   string
	Consts   []Constant
	Bindings []Binding
	Args     []byte // packed argument struct
	Groups   Size
	Threads  Size
	Reads    []Region
	Writes   []Region
}

// Binding is an operand: a place in a buffer from which the kernel counts.
type Binding struct {
	Buffer int
	Offset int // bytes
	Bytes  int // that belong to the operand; 0 when it is absent
}

func (d *Dispatch) String() string {
	return fmt.Sprintf("%s of %s", d.Kernel, d.Op)
}

// conflict tells whether b must not run beside a: one of them writes what the other touches.
func conflict(a, b *Dispatch) bool {
	return touch(a.Writes, b.Reads) || touch(a.Writes, b.Writes) || touch(a.Reads, b.Writes)
}

func touch(a, b []Region) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return true
			}
		}
	}
	return false
}
