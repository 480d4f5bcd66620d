package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// table is rows of cells under a first row of headings. A column of numbers is set flush right.
type table [][]string

// number is what counts as one: digits, then perhaps a unit.
var number = regexp.MustCompile(`^[0-9][0-9.,/e-]*( ?[kMGTPE]?B?)?$`)

func (t table) write(w io.Writer) {
	width := make([]int, len(t[0]))
	right := make([]bool, len(t[0]))
	for c := range t[0] {
		right[c] = len(t) > 1
		for r, row := range t {
			width[c] = max(width[c], utf8.RuneCountInString(row[c]))
			if r > 0 && !number.MatchString(row[c]) {
				right[c] = false
			}
		}
	}
	for r, row := range t {
		var line strings.Builder
		for c, cell := range row {
			pad := strings.Repeat(" ", width[c]-utf8.RuneCountInString(cell))
			if c > 0 {
				line.WriteString("  ")
			}
			if right[c] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
		if r == 0 {
			total := 2 * (len(width) - 1)
			for _, n := range width {
				total += n
			}
			fmt.Fprintln(w, strings.Repeat("-", total))
		}
	}
}
