package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// file is a Go file and what it imports. Names are slash-separated and relative
// to the module; folder "." is the module's root.
type file struct {
	name, folder string
	test         bool
	imports      []imported
}

type imported struct {
	path string
	line int
}

// tree is all Go files of a module.
type tree struct {
	module string
	files  []file
}

// read parses the import clauses of all Go files below dir. Nested modules,
// testdata and folders the go command ignores are left out.
func read(dir string) (*tree, error) {
	module, err := modulePath(filepath.Join(dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	t := &tree{module: module}
	fset := token.NewFileSet()
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != dir && skipped(name, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go")}
		f.folder = path.Dir(f.name)
		parsed, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, s := range parsed.Imports {
			p, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return fmt.Errorf("%s imports %s: %w", f.name, s.Path.Value, err)
			}
			f.imports = append(f.imports, imported{p, fset.Position(s.Pos()).Line})
		}
		t.files = append(t.files, f)
		return nil
	})
	return t, err
}

func skipped(name, base string) bool {
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	return err == nil
}

func modulePath(gomod string) (string, error) {
	text, err := os.ReadFile(gomod)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if m, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(m), nil
		}
	}
	return "", fmt.Errorf("%s has no module line", gomod)
}

// packages are the folders that hold Go files.
func (t *tree) packages() map[string]bool {
	p := map[string]bool{}
	for _, f := range t.files {
		p[f.folder] = true
	}
	return p
}

// ours is the folder that an import path of this module stands for.
func (t *tree) ours(importPath string) (folder string, ok bool) {
	if importPath == t.module {
		return ".", true
	}
	return strings.CutPrefix(importPath, t.module+"/")
}

// check returns one line for every import that breaks a rule.
func (t *tree) check() (problems []string) {
	say := func(f file, line int, format string, a ...any) {
		problems = append(problems, fmt.Sprintf("%s:%d: %s", f.name, line, fmt.Sprintf(format, a...)))
	}
	for _, f := range t.files {
		own, ok := floorOf(f.folder)
		if !ok {
			say(f, 1, "folder %q is on no floor; put the file in one of %s", f.folder, folders())
			continue
		}
		for _, i := range f.imports {
			if to, ok := t.ours(i.path); ok {
				// A device's tests may run a real model; the device itself knows graphs alone.
				if f.test && own.folder == "metal" && to == "model" {
					continue
				}
				if why := inside(own, f.folder, to); why != "" {
					say(f, i.line, "import %q: %s", i.path, why)
				}
			} else if o, ok := outsider(i.path); ok && !admits(o.folders, f.folder) {
				say(f, i.line, "import %q: allowed in %s only; %s", i.path, strings.Join(o.folders, ", "), o.why)
			}
		}
	}
	if c := t.cycle(); c != nil {
		problems = append(problems, "import cycle: "+strings.Join(c, " -> "))
	}
	return problems
}

// inside says why a package in folder from may not import folder to, "" when it
// may.
func inside(own floor, from, to string) string {
	for _, n := range narrows {
		if from == n.folder && to != from && !slices.Contains(n.only, to) {
			return fmt.Sprintf("%s imports only %s of ours; %s", from, strings.Join(n.only, ", "), n.why)
		}
	}
	target, ok := floorOf(to)
	switch {
	case !ok:
		return fmt.Sprintf("folder %q is on no floor", to)
	case target.level < own.level || target.folder == own.folder:
		return ""
	case target.level == own.level:
		return fmt.Sprintf("%s and %s share floor %d and stay apart", own.folder, target.folder, own.level)
	}
	return fmt.Sprintf("%s (floor %d) must not know %s (floor %d)", own.folder, own.level, target.folder, target.level)
}

func outsider(importPath string) (best outside, ok bool) {
	for _, o := range outsiders {
		if within(importPath, o.path) && len(o.path) >= len(best.path) {
			best, ok = o, true
		}
	}
	return best, ok
}

func folders() string {
	var names []string
	for _, f := range house {
		names = append(names, f.folder)
	}
	return strings.Join(names, ", ")
}

// cycle finds a ring of packages that import each other under some set of build
// tags, which one build alone need not show. Tests may close a ring.
func (t *tree) cycle() []string {
	edges := map[string]map[string]bool{}
	for _, f := range t.files {
		for _, i := range f.imports {
			if to, ok := t.ours(i.path); ok && !f.test {
				if edges[f.folder] == nil {
					edges[f.folder] = map[string]bool{}
				}
				edges[f.folder][to] = true
			}
		}
	}
	var path []string
	finished := map[string]bool{}
	var visit func(string) (ring []string)
	visit = func(folder string) (ring []string) {
		if i := slices.Index(path, folder); i >= 0 {
			return append(slices.Clone(path[i:]), folder)
		}
		if finished[folder] {
			return nil
		}
		path = append(path, folder)
		for _, to := range slices.Sorted(maps.Keys(edges[folder])) {
			if ring = visit(to); ring != nil {
				return ring
			}
		}
		path, finished[folder] = path[:len(path)-1], true
		return nil
	}
	for _, folder := range slices.Sorted(maps.Keys(edges)) {
		if ring := visit(folder); ring != nil {
			return ring
		}
	}
	return nil
}
