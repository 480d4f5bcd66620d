package emulator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/shaders"
)

// joined gives the source of a family with a text put behind the header's last line and another behind
// the family's own, and the numbers these lines have in their files.
func joined(t *testing.T, family, header, body string) (source string, headerLine, bodyLine int) {
	t.Helper()
	source, err := shaders.Source(family)
	if err != nil {
		t.Fatal(err)
	}
	own := fmt.Sprintf("#line 1 %q\n", family+".metal")
	before, b, ok := strings.Cut(source, own)
	if !ok {
		t.Fatalf("no line %q in the source of %s", own, family)
	}
	h, between := before, ""
	if i := strings.LastIndex(before, "#line 1 "); i > 0 { // of a file that relatives share
		h, between = before[:i], before[i:]
	}
	headerLine = strings.Count(h, "\n") // the directive is no line of the file
	return h + header + between + own + b + body, headerLine, strings.Count(b, "\n") + 1
}

// Messages about a joined source name the file and line that a person would open: those of clang and
// those of the reader of signatures.
func TestCompilerNamesFileAndLine(t *testing.T) {
	d := open(t, Options{})
	for _, wrong := range []string{"constant float zz = nothing;\n", "kernel void zz(device float* o) {}\n"} {
		for _, name := range []string{"matmul", "norm"} {
			source, line, _ := joined(t, name, wrong, "")
			compileFails(t, d, name+".metal", source, fmt.Sprintf("header.metal:%d:", line))
			source, _, line = joined(t, name, "", wrong)
			compileFails(t, d, name+".metal", source, fmt.Sprintf("%s.metal:%d:", name, line))
		}
	}
}

func compileFails(t *testing.T, d *Driver, name, source, want string) {
	t.Helper()
	if l, err := d.Compile(name, source); err == nil {
		l.Close()
		t.Errorf("%s with a mistake compiles", name)
	} else if n := strings.Count(err.Error(), ".metal:"); !strings.Contains(err.Error(), want) || n != 1 {
		t.Errorf("want one place, %s, found\n%v", want, err)
	}
}

// The checker names the line of the shader; for a helper of the header also the line that calls it.
func TestCheckerNamesFileAndLine(t *testing.T) {
	source, _, line := joined(t, "add", "", `kernel void zz_store(device float* o [[buffer(0)]]) { o[4] = 1.0f; }
kernel void zz_load4(device float* o [[buffer(0)]]) { o[0] = load4(o, 4).x; }
`)
	text, err := shaders.Source("add")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(text, "float4 load4(")
	helper := strings.Count(before, "\n")
	for kernel, want := range map[string]string{
		"zz_store": fmt.Sprintf("add.metal:%d: out of bounds write", line),
		"zz_load4": fmt.Sprintf("header.metal:%d, called at add.metal:%d: out of bounds read", helper, line+1),
	} {
		d := open(t, Options{Mode: Check})
		p := build(t, d, "add.metal", source, kernel)
		err := launch(d, p, oneGroup, gpu.Size{X: 1, Y: 1, Z: 1}, nil, vec(t, d, make([]float32, 4)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %v", kernel, want, err)
		}
	}
}
