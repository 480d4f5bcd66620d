package lint

import (
	"os"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
)

func check(t *testing.T, file, source string) []Finding {
	t.Helper()
	_, _, err := emulator.FrontEnd("", "")
	emutest.Need(t, err)
	found, err := Check(file, source, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestClean(t *testing.T) {
	for _, f := range []string{"matmul.metal", "rmsnorm.metal", "attention.metal", "router.metal"} {
		b, err := os.ReadFile("../testdata/" + f)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range check(t, f, string(b)) {
			t.Error(x)
		}
	}
}

const (
	head = "#include <metal_stdlib>\nusing namespace metal;\n"
	tail = "\nkernel void k(device float* o [[buffer(0)]]) { o[0] = 1.0f; }\n"
)

// mistake is a line of text and the finding it must lead to, on that line.
type mistake struct{ text, want string }

func (m mistake) in(found []Finding, line int) bool {
	for _, f := range found {
		if strings.Contains(f.Text, m.want) && (f.Line == line || f.Line == 0) && f.File == "a.metal" {
			return true
		}
	}
	return false
}

// TestAccepted holds what clang takes: all mistakes in one source.
func TestAccepted(t *testing.T) {
	list := []mistake{
		{"static inline float f1(float x) { return x * 0.5; }", "0.5 without a suffix"},
		{"static inline float f2(float x) { return x * 1e-5; }", "1e-5 without a suffix"},
		{"static inline float f3(float x) { return x + 2.; }", "2. without a suffix"},
		{"static inline float f4(float* p) { return *p; }", "p: pointer or reference without an address"},
		{"static inline float f5(const float& r) { return r; }", "r: pointer or reference without"},
		{"struct S { float* field; };", "field: pointer or reference without an address"},
		{"static inline void f6() { goto e; e: return; }", "goto is not part"},
		{"template <bool B> float f7(float x) { if constexpr (B) return x; else return -x; }",
			"constexpr if is incompatible with"},
		{"static inline int f8(long long x) { return 1; }", "long long is not part"},
		{"constant constexpr float k1 = -INFINITY;", "INFINITY has no meaning"},
		{"static inline float f9() { float a[2] = {0}; return a[0]; }", "the list {0}"},
		{"#define E(m) m.thread_elements()", "thread_elements is not part"},
		{"static float r1(float x) { return x > 1.0f ? r1(x - 1.0f) : x; }", "recursion through"},
		{"kernel void r(device float* o [[buffer(0)]]) { o[0] = r1(o[1]); }", "recursion through"},
	}
	for _, s := range []string{
		"static inline uint rank(uint x) { return x; }", "template <typename T> inline T select(T a, T b) { return a; }",
		"struct bias { float x; };", "constant constexpr uint level = 3;", "#define fill(x) (x)",
		"typedef uint extent;", "using size = uint;", "constant uint data[2] = {1, 2};",
		"[[max_total_threads_per_threadgroup(32)]] kernel void reduce(device float* o [[buffer(0)]]) { o[0] = 1.0f; }",
	} {
		list = append(list, mistake{s, "is a name of Metal's library"})
	}
	text := head
	for _, m := range list {
		text += m.text + "\n"
	}
	found := check(t, "a.metal", text+tail)
	for i, m := range list {
		if !m.in(found, i+3) {
			t.Errorf("want %q on line %d, found %q", m.want, i+3, found)
		}
	}
}

// TestRefused holds what clang refuses too, or the parser of signatures.
func TestRefused(t *testing.T) {
	for _, m := range []mistake{
		{"static inline float f(double x) { return std::sqrt(1.0f); }", "std:: is not part"},
		{"static inline float f(double x) { return 1.0f; }", "double is not part"},
		{"#include \"common.h\"", "compilation at run time has no include path"},
		{"static inline int f() { auto g = [](int x) { return x; }; return g(1); }", "a lambda"},
		{"kernel void b(device float* o) { o[0] = 1.0f; }", "has no attribute"},
		{"static inline void f(device float* a, threadgroup float* b) { a = b; }", "address space"},
		{"static inline void f(constant float* a) { a[0] = 1.0f; }", "read-only"},
		{"static float state;", "address space"},
	} {
		if found := check(t, "a.metal", head+m.text+tail); !m.in(found, 3) {
			t.Errorf("%s: want %q on line 3, found %q", m.text, m.want, found)
		}
	}
}
