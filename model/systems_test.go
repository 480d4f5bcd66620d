package model

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/model/graph"
)

// The counts of the paper's mixture of experts, computed by hand from Table 9 (embedding padded to 50304).
func TestPaperMoECounts(t *testing.T) {
	c := DefaultConfig()
	c.Layers, c.D, c.Heads, c.FFN, c.Vocab, c.Seq = 16, 2048, 16, 1024, 50304, 4096
	c.Experts, c.TopK, c.Tied = 64, 8, false
	for variant, norms := range map[string]int64{"hybrid_star": 40960, "pre": 2 * 2048 * 16} {
		c.Variant = variant
		s, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Count(1, 64)
		if err != nil {
			t.Fatal(err)
		}
		const total, active = 6919030784, 1281886208
		if got.Params != total+norms || got.Active != active+norms || got.BlockNorms != norms {
			t.Errorf("%s: %d parameters, %d active, %d in block norms; want %d, %d, %d",
				variant, got.Params, got.Active, got.BlockNorms, total+norms, active+norms, norms)
		}
	}
	c.Variant = "hybrid_star"
	p, err := FindPreset("paper-moe-1b-7b")
	if err != nil {
		t.Fatal(err)
	}
	q := DefaultConfig()
	p.Apply(&q)
	a, err := q.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := a.Count(1, 64)
	if err != nil {
		t.Fatal(err)
	}
	if counts.Params != 6919071744 || counts.Active != 1281927168 {
		t.Errorf("the preset has %d parameters, %d active", counts.Params, counts.Active)
	}
}

// MLA's parameters at DeepSeek-V2-Lite's shape of one attention, by hand: queries straight from the
// stream, latents of 512, 16 heads of 128 + 64 and values of 128.
func TestLatentCounts(t *testing.T) {
	c := DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.Vocab = "pre", 2, 2048, 16, 64
	c.MLAKVLora, c.MLANope, c.MLARope, c.MLAV = 512, 128, 64, 128
	count := func() (n int64, names []string) {
		s, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		sc := s.Schema(3)
		for i := range sc.Params {
			if p := &sc.Params[i]; p.Layer == 1 {
				short := strings.TrimPrefix(p.Name, "blocks.1.")
				switch short {
				case "qa.w", "qlat.g", "qb.w", "kva.w", "kvlat.g", "kvb.w", "o.w":
					n += int64(p.Len())
					names = append(names, short)
				}
			}
		}
		if len(sc.Caches) != 2 || sc.Caches[1].Shape[2] != 576 || sc.Caches[1].Shape[0] != 3 {
			t.Errorf("the caches are %v, want 576 numbers a token and block", sc.Caches)
		}
		return n, names
	}
	n, names := count()
	if want := int64(2048*16*192 + 2048*576 + 512 + 512*16*256 + 2048*2048); n != want || len(names) != 5 {
		t.Errorf("%d parameters in %v, want %d", n, names, want)
	}
	c.MLAQLora = 1536
	n, names = count()
	if want := int64(2048*1536 + 1536 + 1536*16*192 + 2048*576 + 512 + 512*16*256 + 2048*2048); n != want || len(names) != 7 {
		t.Errorf("%d parameters in %v with latent queries, want %d", n, names, want)
	}
}

// Under MLA every site on the stream stays, those inside the heads go, and the config says so.
func TestLatentLeavesHeadNormsOut(t *testing.T) {
	for _, c := range []struct{ variant, sites, note string }{
		{"hybrid_star", "s2", "norms of HybridNorm* on q k v are off"},
		{"qkvc_pre", "ffn_in", "norms of QKVC-Pre on q k v c are off"},
		{"magneto", "attn_in ctx ffn_in ffn_inner", ""},
		{"pre", "attn_in ffn_in", ""},
	} {
		cfg := small(c.variant)
		if n := cfg.Notes(); n != nil {
			t.Errorf("%s without MLA: notes %q", c.variant, n)
		}
		cfg.MLAKVLora = 12
		s, err := cfg.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Blocks[4].Sites.String(); got != c.sites {
			t.Errorf("%s under MLA has the sites %q, want %q", c.variant, got, c.sites)
		}
		notes := strings.Join(cfg.Notes(), " ")
		if !strings.Contains(notes, c.note) || (c.note == "") != (notes == "") {
			t.Errorf("%s: notes %q, want %q in them", c.variant, notes, c.note)
		}
		if v, _ := Find(c.variant); v.Blocks(5)[4].Sites.String() == c.sites && c.note != "" {
			t.Errorf("%s: the row itself lost its norms", c.variant)
		}
	}
	s, err := func() (*Spec, error) { c := small("pre"); c.MLAKVLora = 12; return c.Resolve() }()
	if err != nil {
		t.Fatal(err)
	}
	if m := *s.MLA; m != (MLA{KVLora: 12, Nope: 8, Rope: 4, V: 8}) {
		t.Errorf("the sizes left to default are %+v", m)
	}
}

