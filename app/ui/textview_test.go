package ui

import (
	"strings"
	"testing"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"pgregory.net/rapid"
)

func TestWrapping(t *testing.T) {
	for _, c := range []struct {
		text    string
		accent  int
		columns int
		want    string
	}{
		{"", 0, 10, ""},
		{"the red bird", 0, 12, "the red bird"},
		{"the red bird", 0, 11, "the red|bird"},
		{"the red bird", 7, 8, "[the red]|bird"},
		{"the red bird", 9, 8, "[the red]|[b]ird"},
		{"a\n\nb", 0, 8, "a||b"},
		{"abcdefghij", 3, 4, "[abc]d|efgh|ij"},
		{"ab  cd", 0, 3, "ab |cd"},
		{"日本語の文", 0, 4, "日本|語の|文"},
		{" a日", 0, 2, "|a|日"},
		{"one two", 7, 3, "[one]|[two]"},
	} {
		var got []string
		for _, l := range appendWrapped(nil, c.text, c.accent, c.columns) {
			text := l.text[l.accent:]
			if l.accent > 0 {
				text = "[" + l.text[:l.accent] + "]" + text
			}
			got = append(got, text)
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, strings.Join(got, "|"), c.want)
		}
	}
}

// TestWrappingKeepsEveryLetter: only blanks and line ends go, at the ends of lines, no line is too long, and
// the prompt stays as long as it is.
func TestWrappingKeepsEveryLetter(t *testing.T) {
	bare := strings.NewReplacer(" ", "", "\n", "")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-c \n日é]{0,80}`).Draw(t, "text")
		columns := rapid.IntRange(2, 20).Draw(t, "columns")
		accent := len([]byte(string([]rune(text)[:rapid.IntRange(0, utf8.RuneCountInString(text)).Draw(t, "prompt")])))
		var all, prompt strings.Builder
		for _, l := range appendWrapped(nil, text, accent, columns) {
			n := 0
			for _, r := range l.text {
				n += columnsOf(r)
			}
			if n > columns || !utf8.ValidString(l.text) {
				t.Fatalf("the line %q takes %d of %d columns", l.text, n, columns)
			}
			all.WriteString(l.text)
			prompt.WriteString(l.text[:l.accent])
		}
		if got, want := bare.Replace(all.String()), bare.Replace(text); got != want {
			t.Fatalf("%q became %q", want, got)
		}
		if got, want := bare.Replace(prompt.String()), bare.Replace(text[:accent]); got != want {
			t.Fatalf("the prompt %q became %q", want, got)
		}
	})
}

// TestTextViewDrawsWhatIsInSight scrolls through a long text and looks at the lines that are drawn, and
// whether the end stays in sight while the text grows, unless a person has scrolled back.
func TestTextViewDrawsWhatIsInSight(t *testing.T) {
	app := test.NewTempApp(t)
	app.Settings().SetTheme(newTheme(Light, 1))
	v := newTextView()
	w := app.NewWindow("")
	w.SetPadded(false)
	w.SetContent(v.object)
	w.Resize(fyne.NewSize(300, 200))
	line := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 5) }
	text := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i) + "\n")
		}
		return b.String()
	}
	seen := func() []string {
		var list []string
		for _, r := range v.rows {
			if y := r.text.Position().Y - v.scroll.Offset.Y; r.text.Text != "" && y > -v.cell().Height && y < 200 {
				list = append(list, r.text.Text)
			}
		}
		return list
	}
	v.set([]textBlock{{"head", "", text(10_000)}}, false)
	if got := seen(); got[0] != "head" || got[1] != line(0) || len(v.rows) > 20 {
		t.Errorf("%d rows are drawn, first %q", len(v.rows), got)
	}
	v.scroll.ScrollToBottom()
	if got := seen(); got[len(got)-1] != line(9999) {
		t.Errorf("at the end stands %q", got)
	}
	v.set([]textBlock{{"head", "", text(10_007)}}, true)
	if got := seen(); got[len(got)-1] != line(10_006) {
		t.Errorf("after more text the end is %q", got)
	}
	w.Resize(fyne.NewSize(200, 120))
	if got := seen(); got[len(got)-1] != line(10_006) {
		t.Errorf("in a smaller window the end is %q", got)
	}
	w.Resize(fyne.NewSize(300, 200))
	v.scroll.ScrollToTop()
	v.set([]textBlock{{"head", "", text(10_020)}}, true)
	if got := seen(); got[0] != "head" {
		t.Errorf("who has scrolled back sees %q", got)
	}
	v.set([]textBlock{{"", "", "short"}}, true)
	if got := seen(); strings.Join(got, "|") != "short" {
		t.Errorf("a shorter text shows %q", got)
	}
}

// BenchmarkTextView is one update of a text of 20,000 letters while it is written.
func BenchmarkTextView(b *testing.B) {
	app := test.NewTempApp(b)
	app.Settings().SetTheme(newTheme(Light, 1))
	v := newTextView()
	w := app.NewWindow("")
	w.SetContent(v.object)
	w.Resize(fyne.NewSize(400, 300))
	text := strings.Repeat("the red bird sees the small boat . ", 20_000/35)
	for i := 0; b.Loop(); i++ {
		v.set([]textBlock{{"", "prompt", text[:len(text)-i%100]}}, true)
	}
}
