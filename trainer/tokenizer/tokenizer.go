// Package tokenizer is byte-level byte-pair encoding: it learns a vocabulary from text, turns
// text into ids and back, and reads and writes the tokenizer.json of Hugging Face. What such a
// file can ask for and this package does not do is refused by name, never approximated.
//
// The two special tokens come first in vocabularies of our own, then the 256 bytes, then the
// merges; without merges that is the byte tokenizer, which needs no training.
package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Names of the special tokens of our own vocabularies, with ids 0 and 1.
const (
	endOfText = "<|endoftext|>"
	padding   = "<|padding|>"
)

// ByteVocabulary is the size of the vocabulary without merges, the smallest there is.
const ByteVocabulary = 2 + 256

// Tokenizer maps text to ids and back. It never changes after it is made and may be used from
// several goroutines at a time.
type Tokenizer struct {
	byteID  [256]int32
	tokens  [][]byte // id -> bytes; nil where the file leaves an id out
	merges  map[pair]merge
	order   []pair // merges by rank
	split   splitRule
	nfc     bool
	added   []addedToken
	raw     *trie // added tokens looked for in the text as it is
	normal  *trie // added tokens looked for after normalization
	special map[int32]bool
	eos     int32
	pad     int32
	file    []byte // tokenizer.json
	sum     string // SHA-256 of file
}

// pair is two neighbouring ids.
type pair uint64

func makePair(a, b int32) pair   { return pair(uint32(a))<<32 | pair(uint32(b)) }
func (p pair) ids() (a, b int32) { return int32(p >> 32), int32(uint32(p)) }

// merge is what a pair becomes, and its rank: of all possible merges the lowest goes first.
type merge struct{ rank, id int32 }

// addedToken has the fields of tokenizer.json.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// Bytes returns the tokenizer that gives every byte an id of its own: a vocabulary of 258.
func Bytes() *Tokenizer {
	t := newTokenizer()
	t.finish()
	return t
}

// newTokenizer returns a tokenizer with the special tokens and the bytes; finish completes it.
// Bytes stand in the order of their printable stand-ins, "!" first, as in GPT-2's vocabulary.
func newTokenizer() *Tokenizer {
	t := &Tokenizer{merges: map[pair]merge{}, eos: 0, pad: 1}
	for id, content := range []string{endOfText, padding} {
		t.tokens = append(t.tokens, []byte(content))
		t.added = append(t.added, addedToken{ID: int32(id), Content: content, Special: true})
	}
	for _, r := range standInsSorted() {
		b := byteOf[r]
		t.byteID[b] = int32(len(t.tokens))
		t.tokens = append(t.tokens, []byte{b})
	}
	return t
}

// finish builds what encoding looks up, and the file if there is none yet.
func (t *Tokenizer) finish() {
	t.raw, t.normal = &trie{}, &trie{}
	t.special = map[int32]bool{}
	for _, a := range t.added {
		t.tokens[a.ID] = []byte(a.Content)
		t.special[a.ID] = a.Special
		if a.Normalized {
			t.normal.insert(a.Content, a.ID)
		} else {
			t.raw.insert(a.Content, a.ID)
		}
	}
	if t.file == nil {
		t.file = t.marshal()
	}
	sum := sha256.Sum256(t.file)
	t.sum = hex.EncodeToString(sum[:])
}

// VocabSize is one more than the highest id.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// EmbeddingRows is VocabSize rounded up to a multiple of 128, the number of rows that the
// embedding table has. Rows from VocabSize on stand for no token: sampling must pass them over.
func (t *Tokenizer) EmbeddingRows() int { return (len(t.tokens) + 127) / 128 * 128 }

// EOS is the id of the token that ends a document.
func (t *Tokenizer) EOS() int32 { return t.eos }

// Pad is the id of the padding token, or EOS when the vocabulary has none.
func (t *Tokenizer) Pad() int32 { return t.pad }

// SHA256 is the checksum, in hexadecimal, of the tokenizer.json that Save writes. Two tokenizers
// with the same checksum give the same ids.
func (t *Tokenizer) SHA256() string { return t.sum }

// String names the kind and the size for people.
func (t *Tokenizer) String() string {
	if len(t.order) == 0 {
		return fmt.Sprintf("bytes, vocabulary %d", len(t.tokens))
	}
	return fmt.Sprintf("byte-level BPE, vocabulary %d", len(t.tokens))
}

// trie finds the longest of a set of strings at the start of another.
type trie struct {
	next map[byte]*trie
	id   int32
	end  bool
}

func (t *trie) insert(s string, id int32) {
	for i := range len(s) {
		if t.next == nil {
			t.next = map[byte]*trie{}
		}
		n := t.next[s[i]]
		if n == nil {
			n = &trie{}
			t.next[s[i]] = n
		}
		t = n
	}
	t.id, t.end = id, true
}

// match returns the length of the longest inserted string that s starts with, 0 if none.
func (t *trie) match(s string) (length int, id int32) {
	for i := range len(s) {
		if t = t.next[s[i]]; t == nil {
			break
		}
		if t.end {
			length, id = i+1, t.id
		}
	}
	return length, id
}

// mixesBlanks says whether some added token holds a blank next to something else, so that text
// must not be cut at blanks.
func (t *Tokenizer) mixesBlanks() bool {
	for _, a := range t.added {
		if strings.Contains(a.Content, " ") && strings.Trim(a.Content, " ") != "" {
			return true
		}
	}
	return false
}
