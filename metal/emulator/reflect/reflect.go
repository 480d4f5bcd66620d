// Package reflect reads kernel signatures, function constants and argument structs out of Metal
// shader text. The emulator binds and lowers by what it finds; the product takes buffer indices and
// struct sizes from it, so that host and shader cannot drift apart unnoticed.
package reflect

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Arg is one parameter of a kernel.
type Arg struct {
	Name string
	Type string // as written, without the attribute: "device const float*"
	// Attr is "buffer", "threadgroup" or the name of a position attribute such as
	// "thread_position_in_grid".
	Attr  string
	Index int // of a buffer or threadgroup argument, else -1
	// Space is the address space of what the argument points to: "device", "constant",
	// "threadgroup", or empty for a value.
	Space    string
	Element  string // type pointed to, without space and qualifiers: "float4", "MatmulArgs"
	ReadOnly bool   // const, or in the constant space
	Ref      bool   // a reference rather than a pointer
}

// Kernel is the signature of one kernel function.
type Kernel struct {
	Name string
	File string // from the last #line directive, empty without one
	Line int
	Args []Arg
	// MaxThreads is the most threads of a threadgroup by max_total_threads_per_threadgroup, 0 without it.
	MaxThreads int
}

// Constant is a function constant.
type Constant struct {
	Name  string
	Type  string // bool, int, uint or float
	Index int
}

// Unit is what a source holds.
type Unit struct {
	Kernels   []Kernel
	Constants []Constant
	Structs   []Struct
	code      string
}

var (
	kernelRE = regexp.MustCompile(`(?:\bkernel|\[\[\s*kernel\s*\]\])\s+void\s+(\w+)\s*\(`)
	attrRE   = regexp.MustCompile(`\[\[\s*(\w+)\s*(?:\(\s*(\w+)\s*\))?\s*\]\]`)
	nameRE   = regexp.MustCompile(`(\w+)\s*$`)
	spaceRE  = regexp.MustCompile(`\b(device|constant|threadgroup)\b`)
	fcRE     = regexp.MustCompile(`\bconstant\s+(\w+)\s+(\w+)\s*` +
		`\[\[\s*function_constant\s*\(\s*(\w+)\s*\)\s*\]\]\s*;`)
	beforeRE = regexp.MustCompile(`\[\[([^\[\]]*)\]\]\s*$`)
	limitRE  = regexp.MustCompile(`^\s*max_total_threads_per_threadgroup\s*\(\s*(\w+)\s*\)\s*$`)
	tmplRE   = regexp.MustCompile(`\btemplate\s*<[^;{}]*>\s*$`)
)

// Parse reads a source. Errors name the file and line and say which rule of the language is broken.
func Parse(source string) (*Unit, error) {
	code := Strip(source)
	u := &Unit{code: code}
	if err := u.constants(); err != nil {
		return nil, err
	}
	for _, loc := range kernelRE.FindAllStringSubmatchIndex(code, -1) {
		k := Kernel{Name: code[loc[2]:loc[3]]}
		k.File, k.Line = Position(code, loc[0])
		if u.Kernel(k.Name) != nil {
			return nil, k.errorf("a second kernel of this name")
		}
		if tmplRE.MatchString(code[:loc[0]]) {
			return nil, k.errorf("a kernel cannot be a template here; put the template into a " +
				"device function and write a thin kernel")
		}
		if err := k.attribute(code[:loc[0]]); err != nil {
			return nil, err
		}
		if err := k.parameters(code[loc[1]:]); err != nil {
			return nil, err
		}
		if err := k.positions(); err != nil {
			return nil, err
		}
		u.Kernels = append(u.Kernels, k)
	}
	u.structs()
	return u, nil
}

// Kernel finds a kernel by name, nil when there is none.
func (u *Unit) Kernel(name string) *Kernel {
	for i := range u.Kernels {
		if u.Kernels[i].Name == name {
			return &u.Kernels[i]
		}
	}
	return nil
}

// Constant finds a function constant by index, nil when there is none.
func (u *Unit) Constant(index int) *Constant {
	for i := range u.Constants {
		if u.Constants[i].Index == index {
			return &u.Constants[i]
		}
	}
	return nil
}

// Uses tells whether the text of kernel k mentions the function constant c by name.
func (u *Unit) Uses(k, c string) bool {
	loc := regexp.MustCompile(`\bvoid\s+` + k + `\s*\(`).FindStringIndex(u.code)
	if loc == nil {
		return false
	}
	open := strings.IndexByte(u.code[loc[1]:], '{')
	if open < 0 {
		return false
	}
	start := loc[1] + open
	body := u.code[start:closing(u.code, start, '{', '}')]
	return regexp.MustCompile(`\b` + c + `\b`).MatchString(body)
}

