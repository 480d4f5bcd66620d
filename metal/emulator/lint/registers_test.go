package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
	"github.com/evenkeel/evenkeel/shaders"
)

// TestRegisters: fragments, accumulators and held rows are arrays that are meant for registers, and get
// there only where every index is a constant after unrolling. clang at -O2 with all calls inlined stands
// in for Apple's compiler, which nothing here knows: no array may be left in a thread's memory. Without
// the pragmas some are.
func TestRegisters(t *testing.T) {
	_, _, err := emulator.FrontEnd("", "")
	emutest.Need(t, err)
	for _, family := range []string{"matmul", "attention", "attention_grad", "attention_cached", "norm", "rope", "route"} {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			source, err := shaders.Source(family)
			if err != nil {
				t.Fatal(err)
			}
			if left := arrays(t, source); len(left) > 0 {
				t.Errorf("arrays in memory: %q", left)
			}
			if family == "matmul" {
				left := arrays(t, strings.ReplaceAll(source, "#pragma unroll", ""))
				if len(left) < 3 || !strings.HasPrefix(left[0], "matmul_") {
					t.Errorf("without the pragmas the arrays in memory are %q", left)
				}
			}
		})
	}
}

var (
	defineLineRE = regexp.MustCompile(`^define .*?@"?([\w.$]+)`)
	allocaRE     = regexp.MustCompile(`= alloca (\[.*\]), align`)
)

// arrays lists the arrays that optimised code of a source keeps in memory, each behind its function;
// those of [2 x float] are the emulator's own simdgroup matrices.
func arrays(t *testing.T, source string) (left []string) {
	t.Helper()
	unit, err := reflect.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "k.metal")
	if err := os.WriteFile(file, []byte(unit.Lower("k.metal", source)), 0o644); err != nil {
		t.Fatal(err)
	}
	path, args, err := emulator.FrontEnd("", "")
	if err != nil {
		t.Fatal(err)
	}
	ir, err := exec.Command(path, slices.Concat(args, []string{
		"-O2", "-mllvm", "-inline-threshold=1000000", "-w", "-S", "-emit-llvm", "-o", "-", file})...).Output()
	if err != nil {
		t.Fatal(err)
	}
	function := ""
	for line := range strings.Lines(string(ir)) {
		if m := defineLineRE.FindStringSubmatch(line); m != nil {
			function = m[1]
		}
		if m := allocaRE.FindStringSubmatch(line); m != nil && m[1] != "[2 x float]" &&
			!strings.HasPrefix(function, "msl_k_") { // the trampolines have copies of the same
			left = append(left, function+" "+m[1])
		}
	}
	return left
}
