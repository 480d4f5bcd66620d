package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample has every element type, a scalar, an empty tensor and a name that JSON must escape.
func sample() []Tensor {
	return []Tensor{
		{Name: "flag", DType: Bool, Shape: []int{3}, Data: []byte{1, 0, 1}},
		Float32s("blocks.0.q.w", []float32{1, -2, 3.5, 0, 1e-40, float32(math.Inf(1))}, 2, 3),
		Int64s("ids", []int64{-1, math.MaxInt64}, 2),
		{Name: "half", DType: F16, Shape: []int{4},
			Data: []byte{0, 0x3c, 0x01, 0x00, 0xff, 0xfb, 0, 0x7c}},
		{Name: "brain", DType: BF16, Shape: []int{1}, Data: []byte{0xc0, 0x3f}},
		{Name: "double", DType: F64, Data: binary.LittleEndian.AppendUint64(nil,
			math.Float64bits(0.1))},
		{Name: "i32", DType: I32, Shape: []int{1}, Data: []byte{0xfe, 0xff, 0xff, 0xff}},
		{Name: "u32", DType: U32, Shape: []int{1}, Data: []byte{0xfe, 0xff, 0xff, 0xff}},
		{Name: "u16", DType: U16, Shape: []int{1}, Data: []byte{0xff, 0xff}},
		{Name: "u8 \"é\n", DType: U8, Shape: []int{2, 1}, Data: []byte{7, 255}},
		{Name: "empty", DType: F32, Shape: []int{0, 4}},
	}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	meta := map[string]string{"format": "pt", "step": "10"}
	sum, err := WriteFile(path, sample(), meta)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(raw)
	if want := (Sum{hex.EncodeToString(h[:]), int64(len(raw))}); sum != want {
		t.Errorf("WriteFile returned %v, the file is %v", sum, want)
	}
	if n := binary.LittleEndian.Uint64(raw); n%8 != 0 || raw[8+n-1] != ' ' && raw[8+n-1] != '}' {
		t.Errorf("header of %d bytes is not padded to 8", n)
	}

	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if d := cmp.Diff(meta, f.Metadata()); d != "" {
		t.Error(d)
	}
	for _, want := range sample() {
		got, err := f.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.DType != want.DType || fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) ||
			!bytes.Equal(got.Data, want.Data) {
			t.Errorf("%q came back as %v", want.Name, got)
		}
	}
	if len(f.Names()) != len(sample()) {
		t.Errorf("names %q", f.Names())
	}
	floats := map[string][]float32{
		"blocks.0.q.w": {1, -2, 3.5, 0, 1e-40, float32(math.Inf(1))},
		"half":         {1, 1.0 / (1 << 24), -65504, float32(math.Inf(1))},
		"brain":        {1.5},
		"double":       {0.1},
		"empty":        {},
	}
	for name, want := range floats {
		if got, err := f.Float32s(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s = %v (%v), want %v", name, got, err, want)
		}
	}
	integers := map[string][]int64{
		"ids": {-1, math.MaxInt64}, "i32": {-2}, "u32": {1<<32 - 2}, "u16": {65535},
		"u8 \"é\n": {7, 255}, "flag": {1, 0, 1},
	}
	for name, want := range integers {
		got, err := f.Int64s(name)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(name, err, d)
		}
	}
	for _, err := range []error{
		f.ReadFloat32s(make([]float32, 2), "ids"), f.ReadFloat32s(make([]float32, 5), "half"),
		second(f.Int64s("half")), second(f.Float32s("no such")), second(f.Int64s("no such")),
	} {
		if !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v does not say that %s does not match", err, path)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestHalf widens all 65,536 half-precision numbers and compares with the definition.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		got := float64(halfToFloat32(uint16(h)))
		sign, e, m := 1.0, h>>10&31, float64(h&1023)
		if h>>15 == 1 {
			sign = -1
		}
		want := sign * math.Ldexp(1+m/1024, e-15)
		switch {
		case e == 0:
			want = sign * math.Ldexp(m, -24)
		case e == 31 && m == 0:
			want = math.Inf(int(sign))
		case e == 31:
			want = math.NaN()
		}
		same := math.Float64bits(got) == math.Float64bits(want)
		if !same && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("half %#04x is %v, want %v", h, got, want)
		}
	}
}

