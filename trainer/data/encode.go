package data

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/evenkeel/evenkeel/trainer/tokenizer"
)

// extent is tokens [x[0], x[1]) of a stream.
type extent [2]int

// encoded is the whole corpus as tokens in the order of its documents.
type encoded struct {
	tokenizer *tokenizer.Tokenizer
	tokens    *Tokens
	val       []extent // validation documents, EOS included, in order
	notes     []string
}

// encode takes the tokens from the cache or makes them. A cache that cannot be read or written
// costs time, never the run.
func encode(ctx context.Context, c *corpus, s *survey, o Options) (*encoded, error) {
	e := &encoded{}
	id := fmt.Sprintf("%s of %d entries", o.Tokenizer, o.Vocab)
	switch o.Tokenizer {
	case BPE: // learned below
	case Bytes:
		e.tokenizer = tokenizer.Bytes()
		o.Cache = "" // as fast to make as to check
	default:
		info, err := os.Stat(o.Tokenizer)
		if err == nil && !info.IsDir() && !info.Mode().IsRegular() { // what Load says of others is better
			return nil, fmt.Errorf("tokenizer %q is a pipe or a device, not a file; save it to a file and use that",
				o.Tokenizer)
		}
		if e.tokenizer, err = tokenizer.Load(o.Tokenizer); err != nil {
			return nil, fmt.Errorf("%w; use %q or %q, which need no file, or the path of a "+
				"tokenizer.json", err, Bytes, BPE)
		}
		id = e.tokenizer.SHA256()
	}
	entry := newCacheEntry(o.Cache, id, s, o)
	cached, damage := entry.read()
	if cached != nil {
		return cached, nil
	}
	if o.Tokenizer == BPE {
		if err := e.learn(ctx, c, s, o); err != nil {
			return nil, err
		}
	}
	if err := e.encode(ctx, c, s, o); err != nil {
		return nil, err
	}
	err := entry.write(e)
	if damage != nil { // not written: it is of no interest next time
		e.notes = append(e.notes, fmt.Sprintf("The cached tokens were not usable (%v) and have been "+
			"made again.", damage))
	}
	if err != nil {
		e.notes = append(e.notes, fmt.Sprintf("The tokens could not be kept in the cache (%v).", err))
	}
	return e, nil
}

const (
	sampleBytes = 16 << 20 // of text to learn a vocabulary from
	sampleBlock = 64 << 10
)

// learn trains a vocabulary on at most sampleBytes, spread evenly over the corpus. Validation
// documents are left out, unless there are no others.
func (e *encoded) learn(ctx context.Context, c *corpus, s *survey, o Options) error {
	trainer := tokenizer.NewTrainer()
	onAll := s.valDocuments == s.documents
	total := s.bytes - s.valBytes
	if onAll {
		total = s.bytes
	}
	report := o.stage("counting words", total)
	pick := sampler{total: total, want: sampleBytes}
	_, err := c.each(ctx, func(int64) {}, func(d document) error {
		if !onAll && isValidation(sha256.Sum256([]byte(d.text)), o.ValPerMille) {
			return nil
		}
		for text := d.text; text != ""; {
			if err := ctx.Err(); err != nil {
				return err
			}
			block := cutText(text, sampleBlock)
			if pick.total <= pick.want {
				block = text // whole documents while all of the text is wanted
			}
			text = text[len(block):]
			if pick.next(len(block)) {
				trainer.Add(block)
			}
			report(pick.seen)
		}
		return nil
	})
	if err != nil {
		return err
	}
	merging := o.stage("learning the vocabulary", int64(o.Vocab-tokenizer.ByteVocabulary))
	e.tokenizer, err = trainer.Train(ctx, o.Vocab, func(done, _ int) { merging(int64(done)) })
	if err != nil {
		return err
	}
	if got := e.tokenizer.VocabSize(); got < o.Vocab {
		e.notes = append(e.notes, fmt.Sprintf("The vocabulary has %d entries, not %d: "+
			"no more pairs occur twice in the text.", got, o.Vocab))
	}
	return nil
}

// sampler picks blocks so that at every point about want/total of the bytes seen are picked.
type sampler struct{ seen, taken, total, want int64 }

func (p *sampler) next(n int) bool {
	// In floating point, since the products pass 64 bits for large corpora.
	due := float64(p.taken)*float64(p.total) <= float64(p.seen)*float64(p.want)
	p.seen += int64(n)
	if due {
		p.taken += int64(n)
	}
	return due
}

func (e *encoded) encode(ctx context.Context, c *corpus, s *survey, o Options) error {
	e.tokens = newTokens(e.tokenizer.VocabSize())
	encoder := e.tokenizer.NewEncoder()
	report := o.stage("encoding", s.bytes)
	content := sha256.New()
	var ids []int32
	var done int64
	_, err := c.each(ctx, func(int64) {}, func(d document) error {
		sum := sha256.Sum256([]byte(d.text))
		content.Write(sum[:])
		var err error
		ids, err = encoder.AppendContext(ctx, ids[:0], d.text, func(n int) { report(done + int64(n)) })
		if err != nil {
			return err
		}
		start := e.tokens.Len()
		e.tokens.append(ids...)
		e.tokens.append(e.tokenizer.EOS())
		if isValidation(sum, o.ValPerMille) {
			e.val = append(e.val, extent{start, e.tokens.Len()})
		}
		done += int64(len(d.text))
		return nil
	})
	if err != nil {
		return err
	}
	if [32]byte(content.Sum(nil)) != s.content {
		return fmt.Errorf("%s changed while it was being read; try again when nothing writes to it",
			c.title)
	}
	return nil
}
