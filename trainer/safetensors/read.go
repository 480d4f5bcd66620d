package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"syscall"
	"unsafe"
)

// File is an open safetensors file: a read-only memory map. It may be read by many goroutines.
// The file must not be shortened while it is open; files written by this project never are,
// because they are only ever replaced.
type File struct {
	path    string
	mapped  []byte // what Close unmaps, nil for Decode
	data    []byte // the bytes after the header
	tensors map[string]extent
	meta    map[string]string
}

// extent is one header entry: the tensor is data[begin:end].
type extent struct {
	Spec
	begin, end int64
}

// Open maps the file at path and checks its whole header. Errors are sentences that match
// ErrTruncated or ErrFormat, or come from the file system.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("could not open %q: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("could not open %q: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, badFile(path, "it is a folder or a device")
	}
	if info.Size() < 8 {
		return nil, &TruncatedError{Path: path, Want: 8, Have: info.Size()}
	}
	if info.Size() > math.MaxInt {
		return nil, fmt.Errorf("file %q of %d bytes is too large for this machine", path, info.Size())
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("could not map %q into memory: %w", path, err)
	}
	file, err := Decode(path, m)
	if err != nil {
		syscall.Munmap(m) // the reason the file is refused is the error that matters
		return nil, err
	}
	file.mapped = m
	return file, nil
}

// Decode checks a safetensors file that is already in memory; path is used in errors only. The
// File shares b.
func Decode(path string, b []byte) (*File, error) {
	if len(b) < 8 {
		return nil, &TruncatedError{Path: path, Want: 8, Have: int64(len(b))}
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader {
		return nil, badFile(path, "it claims a header of %d bytes, the limit is %d", n, maxHeader)
	}
	if len(b) > 8 && b[8] != '{' || n < 2 {
		return nil, badFile(path, "no header begins at byte 8")
	}
	if n > uint64(len(b)-8) {
		return nil, &TruncatedError{Path: path, Want: 8 + int64(n), Have: int64(len(b))}
	}
	f := &File{path: path, data: b[8+n:]}
	var err error
	if f.tensors, f.meta, err = parseHeader(b[8 : 8+n]); err != nil {
		return nil, badFile(path, "%v", err)
	}
	if err := f.checkExtents(8+int64(n), int64(len(b))); err != nil {
		return nil, err
	}
	return f, nil
}

// checkExtents demands that the tensors follow each other without gap or overlap from the first
// byte of data to the last one. base is the offset of the data in a file of size bytes.
func (f *File) checkExtents(base, size int64) error {
	list := slices.SortedFunc(maps.Values(f.tensors), func(a, b extent) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end),
			cmp.Compare(a.Name, b.Name))
	})
	var at int64
	var cut string
	for _, e := range list {
		n, err := e.bytes()
		if err != nil {
			return badFile(f.path, "%v", err)
		}
		if e.end-e.begin != n {
			return badFile(f.path, "tensor %q of type %s and shape %s takes %d bytes, "+
				"its extent [%d, %d] has %d", e.Name, e.DType, shapeText(e.Shape), n,
				e.begin, e.end, e.end-e.begin)
		}
		if e.begin < at {
			return badFile(f.path, "tensor %q overlaps the one before it at byte %d of the data",
				e.Name, e.begin)
		}
		if e.begin > at {
			return badFile(f.path, "there is a gap of %d bytes before tensor %q",
				e.begin-at, e.Name)
		}
		if e.end > math.MaxInt64-base {
			return badFile(f.path, "tensor %q ends beyond any file", e.Name)
		}
		if cut == "" && base+e.end > size {
			cut = e.Name
		}
		at = e.end
	}
	if base+at > size {
		return &TruncatedError{Path: f.path, Tensor: cut, Want: base + at, Have: size}
	}
	if base+at < size {
		return badFile(f.path, "%d bytes follow the last tensor", size-base-at)
	}
	return nil
}

// Close unmaps the file. Bytes obtained from it must not be touched afterwards.
func (f *File) Close() error {
	m := f.mapped
	f.mapped, f.data, f.tensors = nil, nil, nil
	if m == nil {
		return nil
	}
	return syscall.Munmap(m)
}

// Path is the name the file was opened by.
func (f *File) Path() string { return f.path }

// Metadata is the string map of the header, nil when there is none. It must not be changed.
func (f *File) Metadata() map[string]string { return f.meta }

