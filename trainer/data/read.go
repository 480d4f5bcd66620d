package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/evenkeel/evenkeel/assets/toy"
)

const (
	maxLine     = 64 << 20 // bytes in a line of JSON
	maxDocument = 1 << 30  // bytes in a text file, which is one document
)

// document is one text, trimmed and not empty. nats is what it costs at least; 0 if not known.
type document struct {
	text string
	nats float64
}

// reader walks through a corpus once.
type reader struct {
	ctx      context.Context
	visit    func(document) error
	progress func(done int64) // bytes of the files, or of the toy language's text
	done     int64
	left     int64 // bytes of text still to take
	skipped  int64 // empty documents
}

// errEnough ends a walk when the limit is reached.
var errEnough = errors.New("enough text")

// each calls visit for every document in order, up to the limit. It returns how many documents
// were empty and left out.
func (c *corpus) each(
	ctx context.Context, progress func(done int64), visit func(document) error,
) (skipped int64, err error) {
	r := &reader{ctx: ctx, visit: visit, progress: progress, left: math.MaxInt64}
	if c.limit > 0 {
		r.left = c.limit
	}
	if len(c.files) == 0 {
		return 0, r.toy()
	}
	for _, f := range c.files {
		if err := r.file(f); errors.Is(err, errEnough) {
			break
		} else if err != nil {
			return r.skipped, err
		}
	}
	return r.skipped, nil
}

// toy takes whole documents, so that what they cost is known; the last may pass the limit.
func (r *reader) toy() error {
	for number := uint64(0); r.left > 0; number++ {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		d := toy.Generate(toySeed, number)
		if err := r.visit(document{d.Text, d.Nats}); err != nil {
			return err
		}
		r.left -= int64(len(d.Text))
		r.done += int64(len(d.Text))
		r.progress(r.done)
	}
	return nil
}

// take hands on a document, cut to what is left.
func (r *reader) take(text string) error {
	if int64(len(text)) > r.left {
		text = cutText(text, int(r.left))
		r.left = 0
	} else {
		r.left -= int64(len(text))
	}
	if text = strings.TrimSpace(text); text == "" {
		r.skipped++
	} else if err := r.visit(document{text: text}); err != nil {
		return err
	}
	if r.left == 0 {
		return errEnough
	}
	return nil
}

// cutText returns at most n bytes of s, without the half of a character.
func cutText(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for i := n; i >= 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n] // no UTF-8 at all
}

// Read counts and looks at the context, so that long files can be cancelled and followed.
func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.from.Read(p)
	m.done += int64(n)
	m.progress(m.done)
	return n, err
}

type meter struct {
	*reader
	from io.Reader
}

func (r *reader) file(f file) error {
	in, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("corpus %q cannot be read: %w", f.path, reason(err))
	}
	defer in.Close() // only read from
	from := &meter{r, in}
	start := r.done
	switch f.kind {
	case textFile:
		err = r.text(f, from)
	case jsonLines:
		err = r.lines(f.path, from, maxLine)
	case jsonLinesGzip:
		z, zErr := gzip.NewReader(from)
		if zErr != nil {
			return r.damaged(f.path, 0, zErr)
		}
		err = r.lines(f.path, z, maxLine)
	case jsonLinesZstd:
		z, zErr := zstd.NewReader(from, zstd.WithDecoderConcurrency(1))
		if zErr != nil {
			return r.damaged(f.path, 0, zErr)
		}
		defer z.Close()
		err = r.lines(f.path, z, maxLine)
	}
	r.done = start + f.size
	r.progress(r.done)
	return err
}

// text reads a file that is one document, no further than the limit.
func (r *reader) text(f file, from io.Reader) error {
	const bom = "\uFEFF"
	limit := min(r.left, maxDocument) + int64(len(bom)) + utf8.UTFMax
	var b strings.Builder
	b.Grow(int(min(f.size, limit)))
	if _, err := io.Copy(&b, io.LimitReader(from, limit)); err != nil {
		return r.failed(f.path, err)
	}
	text := strings.TrimPrefix(b.String(), bom)
	if int64(len(text)) > maxDocument && r.left > maxDocument {
		return fmt.Errorf("corpus %q is one document of more than %s bytes; split it into "+
			"several files", f.path, digits(maxDocument))
	}
	if r.left < int64(len(text)) {
		text = cutText(text, int(r.left))
		r.left = int64(len(text)) // nothing after it
	}
	if err := checkText(f.path, text); err != nil {
		return err
	}
	return r.take(text)
}

// checkText finds what makes a file no text.
func checkText(path, text string) error {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return fmt.Errorf("corpus %q is UTF-16 text; convert the file to UTF-8", path)
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return notText(path, 1+strings.Count(text[:i], "\n"))
	}
	if utf8.ValidString(text) {
		return nil
	}
	line := 1
	for part := range strings.SplitSeq(text, "\n") {
		if !utf8.ValidString(part) {
			break
		}
		line++
	}
	return notUTF8(path, line)
}

func notText(path string, line int) error {
	return fmt.Errorf("corpus %q looks binary: line %d has a zero byte; give plain text in UTF-8",
		path, line)
}

func notUTF8(path string, line int) error {
	return fmt.Errorf("corpus %q line %d is not valid UTF-8; convert the file to UTF-8 "+
		"or remove that line", path, line)
}

// lines reads a document a line: JSON objects of which the field text counts.
func (r *reader) lines(path string, from io.Reader, longest int) error {
	in := bufio.NewScanner(from)
	in.Buffer(make([]byte, 0, min(longest, 64<<10)), longest)
	number := 0
	for in.Scan() && in.Err() == nil { // an error comes with the half line before it
		number++
		line := in.Bytes()
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		text, err := textOf(path, number, line)
		if err != nil {
			return err
		}
		if err := r.take(text); err != nil {
			return err
		}
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("corpus %q line %d is longer than %s bytes; split that document",
			path, number+1, digits(int64(longest)))
	} else if err != nil {
		return r.damaged(path, number, err)
	}
	return nil
}

func textOf(path string, number int, line []byte) (string, error) {
	if bytes.IndexByte(line, 0) >= 0 {
		return "", notText(path, number)
	}
	if !utf8.Valid(line) {
		return "", notUTF8(path, number)
	}
	// A map, because a struct's fields would also match "Text" and "TEXT".
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return "", fmt.Errorf("corpus %q line %d is not a JSON object (%w); "+
			"repair or remove that line", path, number, err)
	}
	value, ok := fields["text"]
	if !ok {
		return "", fmt.Errorf("corpus %q line %d has no field \"text\"; every line must be "+
			"an object with one", path, number)
	}
	var text *string
	if err := json.Unmarshal(value, &text); err != nil || text == nil {
		return "", fmt.Errorf("corpus %q line %d has a field \"text\" that is not a string",
			path, number)
	}
	return *text, nil
}

// failed and damaged put an error of reading into words, but leave a cancelled context alone.
func (r *reader) failed(path string, err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return fmt.Errorf("corpus %q cannot be read: %w", path, reason(err))
}

func (r *reader) damaged(path string, line int, err error) error {
	if k := kindOf(path); r.ctx.Err() != nil || k == jsonLines || k == textFile {
		return r.failed(path, err)
	}
	return fmt.Errorf("corpus %q is cut short or damaged after line %d (%w); "+
		"fetch or compress it again", path, line, err)
}
