package trainer

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/data"
)

func TestUnknownKeyNamesTheNearest(t *testing.T) {
	c := DefaultConfig()
	err := ParseConfig([]byte("layers: 3\nweight_decya: 0.2\n"), "my.yaml", &c)
	if err == nil {
		t.Fatal("an unknown key was taken")
	}
	for _, want := range []string{"my.yaml", "line 2", `"weight_decya"`, `"weight_decay"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %s", err, want)
		}
	}
}

func TestConfigSurvivesYAML(t *testing.T) {
	c := DefaultConfig()
	c.Model.Variant, c.LR, c.AdamEps, c.Seed = "mix_ln", 3e-4, 1e-8, 1<<63+5
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	d := DefaultConfig()
	if err := ParseConfig(text, "config.yaml", &d); err != nil {
		t.Fatal(err)
	}
	if d != c {
		t.Errorf("read back\n%+v, wrote\n%+v", d, c)
	}
}

func TestCustomRowFromYAML(t *testing.T) {
	c := DefaultConfig()
	err := ParseConfig([]byte(`
layers: 8
variant: mine
custom:
  id: mine
  init: megatron
  rows:
    - {blocks: "0:L", sites: [q, k, v, s2]}
    - {blocks: "0:L/4", sites: [attn_in, ffn_in], in_scale: rsqrt_depth, alpha: 1.5}
`), "mine.yaml", &c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.ExpectedSpec()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Blocks[1]; got.Sites.String() != "attn_in ffn_in" || got.Alpha != 1.5 || math.Abs(got.InScale-1/math.Sqrt2) > 1e-15 {
		t.Errorf("block 1 is %+v", got)
	}
	if got := s.Blocks[2].Sites.String(); got != "q k v s2" {
		t.Errorf("block 2 carries %s", got)
	}
}

// A row of the user's own is the variant unless the file names another, which is not done in silence.
func TestCustomRowIsChosen(t *testing.T) {
	const row = "custom: {id: mine, rows: [{sites: [attn_in, ffn_in], alpha: 2}]}\n"
	for _, x := range []struct {
		text, variant string
		warns         bool
	}{
		{row, "mine", false}, {row + "variant:\n", "mine", false}, {row + "variant: mine\n", "mine", false},
		{row + "variant: pre\n", "pre", true}, {"layers: 3\n", "hybrid_star", false},
	} {
		c := DefaultConfig()
		if err := ParseConfig([]byte(x.text), "x.yaml", &c); err != nil {
			t.Fatal(err)
		}
		v, err := c.Model.Row()
		if err != nil {
			t.Fatal(err)
		}
		warned := strings.Contains(strings.Join(c.Warnings(), "\n"), `the custom row "mine" is not used, because variant is pre`)
		if v.ID != x.variant || warned != x.warns {
			t.Errorf("%q trains %s and warns: %t", x.text, v.ID, warned)
		}
	}
}

// What is estimated before the data is read is what training then finds.
func TestExpectedVocabulary(t *testing.T) {
	text := filepath.Join(t.TempDir(), "toys.txt")
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "%d word%d thing%x ", i, i*7919%5000, i*104729%65536)
	}
	if err := os.WriteFile(text, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(text))
	for _, x := range []struct {
		data, tokenizer string
		want            int
	}{
		{"", "bpe", 512}, {"toy", "bpe", 512}, {"toys.txt", "bpe", 4096}, {"toy", "", 384}, {"toy", "bytes", 384},
	} {
		c := DefaultConfig()
		c.Data, c.Tokenizer = x.data, x.tokenizer
		s, err := c.ExpectedSpec()
		if err != nil {
			t.Fatal(err)
		}
		limit := int64(60_000)
		if x.data == "toys.txt" {
			limit = 0
		}
		d, err := data.Prepare(t.Context(), data.Options{Corpus: c.Data, MaxBytes: limit, Tokenizer: c.tokenizer(),
			Vocab: c.BPEVocab, T: 16, B: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Tokenizer.EmbeddingRows(); s.V != x.want || got != x.want {
			t.Errorf("corpus %q with tokenizer %q: %d rows expected, %d trained, want %d", x.data, x.tokenizer, s.V, got, x.want)
		}
		r, _, err := c.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := r.ExpectedSpec(); err != nil || again.V != x.want || r.Tokenizer == "" || r.Data == "" {
			t.Errorf("corpus %q with tokenizer %q resolves to %q, %q and %v", x.data, x.tokenizer, r.Data, r.Tokenizer, err)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"d: 100\nheads: 3", "not divisible by heads 3"},
		{"heads: 4\nkv_heads: 3", "cannot share 3"},
		{"batch: 6\nmicro: 4", "micro"},
		{"variant: hybird", `did you mean "hybrid"`},
		{"init: megatorn", "init"},
		{"lr: -1", "lr"},
		{"seq: 1", "seq"},
		{"preset: tinny", `did you mean "tiny"`},
		{"layers: 100000000000000", "x.yaml: layers is 100000000000000; choose 1 to 1024"},
		{"experts: 4000000000", "x.yaml: experts is 4000000000"},
		{"experts: -3", "experts is -3"},
		{"mla_kv_lora: -5", "mla_kv_lora is -5"},
		{"lr: .inf", "lr is +Inf"},
		{"lr: 1e300", "lr is 1e+300"},
		{"beta1: 1", "beta1 is 1; it must be at least 0 and below 1"},
		{"beta2: 1", "beta2 is 1"},
		{"beta2: -0.1", "beta2 is -0.1"},
		{"beta1: .nan", "beta1 is NaN"},
		{"weight_decay: .inf", "weight_decay is +Inf"},
		{"warmup_min_lr: .inf", "warmup_min_lr is +Inf"},
		{"max_norm: .inf", "max_norm is +Inf"},
		{"eps: .nan", "eps is NaN"},
		{"custom: {id: m, rows: [{sites: [s2], alpha: [2]}]}", "x.yaml: line 1: a factor is one number or name"},
		{"custom: {rows: [{sites: [s2]}]}", "a custom row needs an id"},
		{`name: "two\nlines"`, `name is "two\nlines"; it must be without line breaks`},
		{`name: "\e[2J"`, "without line breaks and other control characters"},
		{`custom: {id: "a\tb", rows: [{sites: [s2]}]}`, `variant is "a\tb"`},
		{"batch: 8\nsteps: 4.5", "x.yaml: line 2: steps is 4.5; write a whole number in digits"},
		{"seed: 1.7", "seed is 1.7"},
		{"seed: -1.0", "seed is -1.0"},
		{"layers: 1.5", "layers is 1.5"},
		{"d: 1e300", "d is 1e300"},
		{"lr: &x 0.5\nsteps: *x", "steps is 0.5"},
		{"steps: 4\n---\nlayers: 3", "x.yaml: line 3: a second document begins"},
		{"---\n---\nsteps: 4", "a second document begins"},
		{"steps: 4\n---\n{", "x.yaml: line 3"},
	} {
		cfg := DefaultConfig()
		err := ParseConfig([]byte(c.yaml), "x.yaml", &cfg)
		if err == nil {
			err = cfg.Validate()
		}
		if err == nil {
			_, err = cfg.ExpectedSpec()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gave %v, want a sentence with %q", c.yaml, err, c.want)
		}
	}
}

// Whole numbers may be written as people do, and a document may be marked.
func TestWholeNumbersAndMarks(t *testing.T) {
	for _, text := range []string{
		"steps: 1e3\nseed: 4.0\nlr: 0.5", "---\nsteps: 1000\nseed: 0x4\nlr: .5\n...\n", "steps: 1_000\nseed: 4\nlr: 5e-1\n---\n",
		"lr: 0.5\nsteps: 1000\nseed: &n 4.0\nmicro: *n\n# the end\n",
	} {
		c := DefaultConfig()
		if err := ParseConfig([]byte(text), "x.yaml", &c); err != nil || c.Steps != 1000 || c.Seed != 4 || c.LR != 0.5 {
			t.Errorf("%q: %d steps, seed %d, lr %g, %v", text, c.Steps, c.Seed, c.LR, err)
		}
	}
}

// Rates of the published schedule: warmup 640 tokens of 2560, peak 3e-3, minimum a tenth, 128 tokens a
// step (golden case train_hybrid).
func TestSchedule(t *testing.T) {
	s := Schedule{Peak: 3e-3, Final: 3e-4, Warmup: 640, Max: 2560}
	for step, want := range map[int64]float64{
		1: 6e-4, 2: 1.2e-3, 5: 3e-3, 20: 3e-4, 12: 3e-4 + 2.7e-3*(1+math.Cos(math.Pi*896/1920))/2,
	} {
		if got := s.At(128 * step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: %g, want %g", step, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	c := DefaultConfig()
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("the default job warns: %q", w)
	}
	c.LR, c.Model.Init = 4e-3, "normal"
	if w := c.Warnings(); len(w) != 2 || !strings.Contains(w[0], "lr 0.004") || !strings.Contains(w[1], "Normal init") {
		t.Errorf("warnings %q", w)
	}
}
