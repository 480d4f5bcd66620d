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

func size(layers, d, heads, kv, ffn, seq int) func(*Config) {
	return func(c *Config) {
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

// Presets lists the sizes from a minute on a laptop to the paper's.
var Presets = []Preset{
	{"tiny", "Tiny", "Trains in about a minute on two CPU cores.", 16, 300, 2e-3, size(5, 128, 4, 0, 352, 128)},
	{"deep", "Deep and narrow", "16 blocks: what norms do to depth shows at once.", 8, 160, 1e-3,
		size(16, 48, 4, 0, 96, 32)},
	{"small", "Small", "The benchmark shape; some minutes on a CPU.", 8, 1000, 1e-3, size(6, 256, 4, 0, 640, 256)},
	{"medium", "Medium", "For a Mac's GPU or a patient CPU.", 16, 5000, 6e-4, size(8, 512, 8, 0, 1376, 512)},
	{"paper-151m", "HybridNorm paper, 151 M", "Table 9, first column.", 1024, 95367, 3e-4, paper(12, 768, 16, 4, 2048)},
	{"paper-285m", "HybridNorm paper, 285 M", "Table 9.", 1024, 95367, 3e-4, paper(12, 1024, 16, 4, 4096)},
	{"paper-550m", "HybridNorm paper, 550 M", "Table 9; the size of the ablations.", 1024, 95367, 3e-4, paper(16, 1536, 16, 4, 4096)},
	{"paper-543m-deep", "HybridNorm paper, 543 M, 29 layers", "Table 9; Post-Norm diverges here in Table 7.", 1024, 95367, 3e-4,
		paper(29, 1024, 16, 4, 4096)},
	{"paper-1.2b", "HybridNorm paper, 1.2 B", "Table 9, F 9192.", 1024, 238419, 3e-4, paper(16, 2048, 32, 8, 9192)},
	{"paper-1.2b-yaml", "HybridNorm paper, 1.2 B, as in its YAML", "The published file says F 8192, Table 9 says 9192.",
		1024, 238419, 3e-4, paper(16, 2048, 32, 8, 8192)},
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
