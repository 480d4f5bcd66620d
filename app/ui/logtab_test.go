package ui

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestLogRows(t *testing.T) {
	at := time.Date(2025, 3, 1, 9, 8, 7, 0, time.UTC)
	long := "The GPU ended the commands of step 120 before they were done: " + strings.Repeat("é", 70) + " end"
	lines := []logLine{{at: at, text: "Paused on request."}, {at: at, text: long, bad: true}, {at: at, text: "two\nparts"}}
	const n = 40
	rows := logRows(lines, n)
	if rows[0].text != "09:08:07  Paused on request." {
		t.Errorf("a short line is %q", rows[0].text)
	}
	joined := map[int]string{}
	for i, r := range rows {
		if c := utf8.RuneCountInString(r.text); c > n {
			t.Errorf("row %d has %d characters, %d fit: %q", i, c, n, r.text)
		}
		if i > 0 && rows[i-1].line == r.line && !strings.HasPrefix(r.text, logIndent) {
			t.Errorf("row %d is not indented: %q", i, r.text)
		}
		joined[r.line] += strings.ReplaceAll(strings.TrimPrefix(r.text, logIndent), " ", "")
	}
	if want := strings.ReplaceAll(lines[1].String(), " ", ""); joined[1] != want {
		t.Errorf("the rows of the long line say %q, want %q", joined[1], want)
	}
	if last := rows[len(rows)-1]; last.text != logIndent+"parts" || last.line != 2 {
		t.Errorf("the last row is %+v", last)
	}
	if rows := logRows(lines, 0); len(rows) == 0 { // before the tab has a width
		t.Error("no rows without a width")
	}
}

func TestHomely(t *testing.T) {
	home := filepath.FromSlash("/home/ada")
	t.Setenv("HOME", home)
	for text, want := range map[string]string{
		home:                                  "~",
		filepath.Join(home, "runs", "a"):      filepath.FromSlash("~/runs/a"),
		"Kept in " + filepath.Join(home, "b"): "Kept in " + filepath.FromSlash("~/b"),
		home + "m/runs":                       home + "m/runs",
		filepath.FromSlash("/mnt" + home):     filepath.FromSlash("/mnt" + home),
		"":                                    "",
	} {
		if got := homely(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
