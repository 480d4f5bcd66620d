package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitRule says where text is cut into pieces before merging. Merges never cross pieces. Both
// rules are published as regular expressions with look-ahead, which Go's package lacks; here
// they are written as scanners of the next piece.
type splitRule int

const (
	// splitGPT2 is 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
	splitGPT2 splitRule = iota
	// splitCL100K is cl100kPattern.
	splitCL100K
)

const cl100kPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` +
	` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// next returns the length of the first piece of s, which is not empty.
func (rule splitRule) next(s string) int {
	if rule == splitCL100K {
		return nextCL100K(s)
	}
	return nextGPT2(s)
}

func nextGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	start := 0
	if s[0] == ' ' && len(s) > 1 {
		start = 1
	}
	r, _ := decodeRune(s[start:])
	switch {
	case unicode.IsLetter(r):
		return run(s, start, unicode.IsLetter)
	case unicode.IsNumber(r):
		return run(s, start, unicode.IsNumber)
	case !unicode.IsSpace(r):
		return run(s, start, isOther)
	}
	return blanks(s)
}

func nextCL100K(s string) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	r, n := decodeRune(s)
	if unicode.IsLetter(r) {
		return run(s, 0, unicode.IsLetter)
	}
	if unicode.IsNumber(r) {
		return upToThreeNumbers(s)
	}
	if r != '\r' && r != '\n' && n < len(s) {
		if r2, _ := decodeRune(s[n:]); unicode.IsLetter(r2) {
			return run(s, n, unicode.IsLetter)
		}
	}
	start := 0
	if s[0] == ' ' && len(s) > 1 {
		start = 1
	}
	if r, _ := decodeRune(s[start:]); isOther(r) {
		end := run(s, start, isOther)
		for end < len(s) && (s[end] == '\r' || s[end] == '\n') {
			end++
		}
		return end
	}
	end := run(s, 0, unicode.IsSpace)
	if i := strings.LastIndexAny(s[:end], "\r\n"); i >= 0 { // \s*[\r\n]+
		return i + 1
	}
	return blanks(s)
}

func isOther(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r)
}

func decodeRune(s string) (rune, int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	return utf8.DecodeRuneInString(s)
}

// run returns where the characters from s[i] on stop being of the class.
func run(s string, i int, class func(rune) bool) int {
	for i < len(s) {
		r, n := decodeRune(s[i:])
		if !class(r) {
			break
		}
		i += n
	}
	return i
}

func upToThreeNumbers(s string) (end int) {
	for count := 0; count < 3 && end < len(s); count++ {
		r, n := decodeRune(s[end:])
		if !unicode.IsNumber(r) {
			break
		}
		end += n
	}
	return end
}

// blanks is \s+(?!\S)|\s+: all blanks, less the last one when something follows and another
// blank is left; that last one belongs to the word after it.
func blanks(s string) int {
	end := run(s, 0, unicode.IsSpace)
	if end == len(s) {
		return end
	}
	if _, n := utf8.DecodeLastRuneInString(s[:end]); end > n {
		return end - n
	}
	return end
}

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at the start of s, 0 if
// there is none. With fold, case does not count, and U+017F folds to s.
func contraction(s string, fold bool) int {
	if s[0] != '\'' {
		return 0
	}
	letter := func(i int) (c byte, n int) {
		switch {
		case i >= len(s):
			return 0, 0
		case fold && s[i] >= 'A' && s[i] <= 'Z':
			return s[i] + 'a' - 'A', 1
		case fold && strings.HasPrefix(s[i:], "ſ"):
			return 's', len("ſ")
		}
		return s[i], 1
	}
	first, n := letter(1)
	switch first {
	case 's', 't', 'm', 'd':
		return 1 + n
	}
	second, m := letter(1 + n)
	switch string([]byte{first, second}) {
	case "re", "ve", "ll":
		return 1 + n + m
	}
	return 0
}
