package trainer

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer/data"
)

// Config is everything that decides a run. Its YAML keys are the flags of the command line, and a run
// folder keeps it whole.
type Config struct {
	Name   string `yaml:"name,omitempty"`   // shown in lists; empty: variant and seed
	Preset string `yaml:"preset,omitempty"` // where the sizes came from; changes nothing

	Model model.Config `yaml:",inline"`

	Data       string `yaml:"data"`         // toy, opticks, or a file or folder
	DataBytes  int64  `yaml:"data_bytes"`   // use only the first bytes; 0: all
	Tokenizer  string `yaml:"tokenizer"`    // bytes (also when empty), bpe, or a tokenizer.json
	BPEVocab   int    `yaml:"bpe_vocab"`    // 0: 512 for the toy language, else 4096
	ValPerMill int    `yaml:"val_permille"` // documents held out, in thousandths; 0: none

	Batch   int    `yaml:"batch"` // sequences a step
	Micro   int    `yaml:"micro"` // micro-batches a step is cut into
	Steps   int    `yaml:"steps"`
	Seed    uint64 `yaml:"seed"`
	Device  string `yaml:"device"`
	Threads int    `yaml:"threads"` // 0: all cores

	LR          float64 `yaml:"lr"`              // peak
	LRAt        string  `yaml:"lr_at,omitempty"` // peaks from later steps on, step:rate with commas between
	Warmup      int     `yaml:"warmup"`          // steps; -1: a tenth of the run, at most 100
	WarmupMinLR float64 `yaml:"warmup_min_lr"`   // rate the warmup starts from
	FinalLR     float64 `yaml:"final_lr"`        // share of the peak at the end (alpha_f)
	Beta1       float64 `yaml:"beta1"`
	Beta2       float64 `yaml:"beta2"`
	AdamEps     float64 `yaml:"adam_eps"`
	WeightDecay float64 `yaml:"weight_decay"`
	MaxNorm     float64 `yaml:"max_norm"` // gradient clipping; 0: none
	MaxGate     float64 `yaml:"max_gate"` // clipping of GPAS gates alone, after max_norm; 0: none

	EvalEvery       int    `yaml:"eval_every"` // steps between validations; 0: never
	EvalBatches     int    `yaml:"eval_batches"`
	SampleEvery     int    `yaml:"sample_every"` // 0: never
	SampleTokens    int    `yaml:"sample_tokens"`
	Prompt          string `yaml:"prompt"`
	CheckpointEvery int    `yaml:"checkpoint_every"` // 0: only at the end
	KeepCheckpoints int    `yaml:"keep_checkpoints"`
	StopOnRise      bool   `yaml:"stop_on_rise"` // stop when the loss stays above twice its best
}

// DefaultConfig is the job of the first start: HybridNorm* on the toy language, about a minute on two
// cores.
func DefaultConfig() Config {
	c := Config{
		Model: model.DefaultConfig(), Data: "toy", Tokenizer: "bytes", ValPerMill: 5, Micro: 1, Seed: 1,
		Device: "auto", Warmup: -1, FinalLR: 0.1, Beta1: 0.9, Beta2: 0.95, AdamEps: 1e-8,
		WeightDecay: 0.1, MaxNorm: 1, EvalEvery: 25, EvalBatches: 8, SampleEvery: 100, SampleTokens: 96,
		CheckpointEvery: 100, KeepCheckpoints: 3, StopOnRise: true,
	}
	p, err := model.FindPreset("tiny")
	if err != nil {
		panic(err) // the table holds it
	}
	c.ApplyPreset(p)
	return c
}

// ApplyPreset takes sizes, batch, steps and learning rate from a preset.
func (c *Config) ApplyPreset(p *model.Preset) {
	p.Apply(&c.Model)
	c.Preset, c.Batch, c.Steps, c.LR = p.ID, p.Batch, p.Steps, p.LR
}

