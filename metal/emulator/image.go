package emulator

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
)

// image is what the file of a compiled library tells about it. Addresses are relative to its load
// address.
type image struct {
	path   string
	marker uint64 // of the function msl_marker, which gives the load address
	vars   []variable
	data   []span

	once sync.Once
	info *dwarf.Data
}

// variable is a threadgroup array of a kernel.
type variable struct {
	kernel, name string
	addr, size   uint64
}

type span struct{ addr, size uint64 }

// localRE matches the names of variables local to a function: _ZZ<length><function>E<length><name>.
var localRE = regexp.MustCompile(`^_ZZ(\d+)(\w+?)(?:\.\d+)*$`)

func readImage(path string) (*image, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	im := &image{path: path}
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 && s.Flags&elf.SHF_EXECINSTR == 0 && s.Type != elf.SHT_NOTE &&
			(strings.HasPrefix(s.Name, ".rodata") || strings.HasPrefix(s.Name, ".data") ||
				s.Name == ".got") {
			im.data = append(im.data, span{s.Addr, s.Size})
		}
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	for _, s := range symbols {
		if s.Name == "msl_marker" {
			im.marker = s.Value
		}
		if elf.ST_TYPE(s.Info) != elf.STT_OBJECT {
			continue
		}
		m := localRE.FindStringSubmatch(s.Name)
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1])
		if n < len(m[2]) {
			name := strings.TrimLeft(strings.TrimPrefix(m[2][n:], "E"), "0123456789")
			im.vars = append(im.vars, variable{m[2][:n], name, s.Value, s.Size})
		}
	}
	if im.marker == 0 {
		return nil, fmt.Errorf("%s is not a library of the emulator; delete it", path)
	}
	return im, nil
}

// threadgroup is the static threadgroup memory of a kernel in bytes.
func (im *image) threadgroup(kernel string) int {
	n := uint64(0)
	for _, v := range im.vars {
		if v.kernel == kernel {
			n += (v.size + 15) &^ 15
		}
	}
	return int(n)
}

var pcRE = regexp.MustCompile(`pc 0x([0-9a-f]+)`)

// symbolize replaces program counters by file and line of the shader.
func (im *image) symbolize(text string) string {
	return pcRE.ReplaceAllStringFunc(text, func(s string) string {
		pc, _ := strconv.ParseUint(s[5:], 16, 64)
		if at := im.source(pc); at != "" {
			return at
		}
		return s
	})
}

// place is one level of the chain of inlined calls.
type place struct {
	file string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", filepath.Base(p.file), p.line) }

// source finds the innermost place of the chain of inlined calls that lies in the shader rather
// than in the stand-in headers, and the call in another file that led there.
func (im *image) source(pc uint64) string {
	im.once.Do(func() {
		if f, err := elf.Open(im.path); err == nil {
			defer f.Close()
			im.info, _ = f.DWARF()
		}
	})
	if im.info == nil {
		return ""
	}
	r := im.info.Reader()
	unit, err := r.SeekPC(pc)
	if err != nil {
		return ""
	}
	lines, err := im.info.LineReader(unit)
	if err != nil || lines == nil {
		return ""
	}
	var at dwarf.LineEntry
	if lines.SeekPC(pc, &at) != nil || at.File == nil {
		return ""
	}
	chain := append(im.calls(r, lines.Files(), pc), place{at.File.Name, at.Line})
	chain = slices.DeleteFunc(chain, func(p place) bool {
		return strings.Contains(p.file, "/include/") || filepath.Base(p.file) == reflect.Trampolines
	})
	if len(chain) == 0 {
		return ""
	}
	last := chain[len(chain)-1]
	text := last.String()
	for i := len(chain) - 2; i >= 0; i-- {
		if chain[i].file != last.file { // a helper of the header: who called it says more
			return text + ", called at " + chain[i].String()
		}
	}
	return text
}

// calls lists the call sites of the inlined functions around pc, outermost first.
func (im *image) calls(r *dwarf.Reader, files []*dwarf.LineFile, pc uint64) (chain []place) {
	for {
		e, err := r.Next()
		if err == io.EOF || e == nil || e.Tag == dwarf.TagCompileUnit {
			return chain
		}
		if e.Tag != dwarf.TagSubprogram && e.Tag != dwarf.TagInlinedSubroutine || !im.covers(e, pc) {
			if e.Tag != dwarf.TagLexDwarfBlock {
				r.SkipChildren()
			}
			continue
		}
		if e.Tag == dwarf.TagInlinedSubroutine {
			file, _ := e.Val(dwarf.AttrCallFile).(int64)
			line, _ := e.Val(dwarf.AttrCallLine).(int64)
			if file >= 0 && int(file) < len(files) && files[file] != nil {
				chain = append(chain, place{files[file].Name, int(line)})
			}
		}
	}
}

func (im *image) covers(e *dwarf.Entry, pc uint64) bool {
	ranges, err := im.info.Ranges(e)
	if err != nil {
		return false
	}
	for _, r := range ranges {
		if pc >= r[0] && pc < r[1] {
			return true
		}
	}
	return false
}
