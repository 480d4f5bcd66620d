package published

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/trainer"
)

// Report tells what became of each key of a file.
type Report struct {
	Took    []Item   // keys with a meaning here
	Ignored []string // keys without one
	Notes   []string // sentences on mistakes and differences
}

// Item is one key that was taken.
type Item struct {
	Key, Value string // in the file
	As         string // key and value here
}

// Is tells whether text looks like a file of the published trainer rather than one of ours: it has a
// mapping named model with a d_model.
func Is(text []byte) bool {
	var head struct {
		Model map[string]yaml.Node `yaml:"model"`
	}
	if yaml.Unmarshal(text, &head) != nil {
		return false
	}
	_, ok := head.Model["d_model"]
	return ok
}

// Import reads a published file over the values in c. name stands for the file in errors. A key that
// would change the model or its training and that this project cannot follow is an error.
func Import(text []byte, name string, c *trainer.Config) (*Report, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := &file{c: c, leaves: map[string]*leaf{}, absent: map[string]string{}}
	f.flatten("", &root)
	if err := f.resolve(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, part := range []func() error{f.shape, f.norms, f.experts, f.optimizer, f.schedule, f.batches} {
		if err := part(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	f.mistakes()
	f.absentees()
	f.rest()
	c.Name, c.Preset = "", ""
	return &f.report, nil
}

// file is a published file being read: its keys as paths with dots.
type file struct {
	c      *trainer.Config
	leaves map[string]*leaf
	order  []string
	absent map[string]string // keys that are not there, and what was taken for each
	report Report
}

type leaf struct {
	node *yaml.Node
	used bool
}

// flatten lists scalars and sequences by path.
func (f *file) flatten(path string, n *yaml.Node) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			f.flatten(path, c)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if path != "" {
				key = path + "." + key
			}
			f.flatten(key, n.Content[i+1])
		}
	default:
		if _, twice := f.leaves[path]; !twice {
			f.order = append(f.order, path)
		}
		f.leaves[path] = &leaf{node: n}
	}
}

// resolve replaces plain references ${a.b} to other keys. A reference to nothing stays as it is: names of
// runs and folders are given on the command line there.
func (f *file) resolve() error {
	for _, l := range f.leaves {
		for range 10 {
			v := l.node.Value
			if !strings.HasPrefix(v, "${") || !strings.HasSuffix(v, "}") {
				break
			}
			to := f.leaves[v[2:len(v)-1]]
			if to == nil || to == l {
				break
			}
			l.node = to.node
		}
	}
	return nil
}

// get marks a key as used. It is nil for keys that are absent or null.
func (f *file) get(key string) *yaml.Node {
	l := f.leaves[key]
	if l == nil {
		return nil
	}
	l.used = true
	if l.node.Tag == "!!null" {
		return nil
	}
	return l.node
}

// read decodes a key into v; without the key v stays.
func (f *file) read(key string, v any) error {
	n := f.get(key)
	if n == nil {
		return nil
	}
	if err := n.Decode(v); err != nil {
		return fmt.Errorf("%s: %q is not what the key takes", key, n.Value)
	}
	return nil
}

// took reports a key under the name it has here, or remembers that it is not there.
func (f *file) took(key, as string, value any) {
	l := f.leaves[key]
	if l == nil || l.node.Tag == "!!null" {
		f.absent[key] = fmt.Sprintf("%s %v", as, value)
		return
	}
	text := l.node.Value
	if l.node.Kind == yaml.SequenceNode {
		var list []string
		for _, c := range l.node.Content {
			list = append(list, c.Value)
		}
		text = "[" + strings.Join(list, ", ") + "]"
	}
	f.report.Took = append(f.report.Took, Item{key, text, fmt.Sprintf("%s %v", as, value)})
}

func (f *file) note(format string, args ...any) {
	f.report.Notes = append(f.report.Notes, fmt.Sprintf(format, args...))
}

// harmless are the parts of a file that speak of machines, logs and evaluations.
var harmless = []string{
	"run_name", "dry_run", "wandb", "compile", "fsdp", "ddp", "distributed_strategy", "precision", "speed_monitor",
	"evaluators", "eval_", "device_eval_batch_size", "save_", "remote_save_folder", "load_path", "no_pre_train_checkpoint",
	"sharded_checkpointer", "gen1_gc_interval", "tokenizer", "data", "console_log_interval", "python_profiling",
	"torch_profiling", "optimizer.metrics_log_interval", "fused_loss", "softmax_auxiliary_loss",
	"auxiliary_loss_multiplier", "activation_checkpointing", "model.init_device", "model.flash_attention",
	"model.eos_token_id", "model.pad_token_id", "model.attention_layer_norm_with_affine", "model.moe_mlp_impl",
	"model.vocab_size", "max_grad_norm_ratio", "model.multiple_of",
}

// rest lists what was not used: harmless keys by their first name, others as such.
func (f *file) rest() {
	seen := map[string]bool{}
	for _, key := range f.order {
		if f.leaves[key].used {
			continue
		}
		short := key
		for _, h := range harmless {
			if key == h || strings.HasPrefix(key, h+".") || strings.HasSuffix(h, "_") && strings.HasPrefix(key, h) {
				short = h
				if !strings.Contains(h, ".") {
					short, _, _ = strings.Cut(key, ".")
				}
				break
			}
		}
		if short == key && !slices.ContainsFunc(harmless, func(h string) bool {
			return key == h || strings.HasSuffix(h, "_") && strings.HasPrefix(key, h)
		}) && f.leaves[key].node.Tag != "!!null" {
			f.note("the key %s is not known here and was left out", key)
			continue
		}
		if !seen[short] {
			seen[short] = true
			f.report.Ignored = append(f.report.Ignored, short)
		}
	}
}
