package ui

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
)

// unknown stands where a value is not measured yet.
const unknown = "–"

// short writes a count with three digits and a unit: 912 k, 1.24 M.
func short(v float64, unit string) string {
	for _, u := range [...]struct {
		size   float64
		suffix string
	}{{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= 0.9995*u.size {
			return digits3(v/u.size) + " " + u.suffix + unit
		}
	}
	if unit == "" {
		return digits3(v)
	}
	return digits3(v) + " " + unit
}

// count writes parameters: billions are B there, not G.
func count(n int64) string {
	if n >= 1e9 {
		return digits3(float64(n)/1e9) + " B"
	}
	return short(float64(n), "")
}

func digits3(v float64) string {
	d := 2
	for x := v; d > 0 && x >= 9.995; x /= 10 {
		d--
	}
	return fmt.Sprintf("%.*f", d, v)
}

// memory writes bytes in powers of 1000, as macOS does.
func memory(n int64) string {
	if n <= 0 {
		return unknown
	}
	return short(float64(n), "B")
}

func value(v float64) string {
	if math.IsNaN(v) {
		return unknown
	}
	return chart.FormatValue(v)
}

// measured writes what every step measures: after the first of a session, NaN is what was measured.
func measured(s *trainer.Snapshot, v float64) string {
	if s.Step > s.From {
		return chart.FormatValue(v)
	}
	return value(v)
}

func rate(v float64) string {
	if !(v > 0) {
		return unknown
	}
	return short(v, "")
}

// clock writes a duration as 0:07, 3:12 or 1:02:03.
func clock(d time.Duration) string {
	if d <= 0 {
		return unknown
	}
	s := int(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// whole writes a step number: 12,345.
func whole(n int64) string { return chart.FormatCount(float64(n)) }

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return whole(int64(n)) + " " + word + "s"
}

// homely writes the user's folder in a text as ~, as shells do.
func homely(text string) string {
	home, err := os.UserHomeDir()
	if err != nil || len(home) < 2 {
		return text
	}
	var b strings.Builder
	for {
		at := strings.Index(text, home)
		if at < 0 {
			return b.String() + text
		}
		end := at + len(home)
		starts := at == 0 || strings.ContainsRune(" \t\n\"“(", rune(text[at-1]))
		ends := end == len(text) || text[end] == filepath.Separator || strings.ContainsRune(" \n\"”).,;:", rune(text[end]))
		b.WriteString(text[:at])
		if starts && ends {
			b.WriteString("~")
		} else {
			b.WriteString(home)
		}
		text = text[end:]
	}
}
