package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the bytes that the ids stand for, special tokens spelled out. It is the
// inverse of Encode, up to NFC where the tokenizer normalizes. Ids that stand for no token
// give U+FFFD.
func (t *Tokenizer) Decode(ids []int32) string {
	var s strings.Builder
	for _, id := range ids {
		s.WriteString(t.Token(id))
	}
	return s.String()
}

// Token returns the bytes of one id, which may be part of a character only.
func (t *Tokenizer) Token(id int32) string {
	if id < 0 || int(id) >= len(t.tokens) || t.tokens[id] == nil {
		return string(utf8.RuneError)
	}
	return string(t.tokens[id])
}

// Decoder turns ids into text as they come, for samples shown while they are written. A
// character whose bytes are spread over several tokens is held back until it is whole; special
// tokens are left out; bytes that can be no character become U+FFFD.
type Decoder struct {
	t    *Tokenizer
	held []byte
}

// NewDecoder returns a decoder that holds nothing back yet.
func (t *Tokenizer) NewDecoder() *Decoder { return &Decoder{t: t} }

// Next returns the text that is certain after one more id; often one word, sometimes nothing.
func (d *Decoder) Next(id int32) string {
	if d.t.special[id] {
		return ""
	}
	d.held = append(d.held, d.t.Token(id)...)
	return d.take(false)
}

// Flush returns what is still held back, as U+FFFD, at the end of the ids.
func (d *Decoder) Flush() string { return d.take(true) }

func (d *Decoder) take(all bool) string {
	var s strings.Builder
	for len(d.held) > 0 && (all || utf8.FullRune(d.held)) {
		r, n := utf8.DecodeRune(d.held)
		s.WriteRune(r)
		d.held = d.held[n:]
	}
	return s.String()
}
