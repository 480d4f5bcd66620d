package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Auto leaves a choice to the variant (norm, act, bias, init, norms at the ends) or to the usual form.
const Auto = "auto"

// Config is a model as a person writes it. The YAML keys are also the flags of the command line.
type Config struct {
	Variant string  `yaml:"variant"`          // id in Variants, or of Custom
	Custom  *Custom `yaml:"custom,omitempty"` // a row of the user's own

	Layers  int `yaml:"layers"`
	D       int `yaml:"d"`
	Heads   int `yaml:"heads"`
	KVHeads int `yaml:"kv_heads"` // 0: as heads; 1 is MQA
	HeadDim int `yaml:"head_dim"` // 0: d/heads
	FFN     int `yaml:"ffn"`      // 0: 8/3 d rounded down to 64 (swiglu) or 4 d (gelu)
	Vocab   int `yaml:"vocab"`    // embedding rows; 0: what the tokenizer needs
	Seq     int `yaml:"seq"`

	// Multi-head latent attention, on when mla_kv_lora is above 0.
	MLAQLora  int `yaml:"mla_q_lora"` // 0: queries straight from the stream
	MLAKVLora int `yaml:"mla_kv_lora"`
	MLANope   int `yaml:"mla_nope"` // 0: d/heads
	MLARope   int `yaml:"mla_rope"` // 0: half of mla_nope
	MLAV      int `yaml:"mla_v"`    // 0: as mla_nope

	// Mixture of experts, on when experts is above 0; ffn is then the width of one expert.
	Experts    int     `yaml:"experts"`
	TopK       int     `yaml:"top_k"`
	MoERenorm  bool    `yaml:"moe_renorm"`
	MoEBalance float64 `yaml:"moe_balance"`
	MoEZ       float64 `yaml:"moe_z"`

	Norm      string  `yaml:"norm"`      // rms, ln, crms (stream width d-1), auto
	NormGain  bool    `yaml:"norm_gain"` // gains (and LayerNorm biases)
	Eps       float64 `yaml:"eps"`
	QKAxis    string  `yaml:"qk_axis"`   // head, full
	Act       string  `yaml:"act"`       // swiglu, gelu, relu, auto
	Positions string  `yaml:"positions"` // rope, learned, none
	Theta     float64 `yaml:"rope_theta"`
	Pairing   string  `yaml:"rope_pairing"` // halves, interleaved, auto (interleaved under MLA, else halves)
	EmbScale  float64 `yaml:"emb_scale"`    // 0: as the variant has it
	Recenter  string  `yaml:"recenter"`     // on, off, auto
	DualSigma float64 `yaml:"dual_sigma"`   // scale of ResiDual's second stream
	DualAlpha float64 `yaml:"dual_alpha"`   // and of the first at the end
	EmbNorm   string  `yaml:"emb_norm"`     // on, off, auto
	FinalNorm string  `yaml:"final_norm"`   // on, off, auto
	Tied      bool    `yaml:"tied"`
	Bias      string  `yaml:"bias"`      // on, off, auto
	HeadBias  bool    `yaml:"head_bias"` // what a LayerNorm folded into the head leaves
	Init      string  `yaml:"init"`      // one of Inits, auto
	InitStd   float64 `yaml:"init_std"`  // 0: 1/sqrt(2.5 d)

	DecayEmbeddings bool `yaml:"decay_embeddings"`
	DecayNorms      bool `yaml:"decay_norms"`
}

// DefaultConfig is the paper's form at the size of the default preset.
func DefaultConfig() Config {
	return Config{
		Variant: "hybrid_star", Layers: 6, D: 128, Heads: 4, Seq: 128,
		Norm: Auto, NormGain: true, Eps: 1e-5, QKAxis: "head", Act: Auto, Positions: "rope",
		Theta: 10000, Pairing: Auto, Recenter: Auto, DualSigma: 1, DualAlpha: 1,
		EmbNorm: Auto, FinalNorm: Auto, Tied: true, Bias: Auto, Init: Auto, DecayNorms: true,
		TopK: 2, MoEBalance: 0.01, MoEZ: 0.001,
	}
}