// RoPE rotates neighbours under MLA and halves of a head else, unless the config names a pairing.
func TestPairing(t *testing.T) {
	for _, c := range []struct {
		word   string
		latent int
		want   graph.Pairing
	}{
		{Auto, 0, graph.Halves}, {Auto, 12, graph.Interleaved}, {"", 12, graph.Interleaved},
		{"halves", 12, graph.Halves}, {"interleaved", 0, graph.Interleaved},
	} {
		cfg := small("pre")
		if cfg.Pairing != Auto {
			t.Fatalf("the default pairing is %q", cfg.Pairing)
		}
		cfg.Pairing, cfg.MLAKVLora = c.word, c.latent
		s, err := cfg.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		if s.Pairing != c.want {
			t.Errorf("rope_pairing %q with latents of %d pairs as %d, want %d", c.word, c.latent, s.Pairing, c.want)
		}
	}
	// Configs of before auto name what it means, and still have their preset's sizes.
	for preset, word := range map[string]string{"tiny": "halves", "mla-tiny": "interleaved"} {
		p, err := FindPreset(preset)
		if err != nil {
			t.Fatal(err)
		}
		c := DefaultConfig()
		p.Apply(&c)
		if c.Pairing = word; !p.Sizes(&c) {
			t.Errorf("%s with rope_pairing %s has other sizes", preset, word)
		}
		if c.Pairing = map[string]string{"halves": "interleaved", "interleaved": "halves"}[word]; p.Sizes(&c) {
			t.Errorf("%s with rope_pairing %s has its sizes", preset, c.Pairing)
		}
	}
}

// MLA rotates heads of a size of their own, so that d/heads may be odd.
func TestLatentHeadsAtAnOddSize(t *testing.T) {
	c := small("pre")
	c.D, c.Heads, c.MLAKVLora = 99, 3, 8
	if _, err := c.Resolve(); err != nil {
		t.Error(err)
	}
}

// What describes a config may be asked of one that cannot be built.
func TestTextsOfBadDepths(t *testing.T) {
	for _, layers := range []int{-1, 0, 1e14} {
		v, err := Find("hybrid")
		if err != nil {
			t.Fatal(err)
		}
		v.Warnings(layers)
		c := small("hybrid")
		c.Layers, c.MLAKVLora = layers, 8
		if n := c.Notes(); len(n) != 1 {
			t.Errorf("%d blocks: notes %q", layers, n)
		}
	}
}

