package lint

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
)

var declRE = regexp.MustCompile(`(ParmVarDecl|VarDecl|FieldDecl) 0x\w+ (?:prev 0x\w+ )?<([^>]*(?:<[^>]*>)?[^>]*)>` +
	`(?: \S+)? (?:implicit )?(?:used |referenced )*(\w*) '([^']*)'`)

// spaces finds declared pointers and references without address space: clang makes them generic,
// Metal has no such thing. A dumped position names the file only where it changes.
func (l *linter) spaces(ast string) {
	file, line := "", 0
	for s := range strings.Lines(ast) {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			continue
		}
		at, atLine, first := file, line, true
		for _, p := range strings.FieldsFunc(s[open:], notPlace) {
			if !move(p, &file, &line) {
				continue
			}
			if first {
				at, atLine, first = file, line, false
			}
		}
		if !strings.Contains(s, "__generic") {
			continue
		}
		m := declRE.FindStringSubmatch(s)
		if m == nil || m[3] == "" || !strings.Contains(m[4], "__generic") ||
			strings.Contains(at, "/include/") || at == reflect.Trampolines || at == "" {
			continue
		}
		l.add(at, atLine, "%s: pointer or reference without an address space", m[3])
	}
}

func notPlace(r rune) bool { return r == '<' || r == '>' || r == ',' || r == ' ' || r == '\n' }

// move follows a position (file:line:column, line:line:column or col:column) and tells whether p is
// one.
func move(p string, file *string, line *int) bool {
	rest, column := cutLast(p)
	if _, err := strconv.Atoi(column); err != nil {
		return false
	}
	if rest == "col" {
		return true
	}
	name, number := cutLast(rest)
	n, err := strconv.Atoi(number)
	if err != nil {
		return false
	}
	*line = n
	if name != "line" {
		*file = name
	}
	return true
}

// cutLast cuts at the last colon.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

var (
	defineRE = regexp.MustCompile(`^define .*?@("?[\w.$]+"?)\(`)
	callRE   = regexp.MustCompile(`\bcall .*?@("?[\w.$]+"?)\(`)
)

// recursion finds a cycle of calls in the code before any optimisation.
func (l *linter) recursion(ir string) {
	calls, fn := map[string][]string{}, ""
	for _, s := range strings.Split(ir, "\n") {
		if m := defineRE.FindStringSubmatch(s); m != nil {
			fn = m[1]
		} else if m := callRE.FindStringSubmatch(s); m != nil && fn != "" {
			calls[fn] = append(calls[fn], m[1])
		}
	}
	const active, done = 1, 2
	state := map[string]int{}
	var visit func(f string)
	visit = func(f string) {
		state[f] = active
		for _, g := range calls[f] {
			switch state[g] {
			case active:
				l.add("", 0, "recursion through %s, which Metal does not have", g)
			case 0:
				visit(g)
			}
		}
		state[f] = done
	}
	for _, f := range slices.Sorted(maps.Keys(calls)) {
		if state[f] == 0 {
			visit(f)
		}
	}
}
