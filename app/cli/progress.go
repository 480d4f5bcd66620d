package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// progress shows how far something long has come: one line that is rewritten on a terminal, plain
// lines anywhere else.
type progress struct {
	out   io.Writer
	live  bool
	most  func() int // characters of a live line; nil: lineWidth
	shown bool       // a live line stands on the screen
	began time.Time
	last  time.Time // of the last line
	tenth int64     // tenths done when it was written
	done  int64     // as it was written
}

const (
	liveEvery  = 100 * time.Millisecond
	plainEvery = 2 * time.Second
	plainMost  = time.Minute // long runs print a line a minute
	lineWidth  = 79
	barWidth   = 20 // less where the words need the room
	barLeast   = 5
)

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, began: time.Now(), tenth: -1}
	p.live = isTerminal(out) && os.Getenv("TERM") != "dumb" // which cannot rewrite a line
	p.most = func() int {                                   // asked each time, because windows change
		if n, ok := columns(out); ok {
			return n - 1 // the last column may wrap
		}
		return lineWidth
	}
	return p
}

// width is how many characters a live line may have now.
func (p *progress) width() int {
	if p.most == nil {
		return lineWidth
	}
	return max(1, min(p.most(), lineWidth))
}

// due tells whether a line should be written now. On a terminal that is every tenth of a second;
// elsewhere after each tenth of the work and every two seconds, which grows with the time that has
// passed so that a run of a day does not fill a disk.
func (p *progress) due(done, total int64, now time.Time) bool {
	if p.live {
		return now.Sub(p.last) >= liveEvery
	}
	every := min(max(plainEvery, now.Sub(p.began)/30), plainMost)
	tenth := int64(0)
	if total > 0 {
		tenth = 10 * done / total
	}
	return now.Sub(p.last) >= every || tenth > p.tenth
}

// show writes text with a bar when a line is due. A total of 0 means that the length is unknown.
func (p *progress) show(done, total int64, now time.Time, text func() string) {
	if !p.due(done, total, now) {
		return
	}
	p.line(done, total, now, text())
}

// line writes text with a bar in any case.
func (p *progress) line(done, total int64, now time.Time, text string) {
	p.last, p.tenth, p.done = now, 0, done
	share := ""
	if total > 0 {
		p.tenth = 10 * done / total
		share = fmt.Sprintf("%3d %%  ", 100*done/total)
	}
	if !p.live {
		fmt.Fprintf(p.out, "%s%s\n", share, text)
		return
	}
	bar, width := "", p.width()
	text = share + text
	if room := int64(min(barWidth, width-1-utf8.RuneCountInString(text))); total > 0 && room >= barLeast {
		full := int(room * min(done, total) / total)
		bar = strings.Repeat("#", full) + strings.Repeat("-", int(room)-full) + " "
	}
	fmt.Fprintf(p.out, "\r%s\x1b[K", cut(bar+text, width))
	p.shown = true
}

// finish writes a last line that stays, unless it stands there already.
func (p *progress) finish(done, total int64, text string) {
	p.clear()
	if p.live || p.done != done {
		p.live = false
		p.line(done, total, time.Now(), text)
	}
}

// clear takes the live line off the screen.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// note writes a line that stays.
func (p *progress) note(format string, args ...any) {
	p.clear()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// cut shortens a line to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// clock writes a duration as m:ss or h:mm:ss.
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// rate writes a number of tokens a second.
func rate(x float64) string {
	switch {
	case x >= 99_950:
		return fmt.Sprintf("%.0fk tok/s", x/1e3)
	case x >= 1e3:
		return fmt.Sprintf("%.1fk tok/s", x/1e3)
	}
	return fmt.Sprintf("%.0f tok/s", x)
}

// short writes a count with three digits and a prefix: 901 k, 1.18 G.
func short(x float64) string {
	units := []string{"", " k", " M", " G", " T", " P", " E"}
	i := 0
	for ; x >= 999.5 && i < len(units)-1; i++ {
		x /= 1000
	}
	digits := 2
	if x >= 99.95 || i == 0 {
		digits = 0
	} else if x >= 9.995 {
		digits = 1
	}
	return fmt.Sprintf("%.*f%s", digits, x, units[i])
}

// nats writes a loss, or a dash when there is none.
func nats(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.4f", x)
}

// quote writes a path or text so that a shell reads it as one word.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("/._-+:@%,=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
