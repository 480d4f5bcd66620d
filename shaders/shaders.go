// Package shaders holds the Metal shader sources, embedded, with what the host must know of each: the
// argument struct, the function constants, and how many threads to run. Everything that sizes a
// dispatch is a pure function of shape, so that a run repeats bit for bit on one machine.
//
// One library is compiled per family (a file), so that a compiler that rejects one file disables only
// its kernels. The operands of a kernel are bound at consecutive buffer indices from 0, its packed
// arguments at the index after them. An optional operand that is absent is switched off by a function
// constant and may then be any bound buffer: it is not read.
package shaders

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed *.metal
var files embed.FS

// families in the order of model/graph's files.
var families = []string{
	"activation", "add", "attention", "attention_cached", "attention_grad", "attention_plain", "center",
	"embed", "experts", "gate", "gather", "heads", "lm_loss", "matmul", "memory", "norm", "optimizer",
	"probe", "rope", "route",
}

// shared names the text, besides header.metal, that a family has in common with others.
var shared = map[string]string{
	"attention": "attention_tile", "attention_cached": "attention_tile",
	"attention_grad": "attention_tile", "attention_plain": "attention_tile",
	"matmul": "matmul_tile", "experts": "matmul_tile",
}

// Families lists the names that [Source] knows.
func Families() []string { return slices.Clone(families) }

// parts lists the files that make up a family, in the order they are joined.
func parts(family string) []string {
	names := []string{"header.metal"}
	if s := shared[family]; s != "" {
		names = append(names, s+".metal")
	}
	return append(names, family+".metal")
}

// Source is the complete text of a family, as it is compiled: the shared header, what it shares with
// related families, and its own file. #line directives make the compiler's messages name the file and
// line that a person would open, such as matmul.metal:123 or header.metal:7.
func Source(family string) (string, error) {
	if !slices.Contains(families, family) {
		return "", fmt.Errorf("there is no shader family %q; the families are %s",
			family, strings.Join(families, ", "))
	}
	var joined strings.Builder
	for _, name := range parts(family) {
		text, err := files.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&joined, "#line 1 %q\n%s", name, text)
	}
	return joined.String(), nil
}

var kernelName = regexp.MustCompile(`(?m)^kernel void (\w+)\(`)

// Kernels lists the kernels of a family in the order of its file.
func Kernels(family string) ([]string, error) {
	source, err := Source(family)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range kernelName.FindAllStringSubmatch(source, -1) {
		names = append(names, m[1])
	}
	return names, nil
}

// Dump writes the source of every family to a file FAMILY.metal in a folder, which is made when it is
// missing, and lists the files. They hold what [Source] gives, byte for byte, for a compiler outside of
// the app.
func Dump(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("cannot make the folder for the shaders: %w; name another", err)
	}
	var written []string
	for _, family := range families {
		source, err := Source(family)
		if err != nil {
			return written, err
		}
		file := filepath.Join(dir, family+".metal")
		if err := os.WriteFile(file, []byte(source), 0o666); err != nil {
			return written, fmt.Errorf("cannot write shader family %s: %w; name another folder", family, err)
		}
		written = append(written, file)
	}
	return written, nil
}

// Grid says how a kernel is launched: threadgroups in three dimensions, and threads of each.
type Grid struct {
	Groups  [3]int
	Threads int
}

// groups is the grid of n threadgroups in a row.
func groups(n, threads int) Grid { return Grid{[3]int{n, 1, 1}, threads} }

// ceil divides rounding up.
func ceil(n, by int) int { return (n + by - 1) / by }

// Elementwise is the grid of the kernels that handle 4 elements a thread.
func Elementwise(count int) Grid { return groups(ceil(count, 4*256), 256) }
