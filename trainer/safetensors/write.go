package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

// chunk is the size of the pieces in which bytes reach the disk and the hash: large enough that
// neither is called often, small enough to stay in the second-level cache between the two.
const chunk = 1 << 18

// Tensor is one tensor to write. Its bytes are Data, or, when Data is nil, whatever Write hands to
// w: exactly the size of the tensor, in pieces of any length. Write is called once, when the
// tensor's turn in the file comes, so a caller can stream weights off a device through one small
// buffer.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
	Write func(w io.Writer) error
}

// Float32s is a tensor that shares memory with v.
func Float32s(name string, v []float32, shape ...int) Tensor {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
	return Tensor{Name: name, DType: F32, Shape: shape, Data: b}
}

// Int64s is a tensor that shares memory with v.
func Int64s(name string, v []int64, shape ...int) Tensor {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 8*len(v))
	return Tensor{Name: name, DType: I64, Shape: shape, Data: b}
}

// Sum identifies a written file: the SHA-256 of its bytes in hexadecimal, and its size.
type Sum struct {
	SHA256 string
	Size   int64
}

// WriteFile writes tensors and metadata to path, atomically: a crash leaves the old file or the
// new one. Tensors are stored widest element first, then by name, whatever their order here, so
// equal tensors give equal files.
func WriteFile(path string, tensors []Tensor, meta map[string]string) (Sum, error) {
	var sum Sum
	err := atomicfile.Write(path, func(w io.Writer) error {
		h := sha256.New()
		n, err := Encode(io.MultiWriter(w, h), tensors, meta)
		sum = Sum{hex.EncodeToString(h.Sum(nil)), n}
		return err
	})
	if err != nil {
		return Sum{}, fmt.Errorf("could not write %q: %w", path, err)
	}
	return sum, nil
}

// Encode streams a safetensors file to w and returns its size in bytes. Errors name the tensor;
// the caller knows the file.
func Encode(w io.Writer, tensors []Tensor, meta map[string]string) (int64, error) {
	sorted := slices.Clone(tensors)
	slices.SortStableFunc(sorted, func(a, b Tensor) int {
		if c := b.DType.Size() - a.DType.Size(); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	header, total, err := encodeHeader(sorted, meta)
	if err != nil {
		return 0, err
	}
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(header)))
	if _, err := w.Write(length[:]); err != nil {
		return 0, err
	}
	if _, err := w.Write(header); err != nil {
		return 0, err
	}
	for i := range sorted {
		if err := writeTensor(w, &sorted[i]); err != nil {
			return 0, err
		}
	}
	return 8 + int64(len(header)) + total, nil
}

// encodeHeader checks the tensors and returns the padded JSON and the bytes of data after it.
func encodeHeader(sorted []Tensor, meta map[string]string) ([]byte, int64, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	if meta != nil {
		m, err := json.Marshal(meta)
		if err != nil {
			return nil, 0, err
		}
		fmt.Fprintf(&buf, "%q:%s", metadataKey, m)
	}
	var offset int64
	seen := make(map[string]bool, len(sorted))
	for i := range sorted {
		t := &sorted[i]
		n, err := checkTensor(t)
		if err != nil {
			return nil, 0, err
		}
		if seen[t.Name] {
			return nil, 0, fmt.Errorf("two tensors bear the name %q", t.Name)
		}
		seen[t.Name] = true
		if offset+n < offset {
			return nil, 0, fmt.Errorf("the tensors up to %q exceed any file size", t.Name)
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, 0, err
		}
		entry, err := json.Marshal(struct {
			DType   DType    `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{t.DType, shape, [2]int64{offset, offset + n}})
		if err != nil {
			return nil, 0, err
		}
		if buf.Len() > 1 {
			buf.WriteByte(',')
		}
		buf.Write(name)
		buf.WriteByte(':')
		buf.Write(entry)
		offset += n
	}
	buf.WriteByte('}')
	for buf.Len()%8 != 0 {
		buf.WriteByte(' ')
	}
	if buf.Len() > maxHeader {
		return nil, 0, fmt.Errorf("the header would take %d bytes, the limit is %d",
			buf.Len(), maxHeader)
	}
	return buf.Bytes(), offset, nil
}

// checkTensor returns the bytes the tensor will take.
func checkTensor(t *Tensor) (int64, error) {
	if t.Name == "" || t.Name == metadataKey || !utf8.ValidString(t.Name) {
		return 0, fmt.Errorf("%q cannot be the name of a tensor", t.Name)
	}
	n, err := Spec{t.Name, t.DType, t.Shape}.bytes()
	if err != nil {
		return 0, err
	}
	if t.Data == nil && t.Write == nil && n > 0 {
		return 0, fmt.Errorf("tensor %q has no bytes to write", t.Name)
	}
	if t.Data != nil && int64(len(t.Data)) != n {
		return 0, fmt.Errorf("tensor %q of shape %s takes %d bytes, %d were given",
			t.Name, shapeText(t.Shape), n, len(t.Data))
	}
	return n, nil
}

// writeTensor writes the bytes of t, whose Data has been checked.
func writeTensor(w io.Writer, t *Tensor) error {
	if t.Data != nil || t.Write == nil {
		for b := t.Data; len(b) > 0; {
			n := min(chunk, len(b))
			if _, err := w.Write(b[:n]); err != nil {
				return err
			}
			b = b[n:]
		}
		return nil
	}
	want, err := Spec{t.Name, t.DType, t.Shape}.bytes()
	if err != nil {
		return err
	}
	exact := &exactWriter{w: w, left: want}
	err = t.Write(exact)
	if exact.err != nil {
		err = exact.err
	}
	if err != nil {
		return fmt.Errorf("tensor %q could not be written: %w", t.Name, err)
	}
	if exact.left != 0 {
		return fmt.Errorf("tensor %q takes %d bytes, its source gave only %d",
			t.Name, want, want-exact.left)
	}
	return nil
}

var errTooMany = errors.New("the source gives more bytes than the tensor's shape holds")

// exactWriter refuses the first byte beyond a tensor and remembers a failure its source ignored.
type exactWriter struct {
	w    io.Writer
	left int64
	err  error
}

func (e *exactWriter) Write(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	if int64(len(p)) > e.left {
		e.err = errTooMany
		return 0, e.err
	}
	n, err := e.w.Write(p)
	e.left -= int64(n)
	e.err = err
	return n, err
}