func (u *Unit) constants() error {
	names := map[string]bool{}
	for _, loc := range fcRE.FindAllStringSubmatchIndex(u.code, -1) {
		part := func(i int) string { return u.code[loc[2*i]:loc[2*i+1]] }
		file, line := Position(u.code, loc[0])
		c := Constant{Name: part(2), Type: part(1)}
		where := at(file, line) + "function constant " + c.Name
		var err error
		if c.Index, err = strconv.Atoi(part(3)); err != nil {
			return fmt.Errorf("%s: index %q is not a number", where, part(3))
		}
		switch c.Type {
		case "bool", "int", "uint", "float":
		default:
			return fmt.Errorf("%s: type %s; use bool, int, uint or float", where, c.Type)
		}
		if names[c.Name] || u.Constant(c.Index) != nil {
			return fmt.Errorf("%s: its name or index %d is taken already", where, c.Index)
		}
		names[c.Name] = true
		u.Constants = append(u.Constants, c)
	}
	return nil
}

func (k *Kernel) errorf(format string, args ...any) error {
	return fmt.Errorf(at(k.File, k.Line)+"kernel "+k.Name+": "+format, args...)
}

func at(file string, line int) string {
	if file == "" {
		return fmt.Sprintf("line %d: ", line)
	}
	return fmt.Sprintf("%s:%d: ", file, line)
}

// attribute reads what stands in double brackets before a kernel.
func (k *Kernel) attribute(before string) error {
	m := beforeRE.FindStringSubmatch(before)
	if m == nil {
		return nil
	}
	limit := limitRE.FindStringSubmatch(m[1])
	if limit == nil {
		return k.errorf("unknown attribute %s before it", strings.TrimSpace(m[1]))
	}
	n, err := strconv.Atoi(limit[1])
	if err != nil || n < 1 || n > 1024 {
		return k.errorf("max_total_threads_per_threadgroup(%s) is not a number from 1 to 1024", limit[1])
	}
	k.MaxThreads = n
	return nil
}

// parameters reads the list that starts at text, up to its closing parenthesis.
func (k *Kernel) parameters(text string) error {
	list := text[:closing("("+text, 0, '(', ')')-2]
	used := map[string]bool{}
	for _, p := range splitTop(list) {
		p = strings.Join(strings.Fields(p), " ")
		if p == "" {
			continue
		}
		m := attrRE.FindStringSubmatch(p)
		if m == nil {
			return k.errorf("parameter %q has no attribute", p)
		}
		a := argument(strings.TrimSpace(attrRE.ReplaceAllString(p, "")))
		a.Attr = m[1]
		switch a.Attr {
		case "buffer", "threadgroup":
			n, err := strconv.Atoi(m[2])
			if err != nil || n < 0 || n > 30 {
				return k.errorf("%s: index %q is not a number from 0 to 30", a.Name, m[2])
			}
			a.Index = n
			key := a.Attr + m[2]
			if used[key] {
				return k.errorf("%s(%d) is given twice", a.Attr, n)
			}
			used[key] = true
			if a.Space == "" || (a.Attr == "threadgroup") != (a.Space == "threadgroup") {
				return k.errorf("%s: a %s argument of type %q", a.Name, a.Attr, a.Type)
			}
		default:
			if system[a.Attr] == "" {
				return k.errorf("%s: unknown attribute %s", a.Name, a.Attr)
			}
		}
		k.Args = append(k.Args, a)
	}
	return nil
}

// argument takes a parameter apart that has lost its attribute.
func argument(p string) Arg {
	a := Arg{Index: -1, Name: nameRE.FindString(p)}
	a.Type = strings.TrimSpace(strings.TrimSuffix(p, a.Name))
	a.Ref = strings.HasSuffix(a.Type, "&")
	a.Space = spaceRE.FindString(a.Type)
	a.ReadOnly = a.Space == "constant"
	var element []string
	for _, w := range strings.Fields(strings.NewReplacer("*", " ", "&", " ").Replace(a.Type)) {
		switch w {
		case "device", "constant", "threadgroup", "volatile", "restrict":
		case "const":
			a.ReadOnly = true
		default:
			element = append(element, strings.TrimPrefix(w, "metal::"))
		}
	}
	a.Element = strings.Join(element, " ")
	return a
}

// positions checks what the language asks of position attributes: one vector width for all of them,
// one element type within each of two groups.
func (k *Kernel) positions() error {
	width, elem := map[string]bool{}, [2]map[string]bool{{}, {}}
	index, local := "", ""
	for _, a := range k.Args {
		switch a.Attr {
		case "thread_position_in_grid", "threads_per_grid":
			elem[0][a.Element] = true
		case "thread_position_in_threadgroup", "threads_per_threadgroup",
			"dispatch_threads_per_threadgroup":
			elem[1][a.Element] = true
			local = strings.TrimRight(a.Element, "23")
		case "threadgroup_position_in_grid", "threadgroups_per_grid":
		case "thread_index_in_threadgroup":
			index = a.Element
			continue
		default:
			continue
		}
		width[strings.TrimLeft(a.Element, "uintshor")] = true
	}
	if len(width) > 1 || len(elem[0]) > 1 || len(elem[1]) > 1 {
		return k.errorf("position attributes of different types")
	}
	if local == "uint" && index == "ushort" {
		return k.errorf("thread_index_in_threadgroup is ushort beside uint positions in the threadgroup")
	}
	return nil
}
