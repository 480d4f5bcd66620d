package reflect

import (
	"regexp"
	"strconv"
	"strings"
)

// Field is one member of a struct.
type Field struct {
	Name, Type   string
	Count        int // elements of an array, 1 for a plain member
	Offset, Size int // bytes
}

// Struct is the layout of a struct of the source, as Metal lays it out.
type Struct struct {
	Name   string
	File   string
	Line   int
	Fields []Field
	Size   int
	Align  int
}

var (
	structRE = regexp.MustCompile(`\bstruct\s+(\w+)\s*\{`)
	vectorRE = regexp.MustCompile(`^(packed_)?(char|uchar|short|ushort|int|uint|long|ulong|half|float)([234])$`)
	memberRE = regexp.MustCompile(`^(\w+)\s*(?:\[\s*(\w+)\s*\])?$`)
	intRE    = regexp.MustCompile(`\bconstant\s+constexpr\s+\w+\s+(\w+)\s*=\s*(\d+)u?\s*;`)
)

var scalars = map[string]int{
	"bool": 1, "char": 1, "uchar": 1, "int8_t": 1, "uint8_t": 1,
	"short": 2, "ushort": 2, "half": 2, "bfloat": 2, "int16_t": 2, "uint16_t": 2,
	"int": 4, "uint": 4, "float": 4, "int32_t": 4, "uint32_t": 4,
	"atomic_int": 4, "atomic_uint": 4, "atomic_float": 4,
	"long": 8, "ulong": 8, "int64_t": 8, "uint64_t": 8, "size_t": 8,
}

// Struct finds a struct by name, nil when there is none or its members are not plain data.
func (u *Unit) Struct(name string) *Struct {
	for i := range u.Structs {
		if u.Structs[i].Name == name {
			return &u.Structs[i]
		}
	}
	return nil
}

// Layout gives size and alignment in bytes of a type of the language or a struct of the source.
func (u *Unit) Layout(typ string) (size, align int, ok bool) {
	if n := scalars[typ]; n > 0 {
		return n, n, true
	}
	if m := vectorRE.FindStringSubmatch(typ); m != nil {
		n, _ := strconv.Atoi(m[3])
		one := scalars[m[2]]
		if m[1] != "" {
			return n * one, one, true
		}
		if n == 3 {
			n = 4 // a vector of three takes the room of four
		}
		return n * one, n * one, true
	}
	if s := u.Struct(typ); s != nil {
		return s.Size, s.Align, true
	}
	return 0, 0, false
}

// structs lays out every struct that holds only data of known types; others are passed over.
func (u *Unit) structs() {
	counts := map[string]int{}
	for _, m := range intRE.FindAllStringSubmatch(u.code, -1) {
		counts[m[1]], _ = strconv.Atoi(m[2])
	}
	for _, loc := range structRE.FindAllStringSubmatchIndex(u.code, -1) {
		s := Struct{Name: u.code[loc[2]:loc[3]], Align: 1}
		s.File, s.Line = Position(u.code, loc[0])
		end := closing(u.code, loc[1]-1, '{', '}')
		if u.fields(&s, u.code[loc[1]:end-1], counts) {
			u.Structs = append(u.Structs, s)
		}
	}
}

func (u *Unit) fields(s *Struct, body string, counts map[string]int) bool {
	for _, decl := range strings.Split(body, ";") {
		words := strings.Fields(decl)
		if len(words) == 0 {
			continue
		}
		size, align, ok := u.Layout(words[0])
		if !ok {
			return false
		}
		for _, name := range splitTop(strings.Join(words[1:], " ")) {
			m := memberRE.FindStringSubmatch(strings.TrimSpace(name))
			if m == nil {
				return false
			}
			f := Field{Name: m[1], Type: words[0], Count: 1, Size: size}
			if m[2] != "" {
				n, err := strconv.Atoi(m[2])
				if err != nil {
					n = counts[m[2]]
				}
				if n <= 0 {
					return false
				}
				f.Count, f.Size = n, n*size
			}
			f.Offset = (s.Size + align - 1) / align * align
			s.Size = f.Offset + f.Size
			s.Align = max(s.Align, align)
			s.Fields = append(s.Fields, f)
		}
	}
	s.Size = (s.Size + s.Align - 1) / s.Align * s.Align
	return s.Size > 0
}
