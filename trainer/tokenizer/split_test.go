package tokenizer

import (
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func split(rule splitRule, s string) (pieces []string) {
	for s != "" {
		n := rule.next(s)
		pieces = append(pieces, s[:n])
		s = s[n:]
	}
	return pieces
}

func TestPieces(t *testing.T) {
	tests := []struct {
		text        string
		gpt2, cl100 []string
	}{
		{"I'll say 'tis", []string{"I", "'ll", " say", " '", "tis"},
			[]string{"I", "'ll", " say", " '", "tis"}},
		{"WE'LL", []string{"WE", "'", "LL"}, []string{"WE", "'LL"}},
		{"in 1704!\n", []string{"in", " 1704", "!", "\n"}, []string{"in", " ", "170", "4", "!\n"}},
		{"a  b\n\n  c", []string{"a", " ", " b", "\n\n ", " c"},
			[]string{"a", " ", " b", "\n\n", " ", " c"}},
		{"(x) \n", []string{"(", "x", ")", " \n"}, []string{"(x", ")", " \n"}},
		{"tail  ", []string{"tail", "  "}, []string{"tail", "  "}},
		{"\tx\u00a0y", []string{"\t", "x", "\u00a0", "y"}, []string{"\tx", "\u00a0y"}},
		{"'ſ", []string{"'", "ſ"}, []string{"'ſ"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.gpt2, split(splitGPT2, test.text)); diff != "" {
			t.Errorf("GPT-2 rule on %q: %s", test.text, diff)
		}
		if diff := cmp.Diff(test.cl100, split(splitCL100K, test.text)); diff != "" {
			t.Errorf("cl100k rule on %q: %s", test.text, diff)
		}
	}
}

// Go's expressions know no look-ahead and only ASCII blanks; both are put in by hand here.
const blankClass = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}` +
	`\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`

var (
	blankRun  = regexp.MustCompile(`^[` + blankClass + `]+`)
	beforeGPT = alternatives(`'s|'t|'re|'ve|'m|'ll|'d`, ` ?\p{L}+`, ` ?\p{N}+`,
		` ?[^`+blankClass+`\p{L}\p{N}]+`)
	beforeCL = alternatives(`(?i:'s|'t|'re|'ve|'m|'ll|'d)`, `[^\r\n\p{L}\p{N}]?\p{L}+`, `\p{N}{1,3}`,
		` ?[^`+blankClass+`\p{L}\p{N}]+[\r\n]*`, `[`+blankClass+`]*[\r\n]+`)
)

func alternatives(patterns ...string) (list []*regexp.Regexp) {
	for _, p := range patterns {
		list = append(list, regexp.MustCompile(`^(?:`+p+`)`))
	}
	return list
}

// splitByExpression tries the published alternatives in order.
func splitByExpression(list []*regexp.Regexp, s string) (pieces []string) {
	for s != "" {
		m := ""
		for _, e := range list {
			if m = e.FindString(s); m != "" {
				break
			}
		}
		if m == "" { // \s+(?!\S)|\s+
			m = blankRun.FindString(s)
			if _, n := utf8.DecodeLastRuneInString(m); len(m) < len(s) && n < len(m) {
				m = m[:len(m)-n]
			}
		}
		pieces = append(pieces, m)
		s = s[len(m):]
	}
	return pieces
}

func TestScannersAgreeWithThePublishedExpressions(t *testing.T) {
	runes := []rune("aZsStTlLvVreEdDmMſ'' \u00a0\t\r\n\n\u2003 17٣½.,!—(é光\u0301👍\x00\u0085\u200b")
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.StringOf(rapid.SampledFrom(runes)), rapid.String()).Draw(t, "text")
		got, want := split(splitGPT2, s), splitByExpression(beforeGPT, s)
		if !slices.Equal(got, want) {
			t.Fatalf("GPT-2 rule on %q: %q, want %q", s, got, want)
		}
		got, want = split(splitCL100K, s), splitByExpression(beforeCL, s)
		if !slices.Equal(got, want) {
			t.Fatalf("cl100k rule on %q: %q, want %q", s, got, want)
		}
	})
}
