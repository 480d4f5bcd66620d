package data

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// survey is what one walk over the corpus finds out. It holds nothing per document, except for
// the toy language.
type survey struct {
	content [32]byte // SHA-256 over the SHA-256 of each text in order

	documents, valDocuments int64
	bytes, valBytes         int64

	nats []float64 // by document; toy language only
	val  []bool    // by document; toy language only
}

// isValidation decides by the text alone, so that a document stays on its side when others come,
// go or move: the first 8 bytes of its SHA-256, big-endian, modulo 1,000.
func isValidation(sum [32]byte, perMille int) bool {
	return int(binary.BigEndian.Uint64(sum[:8])%1000) < perMille
}

// scan walks over all documents, which also finds everything that is wrong with the corpus.
func scan(ctx context.Context, c *corpus, o Options) (*survey, error) {
	s := &survey{}
	total := c.limit
	if len(c.files) > 0 {
		total = 0
		for _, f := range c.files {
			total += f.size
		}
	}
	report := o.stage("reading the corpus", total)
	content := sha256.New()
	skipped, err := c.each(ctx, report, func(d document) error {
		sum := sha256.Sum256([]byte(d.text))
		content.Write(sum[:])
		val := isValidation(sum, o.ValPerMille)
		s.documents++
		s.bytes += int64(len(d.text))
		if val {
			s.valDocuments++
			s.valBytes += int64(len(d.text))
		}
		if d.nats > 0 {
			s.nats = append(s.nats, d.nats)
			s.val = append(s.val, val)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s.documents == 0 {
		return nil, fmt.Errorf("%s holds no text; every document in it is empty", c.title)
	}
	if skipped > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%s empty documents were left out.", digits(skipped)))
	}
	content.Sum(s.content[:0])
	report(total)
	return s, nil
}

// stage returns a function that passes progress on, at most some hundred times.
func (o Options) stage(name string, total int64) func(done int64) {
	if o.Progress == nil {
		return func(int64) {}
	}
	next := int64(0)
	finished := false
	return func(done int64) {
		done = min(done, total)
		if finished || done < next && done < total {
			return
		}
		finished = done == total
		next = done + total/200 + 1
		o.Progress(name, done, total)
	}
}
