package cli

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/data"
	"github.com/evenkeel/evenkeel/trainer/published"
)

// describe tells what each key of a config takes and does.
var describe = map[string]string{
	"name":             "NAME|name in lists and captions; variant and seed when not given",
	"preset":           "ID|sizes, batch, steps and learning rate of a preset; evenkeel presets lists them",
	"variant":          "ID|norm variant; evenkeel variants lists them",
	"custom":           "FILE|YAML file with a row of your own: id, title, init, rows of {blocks, sites, ...}",
	"layers":           "N|number of blocks",
	"d":                "N|width of the stream",
	"heads":            "N|query heads; must divide d",
	"kv_heads":         "N|key/value heads; 0: as many as query heads, 1: multi-query attention",
	"head_dim":         "N|size of a head; 0: d/heads",
	"ffn":              "N|inner width of the FFN; 0: 8/3 d rounded down to 64 (swiglu) or 4 d (gelu)",
	"vocab":            "N|rows of the embedding; 0: what the tokenizer needs",
	"seq":              "N|tokens a sequence",
	"mla_q_lora":       "N|MLA: width of the latent queries; 0: queries straight from the stream",
	"mla_kv_lora":      "N|MLA: width of the latent keys and values; 0: no MLA",
	"mla_nope":         "N|MLA: head size without positions; 0: d/heads",
	"mla_rope":         "N|MLA: head size with positions; 0: half of mla_nope",
	"mla_v":            "N|MLA: head size of values; 0: as mla_nope",
	"experts":          "N|experts of every FFN, each of width ffn; 0: one dense FFN",
	"top_k":            "N|experts a token goes to",
	"moe_renorm":       "BOOL|let the gates of a token sum to 1",
	"moe_balance":      "X|weight of the loss that keeps experts evenly used",
	"moe_z":            "X|weight of the loss on the router's logsumexp",
	"norm":             "KIND|norm kind: rms, ln, crms (stream of width d-1), or auto for the variant's own",
	"norm_gain":        "BOOL|give norms a gain (and LayerNorm a bias)",
	"eps":              "X|added to the mean square in a norm's root",
	"qk_axis":          "AXIS|norm queries and keys per head, or full for the whole projection",
	"act":              "KIND|FFN kind: swiglu, gelu, relu, or auto for the variant's own",
	"positions":        "KIND|positions: rope, learned, none",
	"rope_theta":       "X|base of the rotary angles",
	"rope_pairing":     "KIND|pairs that rotate: halves, interleaved, or auto (interleaved under MLA)",
	"emb_scale":        "X|factor on the token embedding; 0: as the variant has it",
	"recenter":         "WORD|take the mean of embedding and branches away: on, off, or auto",
	"dual_sigma":       "X|scale of ResiDual's second stream",
	"dual_alpha":       "X|scale of ResiDual's first stream at the end",
	"emb_norm":         "WORD|norm after the embedding: on, off, or auto",
	"final_norm":       "WORD|norm before the head: on, off, or auto",
	"tied":             "BOOL|share the matrix of embedding and head",
	"bias":             "WORD|biases in the linear layers: on, off, or auto",
	"head_bias":        "BOOL|a bias on the logits",
	"init":             "NAME|" + strings.Join(model.Inits, ", ") + ", or auto",
	"init_std":         "X|base standard deviation; 0: 1/sqrt(2.5 d)",
	"decay_embeddings": "BOOL|weight decay on the embedding (and a tied head)",
	"decay_norms":      "BOOL|weight decay on norm gains and biases",
	"data":             "CORPUS|toy (generated), opticks (Newton, from the Go installation), a file or a folder",
	"data_bytes":       "N|use only the first N bytes of the corpus; 0: all",
	"tokenizer":        "NAME|bytes, bpe (trained on the corpus), or a tokenizer.json",
	"bpe_vocab":        "N|tokens of a trained vocabulary; 0: 512 for the toy language, else 4096",
	"val_permille":     "N|documents held out for validation, in thousandths; 0: none",
	"batch":            "N|sequences a step",
	"micro":            "N|micro-batches a step is cut into; more of them take less memory",
	"steps":            "N|optimizer steps",
	"seed":             "N|seed of weights and data order",
	"device":           "NAME|device; evenkeel devices lists them",
	"threads":          "N|CPU threads; 0 takes all cores",
	"lr":               "X|peak learning rate",
	"lr_at":            "STEPS|peak learning rates from later steps on, such as 200:5e-4,400:1e-4",
	"warmup":           "N|warmup steps; -1: a tenth of the run, at most 100",
	"warmup_min_lr":    "X|rate the warmup starts from",
	"final_lr":         "X|share of the peak rate at the end of the cosine",
	"beta1":            "X|AdamW's decay of the first moment",
	"beta2":            "X|AdamW's decay of the second moment",
	"adam_eps":         "X|added to AdamW's denominator",
	"weight_decay":     "X|decoupled weight decay",
	"max_gate":         "X|clip the gates of GPAS to this norm after max_norm; 0: never",
	"max_norm":         "X|clip gradients to this norm; 0: never",
	"eval_every":       "N|validate every N steps; 0: never",
	"eval_batches":     "N|batches a validation reads; 0: all",
	"sample_every":     "N|write a sample every N steps; 0: never",
	"sample_tokens":    "N|tokens of a sample",
	"prompt":           "TEXT|what samples start from",
	"checkpoint_every": "N|checkpoint every N steps; 0: only at the ends",
	"keep_checkpoints": "N|newest checkpoints kept",
	"stop_on_rise":     "BOOL|stop when the loss stays above twice its best",
}

