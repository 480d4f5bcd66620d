// Package data turns a corpus into batches. A corpus is a text file, a JSON-lines file, a folder
// of these, the generated toy language, or a book that comes with Go. Prepare reads it one
// document at a time, learns or loads a tokenizer, splits off validation documents and keeps the
// token streams in memory; Batch then fills training batches in the order that numpy's generator
// gives, which is that of the OLMo code.
package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/trainer/tokenizer"
)

// Special names of a corpus. A file of such a name is meant by ./toy.
const (
	Toy     = "toy"     // the generated language of package toy
	Opticks = "opticks" // Newton's Opticks, a test file of every Go installation
)

// NoValidation as Options.ValPerMille trains on all of the text and leaves Val empty.
const NoValidation = -1

// Kinds of tokenizer that are no file.
const (
	Bytes = "bytes" // one id per byte
	BPE   = "bpe"   // byte-pair encoding learned from the corpus
)

// Options say what to prepare. T and B must be set, everything else has a default.
type Options struct {
	Corpus      string // Toy, Opticks or a path; default Toy
	MaxBytes    int64  // take only so many bytes of text; 0 is all, or 4 MB of the toy language
	Tokenizer   string // Bytes, BPE or the path of a tokenizer.json; default BPE
	Vocab       int    // size of a learned vocabulary; default 512 for the toy language, else 4,096
	T           int    // tokens in a sequence
	B           int    // sequences in a batch
	Seed        uint64 // of the order of the batches; the toy language does not depend on it
	ValPerMille int    // documents of 1,000 that go to validation, up to 500, or NoValidation; default 5
	Cache       string // folder that keeps learned tokenizers and tokens; empty for none

	// Progress, if set, is called now and then from the goroutine of Prepare with a stage in
	// words and how much of it is done.
	Progress func(stage string, done, total int64)
}

const (
	toySeed         = 1
	toyBytes        = 4_000_000
	toyVocab        = 512
	defaultVocab    = 4096
	defaultPerMille = 5
)

func (o Options) withDefaults() (Options, error) {
	if o.Corpus == "" {
		o.Corpus = Toy
	}
	if o.Tokenizer == "" {
		o.Tokenizer = BPE
	}
	if o.MaxBytes == 0 && o.Corpus == Toy {
		o.MaxBytes = toyBytes
	}
	if o.Vocab == 0 {
		o.Vocab = defaultVocab
		if o.Corpus == Toy {
			o.Vocab = toyVocab
		}
	}
	if o.ValPerMille == 0 {
		o.ValPerMille = defaultPerMille
	}
	switch {
	case o.T < 2:
		return o, fmt.Errorf("a sequence of %d tokens has nothing to predict; use 2 or more", o.T)
	case o.B < 1:
		return o, fmt.Errorf("a batch of %d sequences is empty; use 1 or more", o.B)
	case o.MaxBytes < 0:
		return o, fmt.Errorf("the corpus cannot be cut to %d bytes; use 0 for all of it", o.MaxBytes)
	case o.ValPerMille != NoValidation && (o.ValPerMille < 0 || o.ValPerMille > 500):
		return o, fmt.Errorf("%d of 1,000 documents cannot go to validation; use 1 to 500", o.ValPerMille)
	case o.Vocab < tokenizer.ByteVocabulary && o.Tokenizer == BPE:
		return o, fmt.Errorf("a vocabulary of %d is too small; it needs at least %d entries, "+
			"2 special tokens and 256 bytes", o.Vocab, tokenizer.ByteVocabulary)
	}
	return o, nil
}

// Dataset is a corpus ready to train on. Train and Val are documents back to back, each followed
// by the tokenizer's EOS and none preceded by anything; sequence i is tokens [i*T, (i+1)*T), and
// what is left at the end of a stream is not used.
type Dataset struct {
	Name      string // the corpus in words
	Tokenizer *tokenizer.Tokenizer
	Train     *Tokens
	Val       *Tokens
	T         int
	Seed      uint64

	Documents    int64 // in both streams
	ValDocuments int64 // wholly in Val
	Bytes        int64 // of text in both streams

	// BytesPerToken is Bytes over all tokens, the EOS tokens included: a loss in nats per token
	// divided by it is the loss in nats per byte.
	BytesPerToken float64

	// FloorPerToken is the lowest mean loss, in nats per predicted token, that any model can
	// expect on Val; NaN where that is not known, that is for everything but the toy language.
	//
	// It is the information in the validation documents (toy.Document.Nats) divided by their
	// tokens, EOS included. A model that knew the language and saw each document from its start
	// would on average lose exactly this per token. Sequences that begin inside a document can
	// only make the loss larger. The first token of each sequence is not predicted; where that
	// falls in a document is a matter of chance, so it lowers cost and count alike. A floor on
	// the expected loss is no floor for each single batch. A loss that is summed over T-1
	// targets but divided by T, as the HybridNorm code has it, is smaller than the mean by
	// (T-1)/T, and so is its floor.
	FloorPerToken float64

	Notes []string // what a person should know about the data

	// Fingerprint is a SHA-256, in hexadecimal, of the texts in order, the tokenizer and the
	// split. A run that resumes must find the fingerprint it started with.
	Fingerprint string

	order order
}

// Prepare reads the corpus and returns the dataset. Its errors are sentences that name the file
// and the line. It stops with the context's error when that is cancelled.
func Prepare(ctx context.Context, o Options) (*Dataset, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c, err := openCorpus(ctx, o)
	if err != nil {
		return nil, err
	}
	s, err := scan(ctx, c, o)
	if err != nil {
		return nil, err
	}
	e, err := encode(ctx, c, s, o)
	if err != nil {
		return nil, err
	}
	d := &Dataset{
		Name: c.title, Tokenizer: e.tokenizer, T: o.T, Seed: o.Seed,
		Documents: s.documents, Bytes: s.bytes,
		BytesPerToken: float64(s.bytes) / float64(e.tokens.Len()),
		FloorPerToken: math.NaN(),
		Notes:         append(c.notes, e.notes...),
	}
	if err := d.divide(c, s, e, o); err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "evenkeel dataset 1\ntexts %x\ntokenizer %s\ntrain %d\nval %d\nval documents %d\n",
		s.content, e.tokenizer.SHA256(), d.Train.Len(), d.Val.Len(), d.ValDocuments)
	d.Fingerprint = hex.EncodeToString(h.Sum(nil))
	return d, nil
}
