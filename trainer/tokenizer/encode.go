package tokenizer

import (
	"context"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Encode returns the ids of a text. For many texts an Encoder is faster.
func (t *Tokenizer) Encode(s string) []int32 { return t.NewEncoder().Append(nil, s) }

// Encoder encodes many texts with one tokenizer and remembers the pieces it has seen. Unlike
// the tokenizer it must not be used from two goroutines at a time.
type Encoder struct {
	t     *Tokenizer
	cache map[string][]int32
	ids   [shortPiece]int32
}

const (
	shortPiece   = 48      // bytes; up to here the lowest rank is found by a plain scan
	cachedPieces = 1 << 17 // about 20 MB for English
	chunk        = 1 << 20 // bytes of a long text between two looks at the context
)

// NewEncoder returns an encoder with an empty cache.
func (t *Tokenizer) NewEncoder() *Encoder {
	return &Encoder{t: t, cache: map[string][]int32{}}
}

// Append appends the ids of s to dst. Added tokens are matched first, longest first, those
// marked normalized only after the text is brought to NFC; what lies between them is split
// into pieces and each piece is merged by rank. Bytes that are no valid UTF-8 are kept.
func (e *Encoder) Append(dst []int32, s string) []int32 {
	t := e.t
	return between(t.raw, s, dst, func(dst []int32, s string) []int32 {
		if t.nfc {
			s = norm.NFC.String(s)
		}
		return between(t.normal, s, dst, e.pieces)
	})
}

// AppendContext is Append for long texts: it gives up with the context's error when that is
// cancelled, and calls progress, which may be nil, with the number of bytes done so far.
func (e *Encoder) AppendContext(
	ctx context.Context, dst []int32, s string, progress func(bytes int),
) ([]int32, error) {
	whole := e.t.mixesBlanks()
	for done := 0; done < len(s); {
		if err := ctx.Err(); err != nil {
			return dst, err
		}
		n := len(s) - done
		if !whole {
			n = cutAtBlank(s[done:], chunk)
		}
		dst = e.Append(dst, s[done:done+n])
		if done += n; progress != nil {
			progress(done)
		}
	}
	return dst, nil
}

// cutAtBlank returns the first place from n on where s may be cut without a change of its ids:
// before a single blank between two ASCII letters. There both split rules end a piece, and
// normalization reaches across no such blank.
func cutAtBlank(s string, n int) int {
	letter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
	for i := n; i < len(s)-1; i++ {
		if s[i] == ' ' && letter(s[i-1]) && letter(s[i+1]) {
			return i
		}
	}
	return len(s)
}

// between appends the ids of the trie's strings in s and calls rest for what lies between.
func between(
	tokens *trie, s string, dst []int32, rest func([]int32, string) []int32,
) []int32 {
	start := 0
	for i := 0; i < len(s) && tokens.next != nil; {
		if tokens.next[s[i]] == nil {
			i++
			continue
		}
		n, id := tokens.match(s[i:])
		if n == 0 {
			i++
			continue
		}
		if i > start {
			dst = rest(dst, s[start:i])
		}
		dst = append(dst, id)
		i += n
		start = i
	}
	if start < len(s) {
		dst = rest(dst, s[start:])
	}
	return dst
}

func (e *Encoder) pieces(dst []int32, s string) []int32 {
	t := e.t
	if len(t.merges) == 0 {
		for i := range len(s) {
			dst = append(dst, t.byteID[s[i]])
		}
		return dst
	}
	for len(s) > 0 {
		n := t.split.next(s)
		piece := s[:n]
		s = s[n:]
		if ids, ok := e.cache[piece]; ok {
			dst = append(dst, ids...)
			continue
		}
		from := len(dst)
		if n > shortPiece {
			dst = t.mergeLong(dst, piece)
			continue
		}
		dst = e.mergeShort(dst, piece)
		if len(e.cache) < cachedPieces {
			// The clones let go of the caller's text and slice.
			e.cache[strings.Clone(piece)] = append([]int32(nil), dst[from:]...)
		}
	}
	return dst
}

// mergeShort applies the merge of lowest rank, the first of equal ones, until none applies.
func (e *Encoder) mergeShort(dst []int32, piece string) []int32 {
	t := e.t
	ids := e.ids[:len(piece)]
	for i := range ids {
		ids[i] = t.byteID[piece[i]]
	}
	for {
		best, at := merge{}, -1
		for i := 0; i+1 < len(ids); i++ {
			m, ok := t.merges[makePair(ids[i], ids[i+1])]
			if ok && (at < 0 || m.rank < best.rank) {
				best, at = m, i
			}
		}
		if at < 0 {
			return append(dst, ids...)
		}
		ids[at] = best.id
		ids = append(ids[:at+1], ids[at+2:]...)
	}
}
