package tokenizer

import (
	"slices"
	"strings"
)

// tokenizer.json holds tokens as text, but a token may be part of a character. So every byte has
// a printable stand-in: itself where that is printable and no blank, else the next free code
// point from U+0100 on. This is the table of the GPT-2 code (Radford et al., 2019).
var (
	standIn [256]rune
	byteOf  = map[rune]byte{}
)

func init() {
	next := rune(0x100)
	for b := range 256 {
		switch {
		case b >= '!' && b <= '~', b >= 0xA1 && b <= 0xAC, b >= 0xAE:
			standIn[b] = rune(b)
		default:
			standIn[b] = next
			next++
		}
		byteOf[standIn[b]] = byte(b)
	}
}

func standInsSorted() []rune {
	s := slices.Clone(standIn[:])
	slices.Sort(s)
	return s
}

// toStandIns spells bytes as tokenizer.json does.
func toStandIns(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(standIn[c])
	}
	return s.String()
}

// fromStandIns is the inverse; ok is false when s holds anything but stand-ins.
func fromStandIns(s string) (b []byte, ok bool) {
	for _, r := range s {
		c, known := byteOf[r]
		if !known {
			return nil, false
		}
		b = append(b, c)
	}
	return b, true
}