// configFlags declares one flag for each key of a config and remembers what was given, because a
// config file that comes before the flags is read only after they are known.
type configFlags struct {
	keys  []*configFlag
	file  *string
	trial trainer.Config // takes every value at once, so that a bad one is named as it is read

	imported *published.Report // of a file of the published trainer
}

// configFlag is the flag of one key.
type configFlag struct {
	key   string
	index []int // of the field in trainer.Config
	of    *configFlags
	text  string
	set   bool
	def   string
}

func (f *flags) config() *configFlags {
	c := &configFlags{trial: trainer.DefaultConfig()}
	c.fields(reflect.TypeFor[trainer.Config](), nil)
	for _, k := range c.keys {
		if k.key != "preset" && k.key != "custom" && k.key != "name" {
			k.def = fmt.Sprint(k.field(&c.trial))
		}
		if k.key == "preset" {
			k.def = c.trial.Preset
		}
		f.Var(k, k.key, describe[k.key])
		f.declared(k.key)
	}
	c.file = f.text("config", "", "FILE|read keys from a YAML file first: a run's config.yaml, or one of HybridNorm's own trainer")
	return c
}

// fields lists the keys in the order of trainer.Keys.
func (c *configFlags) fields(t reflect.Type, index []int) {
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		at := append(append([]int(nil), index...), i)
		if opts == "inline" {
			c.fields(t.Field(i).Type, at)
		} else if name != "" {
			c.keys = append(c.keys, &configFlag{key: name, index: at, of: c})
		}
	}
}

func (k *configFlag) field(c *trainer.Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(k.index)
}

// String is the default while nothing was given; package flag asks a zero value too.
func (k *configFlag) String() string {
	if k.set {
		return k.text
	}
	return k.def
}

// IsBoolFlag lets a switch stand alone.
func (k *configFlag) IsBoolFlag() bool {
	return k.of != nil && k.field(&k.of.trial).Kind() == reflect.Bool
}

// Set checks a value and keeps it for apply.
func (k *configFlag) Set(text string) error {
	k.text, k.set = text, true
	return k.apply(&k.of.trial)
}