// What cannot go together is refused with a sentence that names block, site and way out.
func TestConfigErrors(t *testing.T) {
	row := func(c *Config, r CustomRow, dual bool) {
		c.Variant, c.Custom = "mine", &Custom{ID: "mine", Dual: dual, Rows: []CustomRow{r}}
	}
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"gate on Pre-Norm's residual", func(c *Config) {
			row(c, CustomRow{Sites: []string{"attn_in", "ffn_in"}, Gate: "residual"}, false)
		}, []string{"block 0", "gates the residual", "s2 and s3"}},
		{"dual without Post-Norm", func(c *Config) {
			row(c, CustomRow{Sites: []string{"s2"}}, true)
		}, []string{"block 0", "s2 and s3", "dual stream"}},
		{"gate word", func(c *Config) {
			row(c, CustomRow{Sites: []string{"s2"}, Gate: "branch"}, false)
		}, []string{`gate "branch"`, "stream, residual or none"}},
		{"crms on Post-Norm", func(c *Config) { c.Variant, c.Norm = "post", "crms" },
			[]string{"block 0", "s1 s2", "attn_in and ffn_in only"}},
		{"crms after the embedding", func(c *Config) { c.Variant, c.EmbNorm = "pre_crms", "on" },
			[]string{"CRMSNorm", "emb_norm off"}},
		{"mla and shared heads", func(c *Config) { c.Variant, c.MLAKVLora, c.KVHeads = "pre", 8, 2 },
			[]string{"MLA", "4 heads", "kv_heads at 0"}},
		{"mla odd rotation", func(c *Config) { c.MLAKVLora, c.MLARope = 8, 3 }, []string{"mla_rope is 3", "even"}},
		{"mla negative", func(c *Config) { c.MLAKVLora, c.MLAQLora = 8, -1 }, []string{"mla_q_lora is -1"}},
		{"too many experts", func(c *Config) { c.Experts = 257 }, []string{"experts is 257", "1 to 256"}},
		{"too many choices", func(c *Config) { c.Experts, c.TopK = 4, 5 }, []string{"top_k is 5", "1 to 4"}},
		{"no choice", func(c *Config) { c.Experts, c.TopK = 4, 0 }, []string{"top_k is 0"}},
		{"negative loss", func(c *Config) { c.Experts, c.MoEZ = 4, -1 }, []string{"moe_z -1", "below 0"}},
		{"loss of NaN", func(c *Config) { c.Experts, c.MoEBalance = 4, math.NaN() }, []string{"moe_balance NaN"}},
		{"loss without end", func(c *Config) { c.Experts, c.MoEZ = 4, math.Inf(1) }, []string{"moe_z +Inf"}},
		{"negative experts", func(c *Config) { c.Experts = -3 }, []string{"experts is -3", "0 for one dense FFN"}},
		{"negative latents", func(c *Config) { c.MLAKVLora = -5 }, []string{"mla_kv_lora is -5", "0 for no MLA"}},
		{"no blocks", func(c *Config) { c.Layers = -1 }, []string{"layers is -1", "1 to 1024"}},
		{"blocks for no memory", func(c *Config) { c.Layers = 1e14 }, []string{"layers is 1000000000000", "1 to 1024"}},
		{"odd heads", func(c *Config) { c.HeadDim = 3 }, []string{"head_dim is 3", "even"}},
		{"eps", func(c *Config) { c.Eps = math.NaN() }, []string{"eps is NaN", "above 0"}},
		{"endless eps", func(c *Config) { c.Eps = math.Inf(1) }, []string{"eps is +Inf"}},
		{"no theta", func(c *Config) { c.Theta = 0 }, []string{"rope_theta is 0", "above 0"}},
		{"theta", func(c *Config) { c.Positions, c.Theta = "none", math.NaN() }, []string{"rope_theta is NaN"}},
		{"init_std", func(c *Config) { c.InitStd = math.NaN() }, []string{"init_std is NaN"}},
		{"endless init_std", func(c *Config) { c.InitStd = math.Inf(1) }, []string{"init_std is +Inf"}},
		{"negative init_std", func(c *Config) { c.InitStd = -1 }, []string{"init_std is -1", "at least 0"}},
		{"emb_scale", func(c *Config) { c.EmbScale = math.NaN() }, []string{"emb_scale is NaN"}},
		{"dual_sigma", func(c *Config) { c.DualSigma = math.NaN() }, []string{"dual_sigma is NaN"}},
		{"dual_alpha", func(c *Config) { c.DualAlpha = math.Inf(-1) }, []string{"dual_alpha is -Inf"}},
		{"alpha", func(c *Config) {
			row(c, CustomRow{Sites: []string{"s2"}, Alpha: "nan"}, false)
		}, []string{`"nan" is not a factor`, "finite"}},
		{"in_scale", func(c *Config) {
			row(c, CustomRow{Sites: []string{"s2"}, InScale: "1e40"}, false)
		}, []string{`"1e40" is not a factor`}},
		{"final_eps", func(c *Config) {
			row(c, CustomRow{Sites: []string{"s2"}}, false)
			c.Custom.FinalEps = math.NaN()
		}, []string{"final_eps NaN", "left out"}},
		{"act", func(c *Config) { c.Act = "tanh" }, []string{`act "tanh"`, "relu"}},
		{"norm", func(c *Config) { c.Norm = "batch" }, []string{`norm "batch"`, "rms, ln, crms"}},
		{"recenter", func(c *Config) { c.Recenter = "yes" }, []string{`recenter "yes"`, "on, off"}},
	} {
		cfg := small("hybrid")
		c.change(&cfg)
		_, err := cfg.Resolve()
		if err == nil {
			t.Errorf("%s was taken", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not name %q", c.name, err, want)
			}
		}
	}
	// Resolve itself strips head norms under MLA; a spec made by hand is told.
	cfg := small("hybrid")
	cfg.MLAKVLora = 12
	s, err := cfg.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	s.Blocks[3].Sites |= SitesOf(Q)
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "block 3 norms q inside") {
		t.Errorf("head norms under MLA give the error %v", err)
	}
}

