// Command testsum reads the stream of "go test -json" and prints one line for
// each package, the whole output of what failed, why tests were skipped, and
// the counts. Tests that skip themselves are thus seen.
//
// The exit status is 1 when anything failed or nothing ran.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	os.Exit(run(os.Stdin, os.Stdout))
}

// event is one line of go test's stream, as "go doc test2json" describes it.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// key names a test, a package (no test) or a build (no package).
type key struct{ pkg, test string }

type summary struct {
	out                     io.Writer
	output                  map[key][]string
	passed, failed, skipped int
	packages, broken        int
	skips                   map[string]int // sentence: how many tests said it
}

func run(in io.Reader, out io.Writer) int {
	s := &summary{out: out, output: map[key][]string{}, skips: map[string]int{}}
	for d := json.NewDecoder(in); ; {
		var e event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			fmt.Fprintln(out, "testsum: the input is not a stream of go test -json:", err)
			return 1
		}
		s.add(e)
	}
	for _, why := range slices.Sorted(maps.Keys(s.skips)) {
		fmt.Fprintf(out, "skipped %d: %s\n", s.skips[why], why)
	}
	fmt.Fprintf(out, "%d packages, %d tests passed, %d failed, %d skipped\n",
		s.packages, s.passed, s.failed, s.skipped)
	if s.failed > 0 || s.broken > 0 || s.passed == 0 {
		return 1
	}
	return 0
}

func (s *summary) add(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		s.output[k] = append(s.output[k], e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "build-fail":
		s.broken++
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e, k)
		}
		delete(s.output, k)
	}
}

func (s *summary) endTest(e event, k key) {
	switch e.Action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		fmt.Fprint(s.out, strings.Join(s.output[k], ""))
	case "skip":
		s.skipped++
		s.skips[reason(s.output[k])]++
	}
}

// endPackage prints the package's line. A package that fails outside its tests,
// by a panic, a timeout or in TestMain, has said why in its own output.
func (s *summary) endPackage(e event) {
	if e.Action == "skip" {
		return // no test files
	}
	s.packages++
	if e.Action == "pass" {
		fmt.Fprintf(s.out, "ok    %6.1f s  %s\n", e.Elapsed, e.Package)
		return
	}
	s.broken++
	for k, lines := range s.output { // tests that never ended
		if k.pkg == e.Package && k.test != "" {
			fmt.Fprint(s.out, strings.Join(lines, ""))
		}
	}
	fmt.Fprint(s.out, strings.Join(s.output[key{pkg: e.Package}], ""))
	fmt.Fprintf(s.out, "FAIL  %6.1f s  %s\n", e.Elapsed, e.Package)
}

// reason is what a skipped test logged last, without its file and line.
func reason(lines []string) string {
	for _, l := range slices.Backward(lines) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "---") || strings.HasPrefix(l, "===") {
			continue
		}
		if where, text, ok := strings.Cut(l, ": "); ok && strings.Contains(where, ".go:") {
			return text
		}
		return l
	}
	return "no reason given"
}
