package trainer

import (
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer/data"
)

// Resolved writes every automatic choice of the config out, so that two configs that train the same say the
// same. The vocabulary is that of [Config.ExpectedSpec] unless the config names it, and device and threads
// stay what they are, because only a machine can tell them. Unused lists the keys that change nothing then.
func (c *Config) Resolved() (r Config, unused []string, err error) {
	spec, err := c.ExpectedSpec()
	if err != nil {
		return *c, nil, err
	}
	r = *c
	r.Model.Vocab = spec.V
	if r.Model, err = r.Model.Resolved(); err != nil {
		return *c, nil, err
	}
	r.Warmup = c.warmup()
	r.Tokenizer = c.tokenizer()
	if r.Data == "" {
		r.Data = data.Toy
	}
	if r.BPEVocab == 0 {
		r.BPEVocab = c.bpeVocab()
	}
	unused = append(c.Model.Unused(spec), "preset")
	add := func(is bool, keys ...string) {
		if is {
			unused = append(unused, keys...)
		}
	}
	add(r.Tokenizer != data.BPE, "bpe_vocab")
	add(r.Warmup == 0, "warmup_min_lr")
	add(!gated(spec), "max_gate")
	add(r.EvalEvery == 0 || r.ValPerMill == 0, "eval_every", "eval_batches")
	add(r.SampleEvery == 0, "sample_tokens", "prompt")
	return r, unused, nil
}

// gated tells whether a model has GPAS gates.
func gated(s *model.Spec) bool {
	for i := range s.Blocks {
		if s.Blocks[i].Gate != model.GateNone {
			return true
		}
	}
	return false
}