// Names lists the tensors in alphabetical order.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.tensors)) }

// Lookup returns the type and shape of a tensor and whether the file holds it.
func (f *File) Lookup(name string) (Spec, bool) {
	e, ok := f.tensors[name]
	return e.Spec, ok
}

// Match checks that the file holds every tensor of want with its type and shape. With exact, it
// must hold nothing else. The error is a *MismatchError with every difference.
func (f *File) Match(want []Spec, exact bool) error {
	var diff []string
	asked := make(map[string]bool, len(want))
	for _, w := range want {
		asked[w.Name] = true
		have, ok := f.tensors[w.Name]
		switch {
		case !ok:
			diff = append(diff, fmt.Sprintf("tensor %q is missing", w.Name))
		case !slices.Equal(have.Shape, w.Shape):
			diff = append(diff, fmt.Sprintf("tensor %q has shape %s, the model wants %s",
				w.Name, shapeText(have.Shape), shapeText(w.Shape)))
		case have.DType != w.DType:
			diff = append(diff, fmt.Sprintf("tensor %q has type %s, the model wants %s",
				w.Name, have.DType, w.DType))
		}
	}
	if exact {
		for _, name := range f.Names() {
			if !asked[name] {
				diff = append(diff, fmt.Sprintf("tensor %q is not in the model", name))
			}
		}
	}
	if diff != nil {
		return &MismatchError{Path: f.path, Differences: diff}
	}
	return nil
}

// Bytes returns the raw bytes of a tensor inside the map: read-only, and valid until Close.
func (f *File) Bytes(name string) ([]byte, error) {
	e, ok := f.tensors[name]
	if !ok {
		return nil, &MismatchError{f.path, []string{fmt.Sprintf("tensor %q is missing", name)}}
	}
	return f.data[e.begin:e.end:e.end], nil
}

// Tensor returns a tensor ready to be written to another file. Its bytes are those of the map.
func (f *File) Tensor(name string) (Tensor, error) {
	b, err := f.Bytes(name)
	if err != nil {
		return Tensor{}, err
	}
	s := f.tensors[name].Spec
	return Tensor{Name: name, DType: s.DType, Shape: s.Shape, Data: b}, nil
}

// Float32s returns a copy of a floating-point tensor as float32, F64 rounded to nearest.
func (f *File) Float32s(name string) ([]float32, error) {
	b, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(b)/f.tensors[name].DType.Size())
	return out, f.ReadFloat32s(out, name)
}

// ReadFloat32s is Float32s into dst, whose length must be the number of elements.
func (f *File) ReadFloat32s(dst []float32, name string) error {
	b, err := f.Bytes(name)
	if err != nil {
		return err
	}
	d := f.tensors[name].DType
	if len(b)/d.Size() != len(dst) {
		return &MismatchError{f.path, []string{fmt.Sprintf("tensor %q has %d elements, "+
			"%d are wanted", name, len(b)/d.Size(), len(dst))}}
	}
	switch d {
	case F32:
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), b)
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
	case F16:
		for i := range dst {
			dst[i] = halfToFloat32(binary.LittleEndian.Uint16(b[2*i:]))
		}
	default:
		return &MismatchError{f.path, []string{fmt.Sprintf("tensor %q has type %s, "+
			"a floating-point type is wanted", name, d)}}
	}
	return nil
}

// Int64s returns a copy of an integer or boolean tensor as int64.
func (f *File) Int64s(name string) ([]int64, error) {
	b, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	d := f.tensors[name].DType
	out := make([]int64, len(b)/d.Size())
	for i := range out {
		switch d {
		case I64:
			out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		case I32:
			out[i] = int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		case U32:
			out[i] = int64(binary.LittleEndian.Uint32(b[4*i:]))
		case U16:
			out[i] = int64(binary.LittleEndian.Uint16(b[2*i:]))
		case U8, Bool:
			out[i] = int64(b[i])
		default:
			return nil, &MismatchError{f.path, []string{fmt.Sprintf("tensor %q has type %s, "+
				"an integer type is wanted", name, d)}}
		}
	}
	return out, nil
}

// halfToFloat32 widens an IEEE binary16 number, exactly.
func halfToFloat32(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // zero and subnormal: fraction * 2^-24
		v := math.Float32bits(float32(fraction) * (1.0 / (1 << 24)))
		return math.Float32frombits(v | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent-15+127)<<23 | fraction<<13)
}
