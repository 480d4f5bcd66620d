package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a module of files that hold nothing but imports, and returns its
// folder. The word darwin stands for a build tag.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	put("go.mod", "module m\n\ngo 1.26.0\n")
	for name, imports := range files {
		text := "package p\n"
		for i := range strings.FieldsSeq(imports) {
			if i == "darwin" {
				text = "//go:build darwin\n\n" + text
				continue
			}
			text += "import _ \"" + i + "\"\n"
		}
		put(name, text)
	}
	return dir
}

func TestCheck(t *testing.T) {
	const darwinkit, fyne = "github.com/progrium/darwinkit", "fyne.io/fyne/v2"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string // each a part of one problem, in order; none when the tree is sound
	}{
		{"sound", map[string]string{
			"shaders/shaders.go":      "embed",
			"model/graph/graph.go":    "",
			"model/model.go":          "m/model/graph",
			"metal/device/device.go":  "m/model/graph",
			"metal/cpu/cpu.go":        "m/metal/device m/shaders",
			"metal/mtl/mtl.go":        "darwin " + darwinkit + "/macos/metal",
			"trainer/runs/runs.go":    "m/model",
			"trainer/trainer.go":      "m/trainer/runs m/metal/cpu",
			"app/chart/chart.go":      "gonum.org/v1/plot",
			"app/chartview/view.go":   fyne + " m/app/chart",
			"app/ui/ui.go":            fyne + "/widget m/app/chartview m/trainer",
			"app/main.go":             fyne + "/app m/app/ui",
			"tools/go.mod":            "",
			"tools/x.go":              "m/anything " + darwinkit,
			"trainer/testdata/bad.go": "m/app",
		}, nil},
		{"upward", map[string]string{"trainer/a.go": "m/app/ui", "app/ui/a.go": ""},
			[]string{`trainer/a.go:2: import "m/app/ui": trainer (floor 4) must not know app (floor 5)`}},
		{"graph is below model", map[string]string{"model/graph/a.go": "m/model", "model/a.go": ""},
			[]string{`model/graph/a.go:2: import "m/model": model/graph (floor 2) must not know model (floor 3)`}},
		{"same floor", map[string]string{"metal/cpu/a.go": "m/model", "model/a.go": ""},
			[]string{`metal/cpu/a.go:2: import "m/model": metal and model share floor 3 and stay apart`}},
		{"a model in a device's test", map[string]string{"metal/cpu/a_test.go": "m/model", "model/a.go": ""}, nil},
		{"a device in a model's test", map[string]string{"model/a_test.go": "m/metal/cpu", "metal/cpu/a.go": ""},
			[]string{`model/a_test.go:2: import "m/metal/cpu": model and metal share floor 3 and stay apart`}},
		{"tests too", map[string]string{"model/graph/a_test.go": "testing m/metal/cpu", "metal/cpu/a.go": ""},
			[]string{`model/graph/a_test.go:3: import "m/metal/cpu": model/graph (floor 2)`}},
		{"device is narrow", map[string]string{"metal/device/a.go": "m/metal/cpu", "metal/cpu/a.go": ""},
			[]string{"metal/device imports only model/graph of ours"}},
		{"other tags are read", map[string]string{"trainer/a.go": "darwin m/app", "app/a.go": ""},
			[]string{`trainer/a.go:4: import "m/app"`}},
		{"darwinkit elsewhere", map[string]string{"metal/gpu/a.go": "darwin " + darwinkit + "/objc"},
			[]string{`metal/gpu/a.go:4: import "github.com/progrium/darwinkit/objc": allowed in metal/mtl only`}},
		{"darwinkit below mtl", map[string]string{"metal/mtl/x/a.go": darwinkit + "/objc"},
			[]string{"metal/mtl/x/a.go:2: import"}},
		{"a namesake is not darwinkit", map[string]string{"trainer/a.go": darwinkit + "s/objc"}, nil},
		{"figures with Fyne", map[string]string{"app/chart/a.go": fyne + "/canvas"},
			[]string{`app/chart/a.go:2: import "fyne.io/fyne/v2/canvas": allowed in app, app/ui/..., app/chartview/... only`}},
		{"trainer with Fyne", map[string]string{"trainer/a.go": fyne},
			[]string{`trainer/a.go:2: import "fyne.io/fyne/v2": allowed in`}},
		{"display in ui", map[string]string{"app/ui/a.go": fyne + "/app"},
			[]string{`app/ui/a.go:2: import "fyne.io/fyne/v2/app": allowed in app only`}},
		{"no floor", map[string]string{"util/a.go": "fmt"},
			[]string{`util/a.go:1: folder "util" is on no floor; put the file in one of shaders`}},
		{"root", map[string]string{"a.go": "fmt"}, []string{`a.go:1: folder "." is on no floor`}},
		{"import of no floor", map[string]string{"app/a.go": "m/util"},
			[]string{`import "m/util": folder "util" is on no floor`}},
		{"cycle across tags", map[string]string{
			"trainer/a.go": "m/trainer/b", "trainer/b/b.go": "darwin m/trainer/c", "trainer/c/c.go": "m/trainer"},
			[]string{"import cycle: trainer -> trainer/b -> trainer/c -> trainer"}},
		{"tests may close a ring", map[string]string{
			"trainer/a.go": "m/trainer/b", "trainer/b/b_test.go": "m/trainer", "trainer/b/b.go": ""}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, err := read(write(t, c.files))
			if err != nil {
				t.Fatal(err)
			}
			got := tree.check()
			if len(got) != len(c.want) {
				t.Fatalf("problems %q, want %q", got, c.want)
			}
			for i, part := range c.want {
				if !strings.Contains(got[i], part) {
					t.Errorf("problem %q, want it to say %q", got[i], part)
				}
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	sound := write(t, map[string]string{"app/a.go": "fmt"})
	broken := write(t, map[string]string{"a.go": "fmt"})
	unread := write(t, map[string]string{"app/a.go": "a\"b"})
	for _, c := range []struct {
		dir  string
		want int
	}{{sound, 0}, {broken, 1}, {unread, 2}, {t.TempDir(), 2}} {
		var out, errs strings.Builder
		if got := run(c.dir, &out, &errs); got != c.want {
			t.Errorf("exit status %d, want %d\n%s%s", got, c.want, &out, &errs)
		}
	}
}
