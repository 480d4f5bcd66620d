package lint

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

// The sources that go to Apple's compiler are clean.
func TestShaders(t *testing.T) {
	for _, family := range shaders.Families() {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			source, err := shaders.Source(family)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range check(t, family+".metal", source) {
				t.Error(x)
			}
		})
	}
}

// Findings in a joined source name the file and line that a person would open, whichever pass of the
// lint makes them.
func TestPlacesInJoinedSources(t *testing.T) {
	source, err := shaders.Source("add")
	if err != nil {
		t.Fatal(err)
	}
	own := `#line 1 "add.metal"` + "\n"
	header, body, ok := strings.Cut(source, own)
	if !ok {
		t.Fatalf("no line %q in the source of add", own)
	}
	inHeader := strings.Count(header, "\n") // the directive is no line of the file
	inBody := strings.Count(body, "\n") + 1
	for _, c := range []struct{ text, want string }{
		{"static inline float zz(float x) { return x * 0.5; }", "0.5 without a suffix"},     // by the words
		{"static inline float zz(float* x) { return x[0]; }", "without an address space"},   // by clang's tree
		{"static inline float zz(float x) { return y; }", "undeclared identifier"},          // by clang
		{"kernel void zz(device float* o) { o[0] = 1.0f; }", "kernel zz: parameter"},        // by the signature
		{"template <bool B> float zz(float x) { if constexpr (B) return x; }", "constexpr"}, // by a warning
	} {
		for _, place := range []struct {
			source string
			f      Finding
		}{
			{header + c.text + "\n" + own + body, Finding{File: "header.metal", Line: inHeader}},
			{source + c.text + "\n", Finding{File: "add.metal", Line: inBody}},
		} {
			found := check(t, "add.metal", place.source)
			if len(found) != 1 || found[0].File != place.f.File || found[0].Line != place.f.Line ||
				!strings.Contains(found[0].Text, c.want) {
				t.Errorf("%s: found %q, want one at %s:%d with %q",
					c.text, found, place.f.File, place.f.Line, c.want)
			}
		}
	}
}
