package trainer

import (
	"strings"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer/data"
)

// Default sizes of trained vocabularies.
const (
	bpeVocabToy  = 512
	bpeVocabText = 4096
	byteRows     = 384 // 256 bytes and two special tokens, rounded up to 128
)

// ExpectedSpec resolves the model with the vocabulary the tokenizer will have, before any data is
// read. A tokenizer.json that is not loaded yet counts as the default size.
func (c *Config) ExpectedSpec() (*model.Spec, error) {
	m := c.Model
	if m.Vocab == 0 {
		m.Vocab = c.expectedVocab()
	}
	return m.Resolve()
}

func (c *Config) expectedVocab() int {
	if c.tokenizer() == data.Bytes {
		return byteRows
	}
	return (c.bpeVocab() + 127) / 128 * 128
}

// bpeVocab is the size of a trained vocabulary.
func (c *Config) bpeVocab() int {
	switch {
	case c.BPEVocab > 0:
		return c.BPEVocab
	case c.Data == data.Toy || c.Data == "": // as package data understands it
		return bpeVocabToy
	}
	return bpeVocabText
}

// Estimate gives parameters, FLOPs and memory before training starts.
func (c *Config) Estimate() (model.Counts, error) {
	s, err := c.ExpectedSpec()
	if err != nil {
		return model.Counts{}, err
	}
	return s.Count(max(1, c.Batch/max(1, c.Micro)), c.Model.Seq)
}

// NormParams counts the gains and biases of a model's norms: those inside its blocks, and those at its
// ends after the embedding and before the head.
func NormParams(s *model.Spec) (blocks, ends int64) {
	sc := s.Schema(0)
	for i := range sc.Params {
		p := &sc.Params[i]
		switch {
		case strings.Contains(p.Name, ".norm."):
			blocks += int64(p.Len())
		case strings.HasPrefix(p.Name, "emb.") || strings.HasPrefix(p.Name, "final."):
			ends += int64(p.Len())
		}
	}
	return blocks, ends
}