// Row returns the variant the config names, the user's own if it carries one.
func (c *Config) Row() (*Variant, error) {
	if c.Custom != nil && (c.Variant == c.Custom.ID || c.Variant == "") {
		return c.Custom.Variant()
	}
	return Find(c.Variant)
}

// Bounds refuses counts that nothing can be laid out for. It is cheap, so that a file can be asked before
// anything is made for each of its blocks and experts; Resolve checks the rest.
func (c *Config) Bounds() error {
	switch {
	case c.Layers < 1 || c.Layers > MaxLayers:
		return fmt.Errorf("layers is %d; choose 1 to %d", c.Layers, MaxLayers)
	case c.Experts < 0 || c.Experts > graph.MaxExperts:
		return fmt.Errorf("experts is %d; choose 1 to %d, or 0 for one dense FFN", c.Experts, graph.MaxExperts)
	case c.MLAKVLora < 0:
		return fmt.Errorf("mla_kv_lora is %d; choose at least 1, or 0 for no MLA", c.MLAKVLora)
	}
	return nil
}

// Resolve fills in every default and checks the result.
func (c *Config) Resolve() (*Spec, error) {
	v, err := c.Row()
	if err != nil {
		return nil, err
	}
	if err := c.Bounds(); err != nil {
		return nil, err
	}
	if c.D < 1 || c.Heads < 1 {
		return nil, fmt.Errorf("d %d and heads %d must both be at least 1", c.D, c.Heads)
	}
	s := &Spec{
		D: c.D, H: c.Heads, KV: c.KVHeads, HeadDim: c.HeadDim, F: c.FFN, V: c.Vocab, T: c.Seq,
		Blocks: v.Blocks(c.Layers), NormGain: c.NormGain, Eps: c.Eps, FinalEps: c.Eps, Theta: c.Theta,
		EmbScale: c.EmbScale, Tied: c.Tied, HeadBias: c.HeadBias, InitStd: c.InitStd,
		Dual: v.Dual, Sigma: c.DualSigma, AlphaOut: c.DualAlpha,
		DecayEmbeddings: c.DecayEmbeddings, DecayNormsAndBias: c.DecayNorms,
	}
	if s.KV == 0 {
		s.KV = s.H
	}
	if s.HeadDim == 0 {
		if c.D%c.Heads != 0 {
			return nil, fmt.Errorf("d %d is not divisible by heads %d; choose heads from %s",
				c.D, c.Heads, divisors(c.D))
		}
		s.HeadDim = c.D / c.Heads
	}
	if s.InitStd == 0 {
		s.InitStd = InitStdDefault(c.D)
	}
	if err := c.choices(s, v); err != nil {
		return nil, err
	}
	if s.F == 0 {
		s.F = 4 * c.D
		if s.Act == SwiGLU {
			s.F = max(64, 8*c.D/3/64*64)
		}
	}
	c.systems(s, v)
	return s, s.Validate()
}

// systems fills in what only some models have.
func (c *Config) systems(s *Spec, v *Variant) {
	if s.EmbScale == 0 {
		s.EmbScale = 1
		if v.EmbSqrtD {
			s.EmbScale = math.Sqrt(float64(c.D))
		}
	}
	if v.FinalEps > 0 {
		s.FinalEps = v.FinalEps
	}
	if s.Norm == graph.CRMS {
		s.D, s.NormGain = c.D-1, false // the last element of a centred stream says nothing new
	}
	if c.Experts > 0 {
		s.MoE = &MoE{Experts: c.Experts, TopK: c.TopK, Renorm: c.MoERenorm, Balance: c.MoEBalance, Z: c.MoEZ}
	}
	if c.MLAKVLora <= 0 {
		return
	}
	m := &MLA{QLora: c.MLAQLora, KVLora: c.MLAKVLora, Nope: c.MLANope, Rope: c.MLARope, V: c.MLAV}
	if m.Nope == 0 {
		m.Nope = s.HeadDim
	}
	if m.Rope == 0 {
		m.Rope = (m.Nope + 3) / 4 * 2
	}
	if m.V == 0 {
		m.V = m.Nope
	}
	s.MLA = m
	for i := range s.Blocks {
		s.Blocks[i].Sites &^= headSites
	}
}

