package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree is the root of the module that the check is for.
const tree = "../.."

// mistake is an edit of a file of ours and the rules that must be reported at its first line.
type mistake struct {
	name, file, old, new string
	rules                []string
}

var mistakes = []mistake{
	{"wrong method", "metal/mtl/library.go",
		"obj.StaticThreadgroupMemoryLength()", "obj.StaticThreadgroupMemory()", []string{"types"}},
	{"wrong argument", "metal/mtl/library.go",
		"options.SetFastMathEnabled(false)", "options.SetFastMathEnabled(0)", []string{"types"}},
	{"wrong argument of a message sent by hand", "metal/mtl/commands.go",
		`objc.Sel("setComputePipelineState:"), own.obj.Ptr())`,
		`objc.Sel("setComputePipelineState:"), uint(0))`, []string{"argument"}},
	{"argument left out", "metal/mtl/library.go",
		"(h.dev,\n\t\t" + `objc.Sel("newComputePipelineStateWithFunction:error:"), f.Ptr(), e)`,
		"(h.dev,\n\t\t" + `objc.Sel("newComputePipelineStateWithFunction:error:"), f.Ptr())`, []string{"arity"}},
	{"selector typo", "metal/mtl/commands.go",
		`objc.Sel("setBuffers:offsets:withRange:")`,
		`objc.Sel("setBuffers:ofsets:withRange:")`, []string{"selector"}},
	{"result under 8 bytes", "metal/mtl/device.go",
		`objc.Call[uint64](h.dev, objc.Sel("hasUnifiedMemory"))&0xff != 0`,
		`objc.Call[bool](h.dev, objc.Sel("hasUnifiedMemory"))`, []string{"small-result"}},
	{"result without its mask", "metal/mtl/device.go",
		`objc.Sel("supportsFamily:"), family)&0xff != 0`,
		`objc.Sel("supportsFamily:"), family) != 0`, []string{"mask"}},
	{"block", "metal/mtl/commands.go",
		"p.obj.WaitUntilCompleted()",
		"p.obj.AddCompletedHandler(func(metal.CommandBufferObject) {})", []string{"func"}},
}

// TestMistakesInTheTree plants the mistakes in our own sources, one in each file at a time, so that
// each must be found where it really stands.
func TestMistakesInTheTree(t *testing.T) {
	left := slices.Clone(mistakes)
	for len(left) > 0 {
		overlay, want := map[string]string{}, map[where]mistake{}
		left = slices.DeleteFunc(left, func(m mistake) bool {
			if overlay[m.file] != "" {
				return false // next round
			}
			text, line := plant(t, m)
			overlay[m.file], want[where{m.file, line}] = text, m
			return true
		})
		r, err := check(config{dir: tree, patterns: []string{"./metal/mtl"}, overlay: overlay})
		if err != nil {
			t.Fatal(err)
		}
		got := reported(t, r.problems)
		for w, m := range want {
			if !slices.Equal(got[w], m.rules) {
				t.Errorf("%s at %s:%d: reported %v, want %v", m.name, w.file, w.line, got[w], m.rules)
			}
			delete(got, w)
		}
		if len(got) > 0 {
			t.Errorf("reported where nothing was planted: %v", got)
		}
	}
}

// plant makes the edit and gives the number of its line.
func plant(t *testing.T, m mistake) (text string, line int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(tree, m.file))
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(b), m.old)
	if !ok || strings.Contains(after, m.old) {
		t.Fatalf("%s: %s does not hold %q once; plant the mistake elsewhere", m.name, m.file, m.old)
	}
	return before + m.new + after, 1 + strings.Count(before, "\n")
}

// TestCover leaves a file out of the check and plants one that no build of ours holds.
func TestCover(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":            "module m\n\ngo 1.26\n",
		"a.go":              "package m\n",
		"a_darwin.go":       "package m\n",
		"a_arm64.go":        "package m\n",
		"a_linux.go":        "package m\n",
		"a_darwin_test.go":  "package m\n",
		"tag.go":            "//go:build objcsim\n\npackage m\n",
		"cgo.go":            "//go:build darwin && cgo\n\npackage m\n",
		"sub/b_darwin.go":   "package sub\n",
		"testdata/t.go":     "package t\n",
		"other/go.mod":      "module o\n",
		"other/o_darwin.go": "package o\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := config{dir: dir, tests: true, patterns: []string{"./..."}}
	k, err := load(c)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.go", "a_arm64.go", "a_darwin.go", "a_darwin_test.go", "cgo.go", "sub/b_darwin.go"}
	if !slices.Equal(k.files, want) || len(k.problems) > 0 {
		t.Errorf("checked %v with problems %q, want %v", k.files, k.problems, want)
	}
	for _, missed := range want {
		delete(k.read, missed)
		k.problems = nil
		if err := k.cover(c); err != nil {
			t.Fatal(err)
		}
		if len(k.problems) != 1 || !strings.HasPrefix(k.problems[0], missed+":1:1: [cover] ") {
			t.Errorf("without %s the problems are %q", missed, k.problems)
		}
		k.read[missed] = true
	}
}