// apply writes the value into a config.
func (k *configFlag) apply(c *trainer.Config) error {
	switch k.key {
	case "preset":
		p, err := model.FindPreset(k.text)
		if err != nil {
			return err
		}
		c.Preset = p.ID
		return nil
	case "variant":
		if own := c.Model.Custom; own != nil && own.ID != k.text {
			c.Model.Custom = nil // the file's row, which another takes the place of
		}
	case "custom":
		return readCustom(k.text, &c.Model)
	}
	v := k.field(c)
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(k.text)
	case reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(k.text); err != nil {
			return fmt.Errorf("it takes true or false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		var n int64
		if n, err = strconv.ParseInt(k.text, 10, 64); err != nil {
			return fmt.Errorf("it takes a whole number")
		}
		v.SetInt(n)
	case reflect.Uint64:
		var n uint64
		if n, err = strconv.ParseUint(k.text, 10, 64); err != nil {
			return fmt.Errorf("it takes a whole number that is not negative")
		}
		v.SetUint(n)
	case reflect.Float64:
		var x float64
		if x, err = strconv.ParseFloat(k.text, 64); err != nil || math.IsNaN(x) {
			return fmt.Errorf("it takes a number")
		}
		v.SetFloat(x)
	default:
		panic("cli: config key " + k.key + " has a type without a flag")
	}
	return nil
}

var unknownRowKey = regexp.MustCompile(`line (\d+): field (\S+) not found`)

// rowKeys are the keys of a row of the user's own and of its rows.
var rowKeys = slices.Concat(yamlKeys(reflect.TypeFor[model.Custom]()), yamlKeys(reflect.TypeFor[model.CustomRow]()))

func yamlKeys(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i], _, _ = strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
	}
	return keys
}

// readCustom reads a row of the user's own from a YAML file and selects it.
func readCustom(path string, m *model.Config) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	row := &model.Custom{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true) // a key written wrong would train another model
	if err := d.Decode(row); err != nil {
		if m := unknownRowKey.FindStringSubmatch(err.Error()); m != nil {
			return fmt.Errorf("%s line %s: a row has no key %q; did you mean %q?",
				path, m[1], m[2], model.Nearest(m[2], rowKeys))
		}
		return err
	}
	if err := row.Check(); err != nil {
		return err
	}
	m.Custom, m.Variant = row, row.ID
	return nil
}

// absolute makes the files a run is trained on independent of the folder it is started in, because it may be
// resumed and measured from another.
func absolute(cfg *trainer.Config) error {
	for _, p := range []struct {
		path  *string
		names []string // which are no files
	}{
		{&cfg.Data, []string{data.Toy, data.Opticks}},
		{&cfg.Tokenizer, []string{data.Bytes, data.BPE}},
	} {
		if *p.path == "" || slices.Contains(p.names, *p.path) {
			continue
		}
		full, err := filepath.Abs(*p.path)
		if err != nil {
			return fmt.Errorf("the path %q has no folder to start from: %w", *p.path, err)
		}
		*p.path = full
	}
	return nil
}

// build gives the config: defaults, then the preset, then the file, then the other flags.
func (c *configFlags) build() (trainer.Config, error) {
	cfg := trainer.DefaultConfig()
	for _, k := range c.keys {
		if k.key == "preset" && k.set {
			p, err := model.FindPreset(k.text)
			if err != nil {
				return cfg, usagef("%v", err)
			}
			cfg.ApplyPreset(p)
		}
	}
	if *c.file != "" {
		text, err := os.ReadFile(*c.file)
		if err != nil {
			return cfg, usagef("the config cannot be read: %v", err)
		}
		if published.Is(text) {
			c.imported, err = published.Import(text, *c.file, &cfg)
		} else {
			err = trainer.ParseConfig(text, *c.file, &cfg)
		}
		if err != nil {
			return cfg, usagef("%v", err)
		}
	}
	variant := "" // as its flag says
	for _, k := range c.keys {
		if k.set && k.key != "preset" {
			if err := k.apply(&cfg); err != nil {
				return cfg, usagef("--%s: %v", k.key, err)
			}
		}
		if k.set && k.key == "variant" {
			variant = k.text
		}
	}
	if variant != "" && variant != cfg.Model.Variant {
		return cfg, usagef("--variant is %s but the row of --custom has the id %s; give one of the two",
			variant, cfg.Model.Variant)
	}
	if err := absolute(&cfg); err != nil {
		return cfg, err
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usagef("%v", err)
	}
	if _, err := cfg.ExpectedSpec(); err != nil {
		return cfg, usagef("%v", err)
	}
	return cfg, nil
}
