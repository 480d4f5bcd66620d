package reflect

import (
	"regexp"
	"strconv"
	"strings"
)

// Strip blanks comments and keeps line breaks and offsets, so that positions stay true.
func Strip(source string) string {
	b := []byte(source)
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '/' {
			continue
		}
		switch b[i+1] {
		case '/':
			for ; i < len(b) && b[i] != '\n'; i++ {
				b[i] = ' '
			}
		case '*':
			b[i], b[i+1] = ' ', ' '
			for i += 2; i < len(b) && !(b[i] == '*' && i+1 < len(b) && b[i+1] == '/'); i++ {
				if b[i] != '\n' {
					b[i] = ' '
				}
			}
			if i+1 < len(b) {
				b[i], b[i+1] = ' ', ' '
			}
		}
	}
	return string(b)
}

var lineRE = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*line[ \t]+(\d+)(?:[ \t]+"([^"\n]*)")?[^\n]*\n`)

// Position gives file and line of an offset, as #line directives tell them.
func Position(source string, offset int) (file string, line int) {
	line, start := 1, 0
	for _, m := range lineRE.FindAllStringSubmatchIndex(source[:offset], -1) {
		line, _ = strconv.Atoi(source[m[2]:m[3]])
		if m[4] >= 0 {
			file = source[m[4]:m[5]]
		}
		start = m[1]
	}
	return file, line + strings.Count(source[start:offset], "\n")
}

// closing gives the offset after the bracket that closes the one at start.
func closing(s string, start int, open, shut byte) int {
	depth := 0
	for i := start; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// splitTop splits at the commas outside all brackets.
func splitTop(s string) (out []string) {
	depth, start := 0, 0
	for i, c := range s {
		switch c {
		case '(', '<', '[', '{':
			depth++
		case ')', '>', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	return append(out, s[start:])
}