// TestOrder fixes the bytes of a small file: widest first, then by name, whatever the order given.
func TestOrder(t *testing.T) {
	a := Float32s("a", []float32{1}, 1)
	b := Float32s("b", []float32{2})
	c := Int64s("z", []int64{3}, 1)
	const header = `{"__metadata__":{"k":"v"},` +
		`"z":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},` +
		`"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},` +
		`"b":{"dtype":"F32","shape":[],"data_offsets":[12,16]}}`
	padded := header + strings.Repeat(" ", -len(header)&7)
	want := append(binary.LittleEndian.AppendUint64(nil, uint64(len(padded))), padded...)
	want = append(want, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40)
	for _, list := range [][]Tensor{{a, b, c}, {c, b, a}} {
		var buf bytes.Buffer
		n, err := Encode(&buf, list, map[string]string{"k": "v"})
		if err != nil || n != int64(buf.Len()) {
			t.Fatalf("Encode: %d bytes, %v; wrote %d", n, err, buf.Len())
		}
		if d := cmp.Diff(want, buf.Bytes()); d != "" {
			t.Error(d)
		}
	}
}

// TestLazy streams a tensor in uneven pieces and expects the file of the same bytes in memory.
func TestLazy(t *testing.T) {
	v := make([]float32, 100_000)
	for i := range v {
		v[i] = float32(i)
	}
	whole := Float32s("w", v, 100, 1000)
	lazy := Tensor{Name: "w", DType: F32, Shape: whole.Shape, Write: func(w io.Writer) error {
		for b, n := whole.Data, 1; len(b) > 0; n = n*3 + 1 {
			n = min(n, len(b))
			if _, err := w.Write(b[:n]); err != nil {
				return err
			}
			b = b[n:]
		}
		return nil
	}}
	dir := t.TempDir()
	a, err := WriteFile(filepath.Join(dir, "a"), []Tensor{whole}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := WriteFile(filepath.Join(dir, "b"), []Tensor{lazy}, nil)
	if err != nil || a != b {
		t.Errorf("lazy file is %v (%v), want %v", b, err, a)
	}
}

func TestWriteErrors(t *testing.T) {
	boom := errors.New("the device went away")
	give := func(n int) func(io.Writer) error {
		return func(w io.Writer) error { w.Write(make([]byte, n)); return nil }
	}
	cases := map[string]struct {
		tensors []Tensor
		want    string
	}{
		"size": {[]Tensor{Float32s("w", make([]float32, 3), 2, 2)},
			`"w" of shape [2 2] takes 16 bytes, 12`},
		"duplicate": {[]Tensor{Float32s("w", nil, 0), Float32s("w", nil, 0)},
			`two tensors bear the name "w"`},
		"name":      {[]Tensor{Float32s("__metadata__", nil, 0)}, "cannot be the name"},
		"no name":   {[]Tensor{Float32s("", nil, 0)}, "cannot be the name"},
		"utf8":      {[]Tensor{Float32s("\xff", nil, 0)}, "cannot be the name"},
		"dtype":     {[]Tensor{{Name: "w", DType: "F8"}}, `"w" has the unknown element type "F8"`},
		"negative":  {[]Tensor{Float32s("w", nil, -1)}, `"w" has the negative dimension -1`},
		"overflow":  {[]Tensor{Float32s("w", nil, 1<<31, 1<<31)}, `larger than any file`},
		"overflow0": {[]Tensor{Float32s("w", nil, 0, 1<<31, 1<<31)}, `larger than any file`},
		"no bytes":  {[]Tensor{{Name: "w", DType: F32}}, `"w" has no bytes`},
		"few": {[]Tensor{{Name: "w", DType: F32, Write: give(3)}},
			`"w" takes 4 bytes, its source gave only 3`},
		"many": {[]Tensor{{Name: "w", DType: F32, Write: give(5)}}, `more bytes than`},
		"source": {[]Tensor{{Name: "w", DType: F32, Write: func(io.Writer) error { return boom }}},
			`tensor "w" could not be written: the device went away`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "m.safetensors")
			good, err := WriteFile(path, sample(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = WriteFile(path, c.tensors, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %s and the file", err, c.want)
			}
			raw, _ := os.ReadFile(path)
			h := sha256.Sum256(raw)
			entries, _ := os.ReadDir(dir)
			if hex.EncodeToString(h[:]) != good.SHA256 || len(entries) != 1 {
				t.Errorf("the old file did not survive alone: %v", entries)
			}
		})
	}
}

// build puts a header and n bytes of data into a file image.
func build(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func TestReadErrors(t *testing.T) {
	entry := func(name, dtype, shape string, begin, end int64) string {
		return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`,
			name, dtype, shape, begin, end)
	}
	obj := func(parts ...string) string { return "{" + strings.Join(parts, ",") + "}" }
	a := entry("a", "F32", "[2]", 0, 8)
	cases := map[string]struct {
		file []byte
		kind error
		want string
	}{
		"empty":       {nil, ErrTruncated, "8 bytes expected, 0 found"},
		"7 bytes":     {make([]byte, 7), ErrTruncated, "8 bytes expected, 7 found"},
		"zero header": {make([]byte, 8), ErrFormat, "no header"},
		"huge header": {[]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"),
			ErrFormat, "18446744073709551615"},
		"over the cap": {binary.LittleEndian.AppendUint64(nil, 100<<20+1), ErrFormat, "104857601"},
		"cut header":   {build(obj(a), 8)[:20], ErrTruncated, "20 found"},
		"not a header": {[]byte("GIF89a..whatever it is"), ErrFormat, "file"},
		"text":         {[]byte("\x05\x00\x00\x00\x00\x00\x00\x00hello"), ErrFormat, "no header"},
		"cut data": {build(obj(a, entry("b", "U8", "[4]", 8, 12)), 11),
			ErrTruncated, `tensor "b"`},
		"no data": {build(obj(a, entry("b", "U8", "[4]", 8, 12)), 0),
			ErrTruncated, `tensor "a"`},
		"more data": {build(obj(a), 9), ErrFormat, "1 bytes follow the last tensor"},
		"bad json":  {build(`{"a":`, 0), ErrFormat, "JSON"},
		"array":     {build(`{"a":[]}`, 0), ErrFormat, `tensor "a"`},
		"twice":     {build(obj(a, a), 8), ErrFormat, `two tensors bear the name "a"`},
		"gap": {build(obj(a, entry("b", "U8", "[1]", 9, 10)), 10),
			ErrFormat, `gap of 1 bytes before tensor "b"`},
		"first gap": {build(obj(entry("a", "U8", "[1]", 1, 2)), 2), ErrFormat, "gap of 1"},
		"overlap": {build(obj(a, entry("b", "U8", "[1]", 7, 8)), 8),
			ErrFormat, `"b" overlaps`},
		"alias": {build(obj(a, entry("b", "F32", "[2]", 0, 8)), 8), ErrFormat, `overlaps`},
		"extent": {build(obj(entry("a", "F32", "[2]", 0, 4)), 4),
			ErrFormat, `"a" of type F32 and shape [2] takes 8 bytes`},
		"reversed": {build(obj(entry("a", "F32", "[2]", 8, 0)), 8),
			ErrFormat, "not a begin and an end"},
		"negative": {build(obj(entry("a", "F32", "[-2]", 0, 8)), 8),
			ErrFormat, `-2 is not a whole number`},
		"fraction": {build(obj(entry("a", "F32", "[2.0]", 0, 8)), 8),
			ErrFormat, `2.0 is not a whole number`},
		"overflow": {build(obj(entry("a", "F32", "[4294967296,4294967296]", 0, 0)), 0),
			ErrFormat, "larger than any file"},
		"wraps to zero": {build(obj(entry("a", "U8", "[9223372036854775807,2]", 0, 0)), 0),
			ErrFormat, "larger than any file"},
		"huge offset": {build(obj(entry("a", "U8", "[9223372036854775807]", 0, math.MaxInt64)), 0),
			ErrFormat, "beyond any file"},
		"65 bit": {build(`{"a":{"dtype":"U8","shape":[],"data_offsets":[0,18446744073709551617]}}`, 1),
			ErrFormat, "whole number"},
		"dtype": {build(obj(entry("a", "Q4", "[2]", 0, 8)), 8),
			ErrFormat, "element type Q4"},
		"case": {build(`{"a":{"DTYPE":"U8","shape":[],"data_offsets":[0,1]}}`, 1),
			ErrFormat, `"dtype" is missing`},
		"field twice": {build(`{"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 1),
			ErrFormat, `stands twice`},
		"metadata": {build(`{"__metadata__":{"a":1}}`, 0),
			ErrFormat, `metadata "a" is not a string`},
		"two metadata": {build(`{"__metadata__":{},"__metadata__":{}}`, 0),
			ErrFormat, "two metadata"},
		"tail": {build(`{} {}`, 0), ErrFormat, "something follows"},
		"utf8": {build("{\"\xff\":{}}", 0), ErrFormat, "UTF-8"},
	}
	dir := t.TempDir()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "bad.safetensors")
			if err := os.WriteFile(path, c.file, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.want) ||
				!strings.Contains(fmt.Sprint(err), path) {
				t.Errorf("error %v, want %q, the file, and %v", err, c.want, c.kind)
			}
		})
	}
	if _, err := Open(dir); !errors.Is(err, ErrFormat) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestEveryCut opens a good file at each shorter length: always ErrTruncated with both counts.
