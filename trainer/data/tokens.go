package data

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Tokens is a stream of token ids, kept in 2 bytes each when the vocabulary allows, else in 4.
type Tokens struct {
	narrow []uint16
	wide   []uint32
	isWide bool
}

func newTokens(vocab int) *Tokens { return &Tokens{isWide: vocab > math.MaxUint16+1} }

// Len is the number of tokens.
func (t *Tokens) Len() int { return len(t.narrow) + len(t.wide) }

// DType is the element type in numpy's words, "uint16" or "uint32".
func (t *Tokens) DType() string {
	if t.isWide {
		return "uint32"
	}
	return "uint16"
}

// At returns one id.
func (t *Tokens) At(i int) int32 {
	if t.isWide {
		return int32(t.wide[i])
	}
	return int32(t.narrow[i])
}

// Copy fills dst with the ids from position from on. It panics when there are not that many.
func (t *Tokens) Copy(dst []int32, from int) {
	if t.isWide {
		for i, id := range t.wide[from : from+len(dst)] {
			dst[i] = int32(id)
		}
		return
	}
	for i, id := range t.narrow[from : from+len(dst)] {
		dst[i] = int32(id)
	}
}

func (t *Tokens) append(ids ...int32) {
	for _, id := range ids {
		if t.isWide {
			t.wide = append(t.wide, uint32(id))
		} else {
			t.narrow = append(t.narrow, uint16(id))
		}
	}
}

// slice shares its memory with t.
func (t *Tokens) slice(from, to int) *Tokens {
	if t.isWide {
		return &Tokens{isWide: true, wide: t.wide[from:to:to]}
	}
	return &Tokens{narrow: t.narrow[from:to:to]}
}

// remove takes the extents, which are in order, out of t and returns them as one stream.
func (t *Tokens) remove(extents []extent) *Tokens {
	if t.isWide {
		out := &Tokens{isWide: true}
		t.wide, out.wide = removeExtents(t.wide, extents)
		return out
	}
	out := &Tokens{}
	t.narrow, out.narrow = removeExtents(t.narrow, extents)
	return out
}

func removeExtents[E any](s []E, extents []extent) (kept, removed []E) {
	kept = s[:0]
	at := 0
	for _, x := range extents {
		removed = append(removed, s[x[0]:x[1]]...)
		kept = append(kept, s[at:x[0]]...)
		at = x[1]
	}
	return append(kept, s[at:]...), removed
}

// WriteTo writes the ids little-endian with nothing around them, the form of OLMo's token files.
func (t *Tokens) WriteTo(w io.Writer) (int64, error) {
	const block = 1 << 15
	var written int64
	buffer := make([]byte, 0, 4*block)
	for from := 0; from < t.Len(); from += block {
		part := t.slice(from, min(from+block, t.Len()))
		buffer = buffer[:0]
		for _, id := range part.narrow {
			buffer = binary.LittleEndian.AppendUint16(buffer, id)
		}
		for _, id := range part.wide {
			buffer = binary.LittleEndian.AppendUint32(buffer, id)
		}
		n, err := w.Write(buffer)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// readTokens is the inverse of WriteTo for n ids, all of which must be below vocab.
func readTokens(r io.Reader, n, vocab int) (*Tokens, error) {
	t := newTokens(vocab)
	width := 2
	if t.isWide {
		width = 4
		t.wide = make([]uint32, 0, n)
	} else {
		t.narrow = make([]uint16, 0, n)
	}
	buffer := make([]byte, width<<15)
	for t.Len() < n {
		part := buffer[:width*min(len(buffer)/width, n-t.Len())]
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, err
		}
		for i := 0; i < len(part); i += width {
			var id int32
			if t.isWide {
				id = int32(binary.LittleEndian.Uint32(part[i:]))
			} else {
				id = int32(binary.LittleEndian.Uint16(part[i:]))
			}
			if id < 0 || int(id) >= vocab {
				return nil, fmt.Errorf("token %d is %d in a vocabulary of %d", t.Len(), id, vocab)
			}
			t.append(id)
		}
	}
	return t, nil
}
