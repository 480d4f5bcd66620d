package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRules checks every line of testdata that carries a "want" comment against
// the rules reported for it, and that no other line is reported.
func TestRules(t *testing.T) {
	for _, pkg := range []string{"sends", "types", "clean"} {
		t.Run(pkg, func(t *testing.T) {
			r, err := check(config{dir: "testdata", tests: true, patterns: []string{"./" + pkg}})
			if err != nil {
				t.Fatal(err)
			}
			if r.full == 0 {
				t.Fatal("no package was checked in full")
			}
			compare(t, reported(t, r.problems), wanted(t, "testdata", pkg))
		})
	}
}

// TestEveryRuleIsTested keeps the fixtures complete when a rule is added.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, pkg := range []string{"sends", "types"} {
		for _, rules := range wanted(t, "testdata", pkg) {
			for _, r := range rules {
				tested[r] = true
			}
		}
	}
	for _, rule := range []string{"wrap", "small-result", "func", "slice-result", "finalizer", "unchecked",
		"arity", "selector", "argument", "result", "mask", "types"} {
		if !tested[rule] {
			t.Errorf("no line of testdata wants rule %q", rule)
		}
	}
}

// TestLearned pins what the rules know of package metal v0.5.0: bindings that
// are generated in another shape must not silently turn them off.
func TestLearned(t *testing.T) {
	k, err := load(config{dir: "testdata", patterns: []string{"./sends"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for name, why := range k.rules.bad {
		if strings.HasPrefix(name, darwinkit+"macos/metal.") {
			got[why.rule]++
		}
	}
	want := map[string]int{"wrap": 202, "small-result": 83, "func": 16, "slice-result": 33}
	if !maps.Equal(got, want) {
		t.Errorf("functions of package metal refused, by rule: %v, want %v", got, want)
	}
	if n := len(k.rules.sent); n < 1000 {
		t.Errorf("%d selectors learned, want at least 1000", n)
	}
}

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"-C", "testdata", "./clean"}, 0},
		{[]string{"-C", "testdata", "./types"}, 1},
		{[]string{"-C", "testdata", "./absent/..."}, 2},
		{[]string{"-unknown"}, 2},
	} {
		var out, errs strings.Builder
		if got := run(c.args, &out, &errs); got != c.want {
			t.Errorf("darwincheck %v exits %d, want %d\n%s%s", c.args, got, c.want, &out, &errs)
		}
	}
}

// where is a line of a file.
type where struct {
	file string
	line int
}

var problemLine = regexp.MustCompile(`^([^:]+):(\d+):\d+: \[([a-z-]+)\] `)

func reported(t *testing.T, problems []string) map[where][]string {
	t.Helper()
	found := map[where][]string{}
	for _, p := range problems {
		m := problemLine.FindStringSubmatch(p)
		if m == nil {
			t.Errorf("problem %q is not file:line:column: [rule] reason", p)
			continue
		}
		w := where{file: m[1]}
		fmt.Sscan(m[2], &w.line)
		found[w] = append(found[w], m[3])
	}
	return found
}

func wanted(t *testing.T, dir, pkg string) map[where][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pkg, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s/%s: %v", dir, pkg, err)
	}
	want := map[where][]string{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		name := filepath.ToSlash(filepath.Join(pkg, filepath.Base(file)))
		s := bufio.NewScanner(f)
		for line := 1; s.Scan(); line++ {
			if _, rules, ok := strings.Cut(s.Text(), "// want "); ok {
				want[where{name, line}] = strings.Fields(rules)
			}
		}
	}
	return want
}

func compare(t *testing.T, got, want map[where][]string) {
	t.Helper()
	for w, rules := range want {
		g := slices.Sorted(slices.Values(got[w]))
		if !slices.Equal(g, slices.Sorted(slices.Values(rules))) {
			t.Errorf("%s:%d: reported %v, want %v", w.file, w.line, g, rules)
		}
	}
	for w, rules := range got {
		if want[w] == nil {
			t.Errorf("%s:%d: reported %v, want nothing", w.file, w.line, rules)
		}
	}
}
