package reflect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `// kernel void no(device float* a [[buffer(0)]]);
#include <metal_stdlib>
constant constexpr uint N = 3;
constant bool kBias [[function_constant(0)]];
constant float kScale [[function_constant(7)]];
struct Args { uint rows, dim; float eps; /* float old; */ uint shape[N]; };
struct Wide { uint a; float4 v; packed_float3 p; half h; float3 w; };
struct Method { float x; float get() const { return x; } };
#line 10 "norm.metal"

[[max_total_threads_per_threadgroup(96)]]
kernel void norm(device const float4* x [[buffer(0)]], device float* y [[ buffer(2) ]],
                 constant Args& p [[buffer(1)]], threadgroup float* s [[threadgroup(0)]],
                 uint2 tg [[threadgroup_position_in_grid]],
                 ushort lane [[thread_index_in_simdgroup]]) {
  y[0] = kBias ? 1.0f : 0.0f;
}
`

func TestParse(t *testing.T) {
	u, err := Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	want := []Kernel{{Name: "norm", File: "norm.metal", Line: 12, MaxThreads: 96, Args: []Arg{
		{Name: "x", Type: "device const float4*", Attr: "buffer", Index: 0, Space: "device", Element: "float4", ReadOnly: true},
		{Name: "y", Type: "device float*", Attr: "buffer", Index: 2, Space: "device", Element: "float"},
		{Name: "p", Type: "constant Args&", Attr: "buffer", Index: 1, Space: "constant", Element: "Args", ReadOnly: true, Ref: true},
		{Name: "s", Type: "threadgroup float*", Attr: "threadgroup", Index: 0, Space: "threadgroup", Element: "float"},
		{Name: "tg", Type: "uint2", Attr: "threadgroup_position_in_grid", Index: -1, Element: "uint2"},
		{Name: "lane", Type: "ushort", Attr: "thread_index_in_simdgroup", Index: -1, Element: "ushort"},
	}}}
	if d := cmp.Diff(want, u.Kernels); d != "" {
		t.Error(d)
	}
	constants := []Constant{{"kBias", "bool", 0}, {"kScale", "float", 7}}
	if d := cmp.Diff(constants, u.Constants); d != "" {
		t.Error(d)
	}
	if !u.Uses("norm", "kBias") || u.Uses("norm", "kScale") {
		t.Error("the kernel uses kBias and not kScale")
	}
}

func TestLayout(t *testing.T) {
	u, err := Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	args := Struct{Name: "Args", Line: 6, Size: 24, Align: 4, Fields: []Field{
		{"rows", "uint", 1, 0, 4}, {"dim", "uint", 1, 4, 4}, {"eps", "float", 1, 8, 4}, {"shape", "uint", 3, 12, 12},
	}}
	if d := cmp.Diff(&args, u.Struct("Args")); d != "" {
		t.Error(d)
	}
	wide := Struct{Name: "Wide", Line: 7, Size: 64, Align: 16, Fields: []Field{
		{"a", "uint", 1, 0, 4}, {"v", "float4", 1, 16, 16}, {"p", "packed_float3", 1, 32, 12},
		{"h", "half", 1, 44, 2}, {"w", "float3", 1, 48, 16},
	}}
	if d := cmp.Diff(&wide, u.Struct("Wide")); d != "" {
		t.Error(d)
	}
	if u.Struct("Method") != nil {
		t.Error("a struct with methods has no layout of plain data")
	}
	if _, _, ok := u.Layout("unknown"); ok {
		t.Error("an unknown type has a layout")
	}
}

func TestLowerKeepsLines(t *testing.T) {
	text := "constant bool a\n  [[function_constant(0)]];\nkernel void k(device float* o [[buffer(0)]]) {\n" +
		"  threadgroup float s[4], u[2];\n  s[0] = a ? 1.0f : 0.0f;\n}\n"
	u, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	low := strings.Split(u.Lower("k.metal", text), "\n")
	for line, want := range map[int]string{1: "extern constant bool a;", 3: "kernel void k(",
		4: "  threadgroup float s[4], u[2]; MSL_KEEP(s) MSL_KEEP(u)", 5: "  s[0] = a"} {
		if got := low[line]; !strings.HasPrefix(got, want) { // low[0] is the #line directive
			t.Errorf("line %d is %q, want %q", line, got, want)
		}
	}
	if d := u.Definitions(); !strings.Contains(d, " bool a;") {
		t.Errorf("no definition of a in %q", d)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"no attribute", "device float* o", `parameter "device float* o" has no attribute`},
		{"repeated index", "device float* o [[buffer(0)]], device float* p [[buffer(0)]]", "buffer(0) is given twice"},
		{"large index", "device float* o [[buffer(31)]]", "is not a number from 0 to 30"},
		{"named index", "device float* o [[buffer(kIndex)]]", "is not a number from 0 to 30"},
		{"unknown", "uint i [[thread_position_in_universe]]", "unknown attribute"},
		{"no space", "float* o [[buffer(0)]]", "a buffer argument of type"},
		{"wrong space", "threadgroup float* o [[buffer(0)]]", "a buffer argument of type"},
		{"mixed widths", "uint a [[thread_position_in_grid]], uint2 b [[threadgroup_position_in_grid]]", "of different types"},
		{"mixed types", "uint a [[thread_position_in_grid]], ushort b [[threads_per_grid]]", "of different types"},
		{"short index", "uint a [[thread_position_in_threadgroup]], ushort b [[thread_index_in_threadgroup]]", "is ushort beside uint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("\nkernel void k(" + c.args + ") {}\n")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "line 2: kernel k") {
				t.Errorf("want %q in line 2, got %v", c.want, err)
			}
		})
	}
	for _, c := range []struct{ text, want string }{
		{"template <typename T> kernel void k(device T* o [[buffer(0)]]) {}", "cannot be a template"},
		{"kernel void k() {} kernel void k() {}", "a second kernel"},
		{"[[max_total_threads_per_threadgroup(2048)]] kernel void k() {}", "is not a number from 1 to 1024"},
		{"[[max_total_threads_per_threadgroup(kMost)]]\nkernel void k() {}", "is not a number from 1 to 1024"},
		{"[[max_threads(64)]] kernel void k() {}", "unknown attribute max_threads(64)"},
		{"constant half a [[function_constant(0)]];", "type half"},
		{"constant bool a [[function_constant(0)]]; constant int b [[function_constant(0)]];", "taken already"},
		{"constant bool a [[function_constant(x)]];", "is not a number"},
	} {
		if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.text, c.want, err)
		}
	}
}