// Notes are sentences on what a choice switched off or changed.
func (c *Config) Notes() []string {
	v, err := c.Row()
	if err != nil || c.MLAKVLora <= 0 {
		return nil
	}
	for _, b := range v.Blocks(max(c.Layers, 1)) {
		if off := b.Sites & headSites; off != 0 {
			return []string{fmt.Sprintf("under MLA the norms of %s on %s are off: "+
				"MLA's own norms of the latents take their part", v.Title, off)}
		}
	}
	return nil
}

// choices reads the keys that take a word.
func (c *Config) choices(s *Spec, v *Variant) error {
	norm, err := pick("norm", c.Norm, or(v.Norm, "rms"), "rms", "ln", "crms")
	if err != nil {
		return err
	}
	s.Norm = map[string]graph.NormKind{"rms": graph.RMS, "ln": graph.LN, "crms": graph.CRMS}[norm]
	if s.Act, err = pick("act", c.Act, or(v.Act, SwiGLU), acts...); err != nil {
		return err
	}
	if s.Init, err = pick("init", c.Init, or(v.Init, InitNormal), Inits...); err != nil {
		return err
	}
	axis, err := pick("qk_axis", or(c.QKAxis, Auto), "head", "head", "full")
	if err != nil {
		return err
	}
	s.QKFull = axis == "full" || v.QKFull
	positions, err := pick("positions", or(c.Positions, Auto), "rope", "rope", "learned", "none")
	if err != nil {
		return err
	}
	s.Rope, s.LearnedPositions = positions == "rope", positions == "learned"
	pairing, err := pick("rope_pairing", c.Pairing, c.autoPairing(), pairHalves, pairNeighbours)
	if err != nil {
		return err
	}
	if pairing == pairNeighbours {
		s.Pairing = graph.Interleaved
	}
	for _, sw := range []struct {
		key, value string
		auto       bool
		to         *bool
	}{
		{"emb_norm", c.EmbNorm, v.EmbNorm, &s.EmbNorm},
		{"final_norm", c.FinalNorm, v.FinalNorm, &s.FinalNorm},
		{"bias", c.Bias, v.Bias, &s.Bias},
		{"recenter", c.Recenter, v.Recenter, &s.Recenter},
	} {
		word, err := pick(sw.key, or(sw.value, Auto), onOff(sw.auto), "on", "off")
		if err != nil {
			return err
		}
		*sw.to = word == "on"
	}
	return nil
}

// The words of rope_pairing.
const (
	pairHalves     = "halves"
	pairNeighbours = "interleaved"
)

// autoPairing is what rope_pairing auto means: neighbours rotate together in DeepSeek's MLA, halves of a
// head in LLaMA's and OLMo's attention.
func (c *Config) autoPairing() string {
	if c.MLAKVLora > 0 {
		return pairNeighbours
	}
	return pairHalves
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func pick(key, value, auto string, words ...string) (string, error) {
	if value == Auto || value == "" {
		return auto, nil
	}
	if !slices.Contains(words, value) {
		return "", fmt.Errorf("%s %q is not known; choose %s or %s", key, value, strings.Join(words, ", "), Auto)
	}
	return value, nil
}

// divisors lists the head counts that divide d, up to d/8.
func divisors(d int) string {
	var l []string
	for h := 1; h <= d/8; h++ {
		if d%h == 0 {
			l = append(l, fmt.Sprint(h))
		}
	}
	return strings.Join(l, ", ")
}
