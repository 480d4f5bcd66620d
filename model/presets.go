package model

import "fmt"

// Preset is a named size of model, without variant.
type Preset struct {
	ID, Title, Sentence string
	Batch               int // sequences a step that suit the size
	Steps               int
	LR                  float64 // peak
	apply               func(*Config)
}

// size sets the sizes of a dense model with a tied head, and takes back what another preset may have set.
func size(layers, d, heads, kv, ffn, seq int) func(*Config) {
	return func(c *Config) {
		def := DefaultConfig()
		c.Experts, c.MLAQLora, c.MLAKVLora, c.Vocab, c.HeadDim = 0, 0, 0, 0, 0
		c.Theta, c.Pairing, c.Tied = def.Theta, def.Pairing, def.Tied
		c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Seq = layers, d, heads, kv, ffn, seq
	}
}

// paper gives a shape of the HybridNorm paper's Table 9: context 4096, RoPE theta 500000, vocabulary
// 100278 padded to 100352.
func paper(layers, d, heads, kv, ffn int) func(*Config) {
	return func(c *Config) {
		size(layers, d, heads, kv, ffn, 4096)(c)
		c.Vocab, c.Theta, c.Tied = 100352, 500000, true
	}
}

// experts makes every FFN a mixture of n experts of width ffn, k for each token.
func experts(base func(*Config), n, k int) func(*Config) {
	return func(c *Config) {
		base(c)
		c.Experts, c.TopK, c.Tied = n, k, false
	}
}

// published is a shape of another paper: its own vocabulary, head untied or not.
func published(base func(*Config), vocab int, tied bool) func(*Config) {
	return func(c *Config) {
		base(c)
		c.Vocab, c.Tied = vocab, tied
	}
}

// Presets lists the sizes from a minute on a laptop to the paper's.
var Presets = []Preset{
	{"tiny", "Tiny", "Trains in about a minute on two CPU cores.", 16, 300, 2e-3, size(5, 128, 4, 0, 352, 128)},
	{"deep", "Deep and narrow", "16 blocks: what norms do to depth shows at once.", 8, 160, 1e-3,
		size(16, 48, 4, 0, 96, 32)},
	{"small", "Small", "The benchmark shape; some minutes on a CPU.", 8, 1000, 1e-3, size(6, 256, 4, 0, 640, 256)},
	{"moe-tiny", "Tiny experts", "16 experts, 2 for each token; some minutes on two CPU cores.", 16, 600, 2e-3,
		experts(size(4, 96, 4, 0, 64, 64), 16, 2)},
	{"moe-small", "Small experts", "The benchmark shape with 64 experts of width 80, 8 for each token.", 8, 1000, 1e-3,
		experts(size(6, 256, 4, 0, 80, 256), 64, 8)},
	{"mla-tiny", "Tiny latent attention", "MLA with latents of 32 and head parts of 16 and 8.", 16, 600, 2e-3,
		func(c *Config) {
			size(4, 96, 4, 0, 256, 64)(c)
			c.MLAKVLora, c.MLANope, c.MLARope, c.MLAV = 32, 16, 8, 24
		}},
	{"medium", "Medium", "For a Mac's GPU or a patient CPU.", 16, 5000, 6e-4, size(8, 512, 8, 0, 1376, 512)},
	{"paper-151m", "HybridNorm paper, 151 M", "Table 9, first column.", 1024, 95367, 3e-4, paper(12, 768, 16, 4, 2048)},
	{"paper-285m", "HybridNorm paper, 285 M", "Table 9.", 1024, 95367, 3e-4, paper(12, 1024, 16, 4, 4096)},
	{"paper-550m", "HybridNorm paper, 550 M", "Table 9; the size of the ablations.", 1024, 95367, 3e-4, paper(16, 1536, 16, 4, 4096)},
	{"paper-543m-deep", "HybridNorm paper, 543 M, 29 layers", "Table 9; Post-Norm diverges here in Table 7.", 1024, 95367, 3e-4,
		paper(29, 1024, 16, 4, 4096)},
	{"paper-1.2b", "HybridNorm paper, 1.2 B", "Table 9, F 9192.", 1024, 238419, 3e-4, paper(16, 2048, 32, 8, 9192)},
	{"paper-1.2b-yaml", "HybridNorm paper, 1.2 B, as in its YAML", "The published file says F 8192, Table 9 says 9192.",
		1024, 238419, 3e-4, paper(16, 2048, 32, 8, 8192)},
	{"paper-moe-1b-7b", "HybridNorm paper, MoE 1B-7B", "Table 9: 64 experts, 8 for each token; RoPE theta 10000.", 1024, 119209, 4e-4,
		published(experts(size(16, 2048, 16, 0, 1024, 4096), 64, 8), 50304, false)},
	{"llama-71m", "GPAS and Mix-LN papers, 71 M", "Their smallest LLaMA: 12 blocks of width 512.", 512, 10000, 1e-3,
		published(size(12, 512, 8, 0, 1368, 1024), 32000, false)},
	{"residual-18l", "ResiDual paper, 18 layers", "Its WMT depth and width as a decoder alone; use with variant residual.", 64, 50000, 1e-3,
		published(size(18, 512, 8, 0, 2048, 256), 32768, true)},
	{"magneto-24l", "Magneto paper, 24 layers", "The shape of its language models; use with variant magneto.", 256, 50000, 5e-4,
		published(size(24, 1024, 16, 0, 4096, 2048), 50304, false)},
}

// FindPreset returns the preset with the given id.
func FindPreset(id string) (*Preset, error) {
	ids := make([]string, len(Presets))
	for i := range Presets {
		if ids[i] = Presets[i].ID; ids[i] == id {
			return &Presets[i], nil
		}
	}
	return nil, fmt.Errorf("there is no preset %q; did you mean %q? `evenkeel presets` lists all of them",
		id, Nearest(id, ids))
}

// Apply sets the preset's sizes in c and leaves the variant and the rest alone.
func (p *Preset) Apply(c *Config) { p.apply(c) }

// Sizes tells whether the sizes in c are the preset's.
func (p *Preset) Sizes(c *Config) bool {
	is, want := *c, *c
	p.apply(&want)
	if is.Pairing == is.autoPairing() { // named, as every config before auto
		is.Pairing = Auto
	}
	return is == want
}