// Validate names the first key that makes no sense. The model is checked by Model.Resolve.
func (c *Config) Validate() error {
	for _, k := range []struct {
		key string
		v   int
		min int
	}{
		{"batch", c.Batch, 1}, {"micro", c.Micro, 1}, {"steps", c.Steps, 1}, {"threads", c.Threads, 0},
		{"warmup", c.Warmup, -1}, {"eval_every", c.EvalEvery, 0}, {"eval_batches", c.EvalBatches, 0},
		{"checkpoint_every", c.CheckpointEvery, 0}, {"keep_checkpoints", c.KeepCheckpoints, 1},
		{"sample_every", c.SampleEvery, 0}, {"seq", c.Model.Seq, 2}, {"val_permille", c.ValPerMill, 0},
	} {
		if k.v < k.min {
			return fmt.Errorf("%s is %d; it must be at least %d", k.key, k.v, k.min)
		}
	}
	for _, k := range []struct{ key, v string }{{"name", c.Name}, {"variant", c.Model.Variant}} {
		if strings.ContainsFunc(k.v, unicode.IsControl) { // it would break lists, and lead terminals astray
			return fmt.Errorf("%s is %q; it must be without line breaks and other control characters", k.key, k.v)
		}
	}
	if c.Batch%c.Micro != 0 {
		return fmt.Errorf("batch %d cannot be cut into %d equal micro-batches; choose micro that divides batch",
			c.Batch, c.Micro)
	}
	for _, k := range []struct {
		key string
		v   float64
	}{{"lr", c.LR}, {"adam_eps", c.AdamEps}} {
		if !(k.v > 0 && k.v <= math.MaxFloat32) {
			return fmt.Errorf("%s is %g; it must be above 0 and finite in float32", k.key, k.v)
		}
	}
	for _, k := range []struct {
		key    string
		v, max float64
	}{
		{"final_lr", c.FinalLR, 1}, {"weight_decay", c.WeightDecay, math.MaxFloat32},
		{"max_norm", c.MaxNorm, math.MaxFloat32}, {"max_gate", c.MaxGate, math.MaxFloat32},
		{"warmup_min_lr", c.WarmupMinLR, math.MaxFloat32},
	} {
		if !(k.v >= 0 && k.v <= k.max) {
			return fmt.Errorf("%s is %g; it must be between 0 and %.2g", k.key, k.v, k.max)
		}
	}
	for _, k := range []struct {
		key string
		v   float64
	}{{"beta1", c.Beta1}, {"beta2", c.Beta2}} {
		if !(k.v >= 0 && float32(k.v) < 1) { // 1 divides by the 0 of AdamW's bias correction
			return fmt.Errorf("%s is %g; it must be at least 0 and below 1 in float32, such as 0.9", k.key, k.v)
		}
	}
	_, err := c.Peaks()
	return err
}

// tokenizer is the kind or file of the tokenizer as package data names it.
func (c *Config) tokenizer() string {
	if c.Tokenizer == "" {
		return data.Bytes
	}
	return c.Tokenizer
}

// heldOut is val_permille as package data counts it.
func (c *Config) heldOut() int {
	if c.ValPerMill == 0 {
		return data.NoValidation
	}
	return c.ValPerMill
}

// warnLR is the peak rate above which the HybridNorm family collapsed at laptop scale (4e-3 did,
// 1e-3 did not, with 16 blocks of width 48).
const warnLR = 3e-3

// Warnings names what is legal but known to go wrong.
func (c *Config) Warnings() []string {
	var w []string
	v, err := c.Model.Row()
	if err != nil {
		return nil
	}
	w = append(w, v.Warnings(c.Model.Layers)...)
	w = append(w, c.Model.Notes()...)
	if own := c.Model.Custom; own != nil && own.ID != v.ID {
		w = append(w, fmt.Sprintf("the custom row %q is not used, because variant is %s; "+
			"set variant to %s, or leave custom out", own.ID, v.ID, own.ID))
	}
	if c.LRAt != "" {
		w = append(w, "lr_at changes the peak learning rate on the way, as step:rate: "+c.LRAt)
	}
	s, err := c.ExpectedSpec()
	if v.Family == "HybridNorm" && c.LR > warnLR {
		w = append(w, fmt.Sprintf("lr %g is high for %s: small models of this family collapsed at 4e-3; 1e-3 is safe",
			c.LR, v.Title))
	}
	if err == nil && v.Family == "HybridNorm" && s.Init == model.InitNormal {
		w = append(w, v.Title+" with Normal init loses the gradients of its first blocks; use megatron")
	}
	return w
}

// Title is the run's name for lists and captions.
func (c *Config) Title() string {
	if c.Name != "" {
		return c.Name
	}
	title := c.Model.Variant
	if v, err := c.Model.Row(); err == nil {
		title = v.Title
	}
	return fmt.Sprintf("%s, seed %d", title, c.Seed)
}
