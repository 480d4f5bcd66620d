package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// config says what to check.
type config struct {
	dir, tags string
	tests     bool
	patterns  []string
	overlay   map[string]string // text in place of a file's own, by its path from dir
}

// report is what one check found.
type report struct {
	full, loaded, cgo int
	files             []string // checked in full, by their paths from dir, sorted
	problems          []string
}

// listed is the part of go list's JSON that the check needs.
type listed struct {
	ImportPath, Dir   string
	GoFiles, CgoFiles []string
	Standard, DepOnly bool
	ImportMap         map[string]string
	Module            *struct{ GoVersion string }
	Error             *struct{ Err string }
}

const listedFields = "ImportPath,Dir,GoFiles,CgoFiles,Standard,DepOnly,ImportMap,Module,Error"

// list returns the packages of the darwin/arm64 build, dependencies before
// their importers.
func list(c config) ([]*listed, error) {
	args := []string{"list", "-e", "-deps", "-json=" + listedFields}
	if c.tests {
		args = append(args, "-test")
	}
	if c.tags != "" {
		args = append(args, "-tags", c.tags)
	}
	cmd := exec.Command("go", append(append(args, "--"), c.patterns...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var pkgs []*listed
	for d := json.NewDecoder(out); ; {
		p := new(listed)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, errors.Join(fmt.Errorf("go list gave no JSON: %w", err), cmd.Wait())
		}
		pkgs = append(pkgs, p)
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("go list failed: %w", err)
	}
	return pkgs, nil
}

// importer hands out packages that were checked earlier in dependency order.
type importer struct {
	done map[string]*types.Package
	via  map[string]string
}

func (im importer) Import(path string) (*types.Package, error) {
	if to, ok := im.via[path]; ok {
		path = to
	}
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if p := im.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("package %q was not loaded", path)
}

// checker carries what is shared by the packages of one check.
type checker struct {
	base  string
	fset  *token.FileSet
	done  map[string]*types.Package
	rules rules
	seen  map[string]bool // problems
	read  map[string]bool // files checked in full, by their paths from base

	overlay map[string]string
	report
}

// check type-checks the packages and applies the rules to those asked for.
func check(c config) (*report, error) {
	k, err := load(c)
	if err != nil {
		return nil, err
	}
	return &k.report, nil
}

func load(c config) (*checker, error) {
	pkgs, err := list(c)
	if err != nil {
		return nil, err
	}
	base, err := filepath.Abs(c.dir)
	if err != nil {
		return nil, err
	}
	k := &checker{base: base, fset: token.NewFileSet(), done: map[string]*types.Package{},
		rules: newRules(), seen: map[string]bool{}, read: map[string]bool{}, overlay: c.overlay}
	for _, p := range pkgs {
		if p.ImportPath != "unsafe" && !strings.HasSuffix(p.ImportPath, ".test") {
			k.add(p)
		}
	}
	k.files = slices.Sorted(maps.Keys(k.read))
	return k, k.cover(c)
}

// add checks one package: in full when it was asked for, its declarations alone
// when it is a dependency.
func (k *checker) add(p *listed) {
	root := !p.DepOnly && !p.Standard
	if p.Error != nil && root {
		k.problem(p.ImportPath + ": " + p.Error.Err)
	}
	k.loaded++
	if len(p.CgoFiles) > 0 {
		k.cgo++
	}
	files := k.parse(p, root)
	conf := types.Config{
		Importer:         importer{k.done, p.ImportMap},
		FakeImportC:      true,
		IgnoreFuncBodies: !root,
		Sizes:            types.SizesFor("gc", "arm64"),
		Error:            func(err error) { k.problem(k.relative(err)) },
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		conf.GoVersion = "go" + p.Module.GoVersion
	}
	info := &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
		Instances:  map[*ast.Ident]types.Instance{},
	}
	path, _, _ := strings.Cut(p.ImportPath, " ") // "p [p.test]" is p with its tests
	pkg, _ := conf.Check(path, k.fset, files, info)
	k.done[p.ImportPath] = pkg
	if strings.HasPrefix(path, darwinkit) {
		k.rules.learn(pkg, files)
	}
	if root && len(files) > 0 {
		k.full++
		l := linter{rules: k.rules, info: info, say: func(at token.Pos, rule, format string, a ...any) {
			k.problem(fmt.Sprintf("%s: [%s] %s", k.position(at), rule, fmt.Sprintf(format, a...)))
		}}
		l.lint(files)
	}
}

func (k *checker) parse(p *listed, root bool) []*ast.File {
	mode := parser.SkipObjectResolution
	if root {
		mode |= parser.AllErrors
	}
	names := append(append([]string{}, p.GoFiles...), p.CgoFiles...)
	files, errs := make([]*ast.File, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i, n := range names {
		if !filepath.IsAbs(n) {
			n = filepath.Join(p.Dir, n)
		}
		var source any
		if rel := k.rel(n); root {
			k.read[rel] = true
			if text, ok := k.overlay[rel]; ok {
				source = text
			}
		}
		wg.Go(func() { files[i], errs[i] = parser.ParseFile(k.fset, n, source, mode) })
	}
	wg.Wait()
	var parsed []*ast.File
	for i, err := range errs {
		if err != nil {
			k.problem(strings.ReplaceAll(err.Error(), k.base+string(filepath.Separator), ""))
		}
		if files[i] != nil {
			parsed = append(parsed, files[i])
		}
	}
	return parsed
}

// problem notes a line once: a package and its test variant share files.
func (k *checker) problem(line string) {
	if !k.seen[line] {
		k.seen[line] = true
		k.problems = append(k.problems, line)
	}
}

func (k *checker) position(at token.Pos) token.Position {
	p := k.fset.Position(at)
	p.Filename = k.rel(p.Filename)
	return p
}

// rel is a file's path from the base, or its own path when it lies outside.
func (k *checker) rel(file string) string {
	if rel, err := filepath.Rel(k.base, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return file
}

func (k *checker) relative(err error) string {
	var e types.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%s: [types] %s", k.position(e.Pos), e.Msg)
	}
	return err.Error()
}
