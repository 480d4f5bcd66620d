package trainer

import (
	"math"
	"strings"
	"testing"
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
