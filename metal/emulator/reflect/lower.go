package reflect

import (
	"fmt"
	"regexp"
	"strings"
)

// system names the fields of the emulator's argument block that hold the position attributes.
var system = map[string]string{
	"thread_position_in_grid":          "tpig",
	"threadgroup_position_in_grid":     "tgpig",
	"thread_position_in_threadgroup":   "tpitg",
	"threads_per_threadgroup":          "tptg",
	"dispatch_threads_per_threadgroup": "dtptg",
	"threadgroups_per_grid":            "tgpg",
	"threads_per_grid":                 "tpg",
	"thread_index_in_threadgroup":      "tiitg",
	"thread_index_in_simdgroup":        "tiisg",
	"simdgroup_index_in_threadgroup":   "sgitg",
	"threads_per_simdgroup":            "tpsg",
	"simdgroups_per_threadgroup":       "sgptg",
}

// arrayRE finds declarations of threadgroup variables: no pointer, no parameter.
var arrayRE = regexp.MustCompile(`(^|[;{}\n])(\s*threadgroup\s+\w[^;(){}*&=]*;)`)

var declaredRE = regexp.MustCompile(`(\w+)\s*(?:\[[^\[\]]*\]\s*)*[,;]`)

// keep lets the address of every threadgroup variable escape: clang would split or drop an array
// that it sees through, or take what other threads wrote for undefined. Sizes are read from symbols.
func keep(body string) string {
	return arrayRE.ReplaceAllStringFunc(body, func(s string) string {
		for _, m := range declaredRE.FindAllStringSubmatch(s[1:], -1) {
			s += " MSL_KEEP(" + m[1] + ")"
		}
		return s
	})
}

// Trampolines is what messages and line tables name as the file of the functions that [Unit.Lower] adds.
const Trampolines = "trampolines"

// Lower gives the text to hand to clang: function constants become extern variables that the
// emulator sets before a dispatch, and every kernel gets a trampoline taking one argument block.
// Line numbers stay those of the file.
func (u *Unit) Lower(file, source string) string {
	var b strings.Builder
	body := fcRE.ReplaceAllStringFunc(source, func(s string) string {
		m := fcRE.FindStringSubmatch(s)
		return "extern constant " + m[1] + " " + m[2] + ";" + strings.Repeat("\n", strings.Count(s, "\n"))
	})
	body = keep(body)
	fmt.Fprintf(&b, "#line 1 %q\n%s\n#line 1 %q\n", file, body, Trampolines)
	for _, k := range u.Kernels {
		fmt.Fprintf(&b, "extern \"C\" __attribute__((visibility(\"default\"))) "+
			"void msl_k_%s(const thread msl_args* a) { %s(", k.Name, k.Name)
		for i, a := range k.Args {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(a.value())
		}
		b.WriteString("); }\n")
	}
	return b.String()
}

// value is the expression that takes an argument out of the block.
func (a Arg) value() string {
	table := map[string]string{"buffer": "buf", "threadgroup": "tgm"}[a.Attr]
	switch {
	case table != "" && a.Ref:
		return fmt.Sprintf("*(%s*)a->%s[%d]", strings.TrimSuffix(a.Type, "&"), table, a.Index)
	case table != "":
		return fmt.Sprintf("(%s)a->%s[%d]", a.Type, table, a.Index)
	}
	switch a.Attr {
	case "thread_index_in_threadgroup", "thread_index_in_simdgroup", "simdgroup_index_in_threadgroup",
		"threads_per_simdgroup", "simdgroups_per_threadgroup":
		return fmt.Sprintf("(%s)a->%s", a.Type, system[a.Attr])
	}
	return fmt.Sprintf("metal::msl_pos<%s>::get(a->%s)", a.Type, system[a.Attr])
}

// Definitions is the C++ text that defines the function constants on the emulator's side.
func (u *Unit) Definitions() string {
	types := map[string]string{"bool": "bool", "int": "int", "uint": "unsigned", "float": "float"}
	var b strings.Builder
	b.WriteString("extern \"C\" {\n")
	for _, c := range u.Constants {
		fmt.Fprintf(&b, "__attribute__((visibility(\"default\"), section(\".data.msl\"))) %s %s;\n", types[c.Type], c.Name)
	}
	b.WriteString("}\n")
	return b.String()
}
