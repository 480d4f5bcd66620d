package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

func TestShaders(t *testing.T) {
	out := must(t, "shaders")
	for _, family := range shaders.Families() {
		kernels, err := shaders.Kernels(family)
		if err != nil {
			t.Fatal(err)
		}
		one := must(t, "shaders", family)
		for _, k := range kernels {
			wants(t, "the list", out, k)
			wants(t, "the list of "+family, one, k)
		}
		if n := strings.Count(one, "\n"); n != len(kernels)+2 {
			t.Errorf("the list of %s has %d lines for %d kernels", family, n, len(kernels))
		}
	}
	for _, c := range []struct{ line, says string }{
		{"shaders matmull", `did you mean "matmul"`},
		{"shaders --dump", "needs a value"},
		{"shaders --dump=", "--dump is empty"},
		{"shaders --dump x matmul", `leave out "matmul"`},
	} {
		status, _, text := cli(t, "", strings.Fields(c.line)...)
		if status != exitUsage || !strings.Contains(text, c.says) {
			t.Errorf("evenkeel %s: status %d, want 2 and %q; it says\n%s", c.line, status, c.says, text)
		}
	}
}

// The files are what Apple's compiler is held to: the text compiled at run time, nothing else.
func TestShadersDump(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dump")
	listed := strings.Fields(must(t, "shaders", "--dump", dir))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(listed) || len(listed) != len(shaders.Families()) {
		t.Fatalf("%d files and %d names for %d families (%v)", len(entries), len(listed), len(shaders.Families()), err)
	}
	for _, name := range listed {
		family := strings.TrimSuffix(filepath.Base(name), ".metal")
		want, err := shaders.Source(family)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); string(got) != want {
			t.Errorf("%s does not hold the source of %s (%v)", name, family, err)
		}
	}
	file := filepath.Join(dir, "add.metal")
	if status, _, text := cli(t, "", "shaders", "--dump", file); status != exitFailed || !strings.Contains(text, file) {
		t.Errorf("a file in place of the folder: status %d, %s", status, text)
	}
}
