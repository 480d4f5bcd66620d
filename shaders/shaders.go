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
	"slices"
	"strings"
)

//go:embed *.metal
var files embed.FS

// families in the order of model/graph's files.
var families = []string{
	"activation", "add", "attention", "embed", "lm_loss", "matmul", "memory", "norm", "optimizer",
	"probe", "rope",
}

// Families lists the names that [Source] knows.
func Families() []string { return slices.Clone(families) }

// Source is the complete text of a family: the shared header and the family's own file. Line numbers in
// a compiler's messages count from the start of this text; [HeaderLines] converts them.
func Source(family string) (string, error) {
	if !slices.Contains(families, family) {
		return "", fmt.Errorf("there is no shader family %q; the families are %s",
			family, strings.Join(families, ", "))
	}
	header, err := files.ReadFile("header.metal")
	if err != nil {
		return "", err
	}
	body, err := files.ReadFile(family + ".metal")
	if err != nil {
		return "", err
	}
	return string(header) + string(body), nil
}

// HeaderLines is the number of lines that [Source] puts in front of a family's own text.
func HeaderLines() int {
	header, err := files.ReadFile("header.metal")
	if err != nil {
		return 0
	}
	return strings.Count(string(header), "\n")
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
