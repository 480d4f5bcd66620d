package model

import (
	"testing"

	"github.com/evenkeel/evenkeel/model/graph"
)

// small is a config of every variant that is quick to build.
func small(variant string) Config {
	c := DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.Seq, c.Vocab = variant, 5, 32, 4, 16, 128
	return c
}

// Every row builds with heads of its own keys or latent ones, and with one FFN or experts.
func TestEveryVariantBuildsEveryGraph(t *testing.T) {
	for i := range Variants {
		v := &Variants[i]
		for form, change := range forms {
			c := small(v.ID)
			change(&c)
			s, err := c.Resolve()
			if err != nil {
				t.Fatalf("%s %s: %v", v.ID, form, err)
			}
			checkBuilds(t, v.ID+" "+form, s)
		}
		if v.Title == "" || v.Sentence == "" || v.Equation == "" || v.Weakness == "" || v.Paper == "" {
			t.Errorf("%s: the row lacks a text that the picker shows", v.ID)
		}
	}
}

// forms are the systems that combine with every row.
var forms = map[string]func(*Config){
	"mha dense": func(*Config) {},
	"gqa moe":   func(c *Config) { c.KVHeads, c.Experts, c.TopK, c.FFN = 2, 6, 3, 24 },
	"mla dense": func(c *Config) { c.MLAKVLora, c.MLAQLora, c.MLANope, c.MLAV = 12, 10, 6, 5 },
	"mla moe":   func(c *Config) { c.MLAKVLora, c.Experts, c.MoERenorm = 12, 4, true },
}

func checkBuilds(t *testing.T, name string, s *Spec) {
	t.Helper()
	sc := s.Schema(2)
	for kind, build := range map[string]func() (*graph.Graph, error){
		"accumulate": func() (*graph.Graph, error) { return s.Accumulate(sc, 2, 16, 2, true) },
		"update":     func() (*graph.Graph, error) { return Update(sc, graph.AdamWAttr{}) },
		"evaluate":   func() (*graph.Graph, error) { return s.Evaluate(sc, 2, 16) },
		"logits":     func() (*graph.Graph, error) { return s.Logits(sc, 2, 16, true) },
		"prefill":    func() (*graph.Graph, error) { return s.Prefill(sc, 2, 8) },
		"decode":     func() (*graph.Graph, error) { return s.Decode(sc, 2) },
	} {
		g, err := build()
		if err != nil {
			t.Fatalf("%s: %s: %v", name, kind, err)
		}
		switch kind {
		case "accumulate":
			checkEveryGradient(t, name, sc, g)
		case "update":
			if gated := g.Input(InMaxGate) != nil; gated != sc.Gates() {
				t.Errorf("%s: the update clips gates apart: %t; there are gates: %t", name, gated, sc.Gates())
			}
		}
	}
}

// checkEveryGradient fails when a parameter is declared but never gets a gradient.
func checkEveryGradient(t *testing.T, id string, sc *graph.Schema, g *graph.Graph) {
	t.Helper()
	written := map[int]bool{}
	for _, op := range g.Ops {
		for _, out := range op.Out {
			if out != nil && out.Role == graph.Grad {
				written[out.Index] = true
			}
		}
	}
	for i := range sc.Params {
		if !written[i] {
			t.Errorf("%s: parameter %s gets no gradient", id, sc.Params[i].Name)
		}
	}
}

// The rows as the papers give them, as site sets of the first and of a later block.
func TestSitesOfRows(t *testing.T) {
	for _, c := range []struct{ id, first, later string }{
		{"pre", "attn_in ffn_in", "attn_in ffn_in"},
		{"post", "s1 s2", "s1 s2"},
		{"post_classic", "s2 s3", "s2 s3"},
		{"pre_qk", "attn_in q k ffn_in", "attn_in q k ffn_in"},
		{"hybrid", "q k v s2", "q k v s2"},
		{"hybrid_star", "attn_in q k v ffn_in", "q k v s2"},
		{"first_qkv_pre", "q k v ffn_in", "q k v s2"},
		{"embed_norm", "q k v s2", "q k v s2"},
		{"hybrid_star_7b", "attn_in q k v attn_out ffn_in", "q k v attn_out s2"},
		{"mix_ln", "s2 s3", "attn_in ffn_in"},
		{"deepnorm", "s2 s3", "s2 s3"},
		{"sandwich", "attn_in attn_out ffn_in ffn_out", "attn_in attn_out ffn_in ffn_out"},
		{"peri_ln", "attn_in attn_out ffn_in ffn_out", "attn_in attn_out ffn_in ffn_out"},
		{"output_norm", "attn_out ffn_out", "attn_out ffn_out"},
		{"magneto", "attn_in ctx ffn_in ffn_inner", "attn_in ctx ffn_in ffn_inner"},
		{"lns", "attn_in ffn_in", "attn_in ffn_in"},
		{"pre_post", "attn_in s2", "attn_in s2"},
		{"post_pre", "s1 ffn_in", "s1 ffn_in"},
		{"qkvc_post", "q k v c s2", "q k v c s2"},
		{"kc_pre", "k c ffn_in", "k c ffn_in"},
		{"pre_qkv_pre", "attn_in q k v ffn_in", "attn_in q k v ffn_in"},
		{"pre_qk_post", "attn_in q k s2", "attn_in q k s2"},
	} {
		v, err := Find(c.id)
		if err != nil {
			t.Fatal(err)
		}
		b := v.Blocks(8)
		if b[0].Sites.String() != c.first || b[7].Sites.String() != c.later {
			t.Errorf("%s: blocks %q and %q, want %q and %q", c.id, b[0].Sites, b[7].Sites, c.first, c.later)
		}
	}
}

// A preset takes back what the one before set.
func TestPresetsDoNotPileUp(t *testing.T) {
	for i := range Presets {
		c := DefaultConfig()
		Presets[i].Apply(&c)
		if c.Variant = "pre"; !Presets[i].Sizes(&c) {
			t.Errorf("another variant has not the sizes of %s", Presets[i].ID)
		}
		if c.Layers++; Presets[i].Sizes(&c) {
			t.Errorf("one more block has the sizes of %s", Presets[i].ID)
		}
		for j := range Presets {
			a, b := DefaultConfig(), DefaultConfig()
			Presets[i].Apply(&a)
			Presets[j].Apply(&a)
			Presets[j].Apply(&b)
			// Sizes of experts and MLA mean nothing while they are off.
			if a.Experts == 0 {
				a.TopK = b.TopK
			}
			if a.MLAKVLora == 0 {
				a.MLANope, a.MLARope, a.MLAV = b.MLANope, b.MLARope, b.MLAV
			}
			if a != b {
				t.Errorf("%s after %s differs from %s alone", Presets[j].ID, Presets[i].ID, Presets[j].ID)
			}
		}
	}
}
