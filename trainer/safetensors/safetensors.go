// Package safetensors reads and writes the safetensors file format: an 8-byte little-endian header
// length, a JSON header, and raw little-endian tensors in C order. Writing is streamed and atomic,
// so weights that live on a device need no second copy; reading is a memory map in which every
// extent has been checked. Hosts are little-endian (amd64 and arm64), so bytes are never swapped.
package safetensors

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// DType is the name of an element type as it stands in the header.
type DType string

// The element types that are read and written.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
	U32  DType = "U32"
	U16  DType = "U16"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// Size is the number of bytes of one element, 0 for a type this package does not know.
func (d DType) Size() int {
	switch d {
	case F64, I64:
		return 8
	case F32, I32, U32:
		return 4
	case F16, BF16, U16:
		return 2
	case U8, Bool:
		return 1
	}
	return 0
}

// maxHeader is the largest header accepted, as in the reference reader.
const maxHeader = 100 << 20

// metadataKey is the one header key that is not a tensor.
const metadataKey = "__metadata__"

// Spec is what is known of a tensor without its bytes.
type Spec struct {
	Name  string
	DType DType
	Shape []int
}

// bytes is the size of the tensor. The product is taken over the non-zero dimensions first, so
// that the verdict on a hostile shape does not depend on the order of its dimensions.
func (s Spec) bytes() (int64, error) {
	width := s.DType.Size()
	if width == 0 {
		return 0, fmt.Errorf("tensor %q has the unknown element type %q", s.Name, string(s.DType))
	}
	n, empty := uint64(width), false
	for _, d := range s.Shape {
		if d < 0 {
			return 0, fmt.Errorf("tensor %q has the negative dimension %d", s.Name, d)
		}
		if d == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, fmt.Errorf("tensor %q of shape %s is larger than any file can be",
				s.Name, shapeText(s.Shape))
		}
		n = lo
	}
	if empty {
		return 0, nil
	}
	return int64(n), nil
}

// shapeText prints a shape, shortened when it is absurdly long.
func shapeText(shape []int) string {
	if len(shape) > 16 {
		return fmt.Sprintf("%v with %d dimensions", shape[:16], len(shape))
	}
	return fmt.Sprint(shape)
}

// Errors of this package match one of these with errors.Is; all are sentences.
var (
	// ErrTruncated: the file ends before what its header promises. See TruncatedError.
	ErrTruncated = errors.New("the file is truncated")
	// ErrFormat: the bytes are not a safetensors file, or contradict themselves.
	ErrFormat = errors.New("the file is not a valid safetensors file")
	// ErrMismatch: a good file holds other tensors than were asked for. See MismatchError.
	ErrMismatch = errors.New("the tensors do not match")
)

// TruncatedError says by how much a file is too short. It is ErrTruncated.
type TruncatedError struct {
	Path       string
	Tensor     string // the first tensor that is cut, empty when the header itself is cut
	Want, Have int64  // bytes expected and found
}

// Error is a sentence with both byte counts.
func (e *TruncatedError) Error() string {
	where := ""
	if e.Tensor != "" {
		where = fmt.Sprintf(", cut inside or before tensor %q", e.Tensor)
	}
	return fmt.Sprintf("file %q is truncated: %d bytes expected, %d found%s; "+
		"copy it again or use an older checkpoint", e.Path, e.Want, e.Have, where)
}

// Is makes errors.Is(err, ErrTruncated) true.
func (e *TruncatedError) Is(target error) bool { return target == ErrTruncated }

// MismatchError lists how the tensors of a file differ from those asked for. It is ErrMismatch.
type MismatchError struct {
	Path        string
	Differences []string // one clause each, in the order asked for
}

// Error is a sentence with the first three differences.
func (e *MismatchError) Error() string {
	list, more := e.Differences, ""
	if len(list) > 3 {
		list, more = list[:3], fmt.Sprintf("; and %d more differences", len(e.Differences)-3)
	}
	return fmt.Sprintf("file %q does not match the model: %s%s; "+
		"open it with the configuration it was trained with", e.Path, strings.Join(list, "; "), more)
}

// Is makes errors.Is(err, ErrMismatch) true.
func (e *MismatchError) Is(target error) bool { return target == ErrMismatch }

// formatError is a sentence that matches ErrFormat.
type formatError string

func (e formatError) Error() string { return string(e) }

func (e formatError) Is(target error) bool { return target == ErrFormat }

// badFile builds a formatError about a file.
func badFile(path, format string, args ...any) error {
	return formatError(fmt.Sprintf("file %q is not a valid safetensors file: ", path) +
		fmt.Sprintf(format, args...))
}