// A user's own row in YAML can have gates and a second stream.
func TestCustomGateAndDual(t *testing.T) {
	const text = `
variant: mine
custom:
  id: mine
  dual: true
  norm: ln
  rows:
    - {blocks: "0:L", sites: [s2, s3], gate: residual, alpha: 1.5}
    - {blocks: "0:L/2", sites: [s2, s3], gate: none}
    - {blocks: "0:1", sites: [s2, s3], gate: stream}
dual_sigma: 0.5
dual_alpha: 0.25
recenter: "on"
`
	c := small("")
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	c.Layers = 4
	s, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Dual || s.Sigma != 0.5 || s.AlphaOut != 0.25 || !s.Recenter || s.Norm != graph.LN {
		t.Errorf("dual %t, sigma %g, alpha %g, recenter %t, norm %s", s.Dual, s.Sigma, s.AlphaOut, s.Recenter, s.Norm)
	}
	var gates []string
	for i, b := range s.Blocks {
		gates = append(gates, string(b.Gate))
		if has := s.Schema(0).Param(fmt.Sprintf("blocks.%d.gpas", i)) >= 0; has != (b.Gate != GateNone) {
			t.Errorf("block %d with gate %q has a gate's parameter: %t", i, b.Gate, has)
		}
	}
	if got := strings.Join(gates, ","); got != "stream,,residual,residual" {
		t.Errorf("the gates are %s", got)
	}
	if a := s.Blocks[2].Alpha; a != 1.5 {
		t.Errorf("alpha of block 2 is %g", a)
	}
	checkBuilds(t, "custom", s)
	g, err := s.Logits(s.Schema(0), 1, 4, true)
	if err != nil {
		t.Fatal(err)
	}
	adds := 0
	for _, op := range g.Ops {
		if op.Kind == graph.OpAdd && strings.HasSuffix(op.Name, "_dual") && op.Attr == (graph.AddAttr{Alpha: 1, Beta: 0.5}) {
			adds++
		}
	}
	if adds != 2*4 || g.Output("block.3.out2") == nil {
		t.Errorf("%d sums into the second stream, want 8", adds)
	}
}

// A factor that is no number or name is refused where it stands, not taken for 1.
func TestFactorsAreScalars(t *testing.T) {
	for _, text := range []string{
		"rows:\n  - {sites: [s2], alpha: [2]}", "rows:\n  - {sites: [s2], in_scale: {by: 2}}",
		"rows:\n  - {sites: [s2], gain_init: {s2: [2]}}",
	} {
		var c Custom
		err := yaml.Unmarshal([]byte(text), &c)
		if err == nil || !strings.Contains(err.Error(), "line 2: a factor is one number or name") {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

// The rows of the systems, as their papers have them.
func TestSystemRows(t *testing.T) {
	for _, c := range []struct{ id, first, later string }{
		{"gpas_pre", "attn_in ffn_in stream 1 1", "attn_in ffn_in stream 1 1"},
		{"gpas_sandwich", "attn_in attn_out ffn_in ffn_out stream 1 1", "attn_in attn_out ffn_in ffn_out stream 1 1"},
		{"gpas_lns", "attn_in ffn_in stream 1 1", "attn_in ffn_in stream 1 0.3536"},
		{"gpas_post", "s2 s3 residual 1 1", "s2 s3 residual 1 1"},
		{"gpas_deepnorm", "s2 s3 residual 2 1", "s2 s3 residual 2 1"},
		{"gpas_mix_ln", "s2 s3 residual 1 1", "attn_in ffn_in stream 1 1"},
		{"residual", "s2 s3  1 1", "s2 s3  1 1"},
		{"pre_rms", "attn_in ffn_in  1 1", "attn_in ffn_in  1 1"},
		{"pre_crms", "attn_in ffn_in  1 1", "attn_in ffn_in  1 1"},
	} {
		v, err := Find(c.id)
		if err != nil {
			t.Fatal(err)
		}
		bs := v.Blocks(8)
		say := func(b Block) string { return fmt.Sprintf("%s %s %.4g %.4g", b.Sites, b.Gate, b.Alpha, b.InScale) }
		if say(bs[0]) != c.first || say(bs[7]) != c.later {
			t.Errorf("%s: blocks %q and %q, want %q and %q", c.id, say(bs[0]), say(bs[7]), c.first, c.later)
		}
	}
	cfg := small("residual")
	s, err := cfg.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Dual || s.Norm != graph.LN || s.Act != ReLU || !s.Bias || s.FinalEps != 1e-7 || s.EmbScale*s.EmbScale < 31.99 {
		t.Errorf("ResiDual resolves to %+v", s)
	}
	cfg = small("pre_crms")
	if s, err = cfg.Resolve(); err != nil {
		t.Fatal(err)
	}
	if s.D != 31 || s.HeadDim != 8 || s.NormGain || s.Norm != graph.CRMS {
		t.Errorf("Pre-CRMSNorm of d 32 has the stream %d, heads of %d, gains %t, norm %s", s.D, s.HeadDim, s.NormGain, s.Norm)
	}
}

// A gain of a norm that is off changes nothing in a row that was trained with, and is refused in a new one.
func TestGainWithoutANorm(t *testing.T) {
	c := &Custom{ID: "mine", Rows: []CustomRow{{Sites: []string{"s2"}, GainInit: map[string]FactorText{"s3": "2"}}}}
	v, err := c.Variant()
	if err != nil || len(v.Rules[0].GainInit) != 0 {
		t.Errorf("the row is %+v, %v", v, err)
	}
	err = c.Check()
	for _, part := range []string{"rows entry 1", "gain_init names s3", "add s3 to sites"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	c.Rows[0].Sites = []string{"s2", "s3"}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