func TestEveryCut(t *testing.T) {
	var buf bytes.Buffer
	if _, err := Encode(&buf, sample(), map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	whole := buf.Bytes()
	if _, err := Decode("x", whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		var cut *TruncatedError
		if _, err := Decode("x", whole[:n]); !errors.As(err, &cut) || cut.Have != int64(n) ||
			cut.Want <= int64(n) || cut.Want > int64(len(whole)) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

// TestAccepts reads what other writers may produce.
func TestAccepts(t *testing.T) {
	for name, b := range map[string][]byte{
		"no tensors":    build(`{}`, 0),
		"unpadded":      build(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
		"unknown field": build(`{"a":{"x":{"y":[1]},"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 1),
		"empty ones": build(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},`+
			`"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`+
			`"c":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}`, 1),
	} {
		f, err := Decode(name, b)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, n := range f.Names() {
			if s, _ := f.Lookup(n); s.DType == F32 {
				if _, err := f.Float32s(n); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestMatch(t *testing.T) {
	var buf bytes.Buffer
	if _, err := Encode(&buf, sample(), nil); err != nil {
		t.Fatal(err)
	}
	f, err := Decode("ckpt/model.safetensors", buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	good := []Spec{{"blocks.0.q.w", F32, []int{2, 3}}, {"double", F64, nil}}
	if err := f.Match(good, false); err != nil {
		t.Error(err)
	}
	err = f.Match([]Spec{{"blocks.0.q.w", F32, []int{3, 2}}, {"ids", I32, []int{2}},
		{"gone", F32, nil}}, true)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || !errors.Is(err, ErrMismatch) ||
		len(mismatch.Differences) != 3+len(sample())-2 {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"ckpt/model.safetensors",
		`tensor "blocks.0.q.w" has shape [2 3], the model wants [3 2]`,
		`tensor "ids" has type I64, the model wants I32`, `tensor "gone" is missing`,
		"and 9 more differences"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

// FuzzDecode: whatever the bytes, Decode refuses them with a typed error or yields tensors that
// tile the data exactly and survive being written and read again.
func FuzzDecode(f *testing.F) {
	var buf bytes.Buffer
	if _, err := Encode(&buf, sample(), map[string]string{"a": "b"}); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add(buf.Bytes()[:40])
	f.Add(build(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0))
	f.Add(build(`{"a":{"dtype":"U8","shape":[0,9],"data_offsets":[0,0]},"__metadata__":{}}`, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Decode("fuzz", b)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTruncated) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		var tensors []Tensor
		total := 0
		for _, name := range file.Names() {
			tensor, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			total += len(tensor.Data)
			if name != "" { // readable, though this project does not write it
				tensors = append(tensors, tensor)
			}
		}
		if want := len(b) - 8 - int(binary.LittleEndian.Uint64(b)); total != want {
			t.Fatalf("tensors hold %d of %d bytes", total, want)
		}
		var again bytes.Buffer
		if _, err := Encode(&again, tensors, file.Metadata()); err != nil {
			t.Fatal(err)
		}
		back, err := Decode("again", again.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tensors {
			got, err := back.Bytes(want.Name)
			if err != nil || !bytes.Equal(got, want.Data) {
				t.Fatalf("%q changed on the way (%v)", want.Name, err)
			}
		}
	})
}
