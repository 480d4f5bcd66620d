// Package toy generates the starter corpus: short documents in a small artificial language that
// exercise five skills (recall, agreement, addition, nesting, copying). A document is a pure
// function of a seed and its number, and every random choice behind it has a known probability.
// No two choice sequences give the same text, so the sum of -ln p over the choices is exactly
// the information in the text: the loss that no model can beat on average.
//
// The package depends on nothing but the standard library and draws from its own generator, so
// that the literal checksums in its tests hold on every machine and Go release.
package toy

import "slices"

// Version changes whenever the text of some document changes.
const Version = 1

// Skill is one ability that the language tests.
type Skill struct {
	Name   string // short identifier
	Title  string // for people
	Marker string // occurs in every sentence of this skill and in no other sentence
}

// The skills, as indices into Skills and as the values of Span.Skill.
const (
	Recall = iota
	Agreement
	Addition
	Nesting
	Copying
	skillCount
)

// Skills returns the list of skills, indexed by the constants above.
func Skills() []Skill {
	return []Skill{
		Recall:    {"recall", "Recall a fact stated earlier", "What does "},
		Agreement: {"agreement", "Make the verb agree with its subject", "The "},
		Addition:  {"addition", "Add two numbers up to 99", " plus "},
		Nesting:   {"nesting", "Close nested brackets in order", "Nest "},
		Copying:   {"copying", "Copy a list of words", "Say "},
	}
}

// Span marks bytes [Start, End) of a text that answer a task. A reader who knows the language
// finds each of these bytes the single most likely one given all the bytes before it: they are
// certain, except closing brackets, which are at least four times as likely as any other byte.
// Agreement spans start where the singular and the plural verb part, and a plural one includes
// the byte after the verb, which tells that no ending follows.
type Span struct {
	Skill      int
	Start, End int
}

// Document is one generated text.
type Document struct {
	Text  string  // sentences joined by blanks, no newline, printable ASCII only
	Nats  float64 // -ln of the probability of exactly this text, its end included
	Spans []Span  // the answers, in order of Start
}

// Generate returns the document with the given number in the corpus of the given seed.
func Generate(seed, number uint64) Document {
	g := newGenerator(seed, number)
	g.document()
	return Document{Text: string(g.text), Nats: g.nats, Spans: slices.Clone(g.spans)}
}

// Floor returns the entropy per byte, in nats, of documents from up to but not including to:
// the sum of their Nats over the sum of their lengths in bytes. The number of sentences is one
// of the choices, so where a document ends is paid for in Nats already; a model whose token
// stream carries an end-of-document token after each text spends the very same nats on
// one more token per document, and its loss per token has the smaller floor nats/(tokens+1).
// It returns 0 when there are no documents.
func Floor(seed, from, to uint64) float64 {
	var nats float64
	var bytes int
	for number := from; number < to; number++ {
		g := newGenerator(seed, number)
		g.document()
		nats += g.nats
		bytes += len(g.text)
	}
	if bytes == 0 {
		return 0
	}
	return nats / float64(bytes)
}
