package trainer

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/model"
)

// TestResolved writes the choices of every row and of some systems out: the result has none left to make,
// builds the same model, and says the same when it is resolved once more.
func TestResolved(t *testing.T) {
	change := map[string]func(*Config){
		"plain":    func(*Config) {},
		"bpe":      func(c *Config) { c.Tokenizer = "bpe" },
		"grouped":  func(c *Config) { c.Model.KVHeads = 2 },
		"experts":  func(c *Config) { c.Model.Experts = 4 },
		"latent":   func(c *Config) { c.Model.MLAKVLora = 16 },
		"unrotary": func(c *Config) { c.Model.Positions = "learned" },
	}
	for i := range model.Variants {
		for name, f := range change {
			c := DefaultConfig()
			c.Model.Variant = model.Variants[i].ID
			f(&c)
			want, err := c.ExpectedSpec()
			if err != nil {
				continue // what does not go together
			}
			r, _, err := c.Resolved()
			if err != nil {
				t.Fatalf("%s, %s: %v", c.Model.Variant, name, err)
			}
			got, err := r.Model.Resolve()
			if err != nil {
				t.Fatalf("%s, %s, resolved: %v", c.Model.Variant, name, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, %s: the resolved config builds another model:\n%s", c.Model.Variant, name, d)
			}
			again, _, err := r.Resolved()
			if err != nil || again != r {
				t.Errorf("%s, %s: resolved twice, %v:\n%s", c.Model.Variant, name, err, cmp.Diff(r, again))
			}
			m := &r.Model
			words := []string{m.Norm, m.Act, m.Init, m.Bias, m.Recenter, m.EmbNorm, m.FinalNorm, m.QKAxis, m.Positions, m.Pairing}
			numbers := []int{m.Vocab, m.FFN, m.KVHeads, m.HeadDim, r.BPEVocab, r.Warmup}
			if slices.Contains(words, model.Auto) || slices.Contains(words, "") || slices.Contains(numbers, 0) ||
				r.Warmup < 0 || m.InitStd == 0 || m.EmbScale == 0 {
				t.Errorf("%s, %s leaves a choice: %+v", c.Model.Variant, name, r)
			}
		}
	}
}

// TestUnused changes every key that Resolved calls unused and asks for the same model, and finds the keys
// of systems unused where they are off, and used where they are on.
func TestUnused(t *testing.T) {
	for _, x := range []struct {
		key string
		use func(*Config)
	}{
		{"top_k", func(c *Config) { c.Model.Experts = 4 }},
		{"mla_nope", func(c *Config) { c.Model.MLAKVLora = 16 }},
		{"bpe_vocab", func(c *Config) { c.Tokenizer = "bpe" }},
		{"dual_sigma", func(c *Config) { c.Model.Variant = "residual" }},
		{"max_gate", func(c *Config) { c.Model.Variant = "gpas_pre" }},
		{"qk_axis", func(c *Config) { c.Model.Variant = "pre_qk" }},
	} {
		c := DefaultConfig()
		c.Model.Variant = "pre"
		if _, unused, err := c.Resolved(); err != nil || !slices.Contains(unused, x.key) {
			t.Errorf("%s is used, %v", x.key, err)
		}
		x.use(&c)
		if _, unused, err := c.Resolved(); err != nil || slices.Contains(unused, x.key) {
			t.Errorf("%s is unused where it is not, %v", x.key, err)
		}
	}
	c := DefaultConfig()
	c.Model.Variant = "pre"
	other := c
	m := &other.Model
	m.TopK, m.MoEBalance, m.MoEZ, m.MoERenorm = 3, 1, 1, true
	m.MLANope, m.MLARope, m.MLAV, m.MLAQLora, m.DualSigma, m.DualAlpha, m.QKAxis = 4, 4, 4, 4, 3, 3, "full"
	want, err := c.ExpectedSpec()
	if err != nil {
		t.Fatal(err)
	}
	got, err := other.ExpectedSpec()
	if err != nil {
		t.Fatal(err)
	}
	want.QKFull, want.Sigma, want.AlphaOut = got.QKFull, got.Sigma, got.AlphaOut // nothing reads them
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("keys that are called unused change the model:\n%s", d)
	}
}
