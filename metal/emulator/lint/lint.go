// Package lint finds in shader text what clang's C++ for OpenCL accepts and Apple's compiler would
// refuse, or what means something else there. It needs clang, as the emulator does.
package lint

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
)

// Finding is one thing to mend.
type Finding struct {
	File string
	Line int // 0 where none can be given
	Text string
}

// String is the finding as compilers print it.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Options names the compiler and the cache folder, as emulator.Options does.
type Options struct{ Clang, Cache string }

// Check reads a source whose name is file. Findings come sorted by line. The error is one of the
// tools, such as a missing clang.
func Check(file, source string, o Options) ([]Finding, error) {
	l := &linter{file: file, source: source}
	unit, err := reflect.Parse(source)
	if err != nil {
		return []Finding{located(file, err)}, nil
	}
	l.text()
	l.names()
	path, args, err := emulator.FrontEnd(o.Clang, o.Cache)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lint")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	low := filepath.Join(dir, "k.metal")
	if err := os.WriteFile(low, []byte(unit.Lower(file, source)), 0o644); err != nil {
		return nil, err
	}
	clang := func(extra ...string) (out, diagnostics string, err error) {
		c := exec.Command(path, slices.Concat(args, extra, []string{low})...)
		var o, e strings.Builder
		c.Dir, c.Stdout, c.Stderr = dir, &o, &e
		err = c.Run()
		return o.String(), e.String(), err
	}
	ast, messages, err := clang("-fsyntax-only", "-Wpre-c++17-compat", "-fno-caret-diagnostics",
		"-Xclang", "-ast-dump")
	l.diagnostics(messages)
	if err == nil {
		l.spaces(ast)
		ir, messages, err := clang("-O0", "-w", "-S", "-emit-llvm", "-o", "-")
		if err != nil {
			return nil, fmt.Errorf("clang cannot translate %s: %s", file, messages)
		}
		l.recursion(ir)
	}
	slices.SortStableFunc(l.found, func(a, b Finding) int { return a.Line - b.Line })
	return slices.Compact(l.found), nil
}

var placeRE = regexp.MustCompile(`^(?:line (\d+)|([^\s:]+):(\d+)): (.*)$`)

// located takes file and line out of the text of an error of package reflect.
func located(file string, err error) Finding {
	f := Finding{File: file, Text: err.Error()}
	if m := placeRE.FindStringSubmatch(f.Text); m != nil {
		if m[2] != "" {
			f.File = m[2]
		}
		f.Line, _ = strconv.Atoi(m[1] + m[3])
		f.Text = m[4]
	}
	return f
}

type linter struct {
	file, source string
	found        []Finding
}

func (l *linter) add(file string, line int, format string, args ...any) {
	if file == "" {
		file = l.file
	}
	l.found = append(l.found, Finding{file, line, fmt.Sprintf(format, args...)})
}

var (
	literalRE = regexp.MustCompile(
		`(?:^|[^\w.])((?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)([A-Za-z]*)`)
	wordRE = regexp.MustCompile(`\b(goto|asm|noexcept|thread_local|register|typeid|long\s+long|double|` +
		`virtual|dynamic_cast|try|catch|throw|new|delete)\b|std::|\bthread_elements\b|` +
		`\btexture(?:1d|2d|3d|cube)?\w*|\bsampler\b|\bbool[234]\b`)
	lambdaRE  = regexp.MustCompile(`\[\s*[&=]?\s*\]\s*\(`)
	includeRE = regexp.MustCompile(`(?m)^\s*#\s*include\s*(\S+)`)
	shortRE   = regexp.MustCompile(`=\s*\{\s*0\s*\}`)
	infRE     = regexp.MustCompile(`\bINFINITY\b|\bisnan\b|\bisinf\b`)
)

// text looks for what the words alone give away.
func (l *linter) text() {
	code := reflect.Strip(l.source)
	each := func(re *regexp.Regexp, say func(m []string) string) {
		for _, loc := range re.FindAllStringSubmatchIndex(code, -1) {
			m := make([]string, len(loc)/2)
			for i := range m {
				if loc[2*i] >= 0 {
					m[i] = code[loc[2*i]:loc[2*i+1]]
				}
			}
			if s := say(m); s != "" {
				start := loc[0]
				if len(m) > 1 && loc[2] >= 0 {
					start = loc[2]
				}
				file, line := reflect.Position(code, start)
				l.add(file, line, "%s", s)
			}
		}
	}
	each(literalRE, func(m []string) string {
		if m[2] == "" {
			return "floating literal " + m[1] + " without a suffix; write " + m[1] + "f"
		}
		return ""
	})
	each(wordRE, func(m []string) string { return m[0] + " is not part of the language we write" })
	each(lambdaRE, func([]string) string { return "a lambda, which Metal does not have" })
	each(includeRE, func(m []string) string {
		if m[1] == "<metal_stdlib>" || m[1] == "<metal_simdgroup_matrix>" {
			return ""
		}
		return "include of " + m[1] + "; compilation at run time has no include path"
	})
	each(shortRE, func([]string) string { return "the list {0}; write every element or a constructor" })
	each(infRE, func(m []string) string { return m[0] + " has no meaning in fast math; use a finite mask" })
}

var diagRE = regexp.MustCompile(`^(\S+?):(\d+):\d+: (error|warning): (.*)$`)

// diagnostics takes over clang's own errors and its warnings of newer language features.
func (l *linter) diagnostics(out string) {
	for _, s := range strings.Split(out, "\n") {
		m := diagRE.FindStringSubmatch(s)
		if m == nil || strings.Contains(m[1], "/include/") || m[1] == reflect.Trampolines {
			continue
		}
		line := 0
		_, _ = fmt.Sscan(m[2], &line)
		if m[3] == "warning" && !strings.Contains(m[4], "incompatible with") &&
			!strings.Contains(m[4], "extension") {
			continue
		}
		l.add(m[1], line, "%s", m[4])
	}
}
