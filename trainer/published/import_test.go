package published

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// dense and moe hold the keys and values that decide the published runs.
const dense = `run_name: ${run_name}
seed: 6198
wandb: {name: x, project: y}
model:
  d_model: 2048
  n_heads: 32
  n_kv_heads: 8
  n_layers: 16
  mlp_hidden_size: 16384
  weight_tying: true
  alibi: false
  rope: true
  rope_theta: 500000
  attention_dropout: 0.0
  include_bias: false
  block_type: sequential
  layer_norm_type: rms
  layer_norm_with_affine: true
  layer_norm_eps: 1e-5
  bias_for_layer_norm: false
  attention_layer_norm: false
  norm_after: false
  use_query_norm: true
  use_key_norm: true
  use_value_norm: true
  attn_norm: false
  ffn_norm: true
  attn_residual_after_norm: false
  ffn_residual_after_norm: true
  activation_type: swiglu
  max_sequence_length: 4096
  vocab_size: 100278
  embedding_size: 100352
  init_fn: full_megatron
  init_std: 0.013975424859373685
  init_cutoff_factor: 3
optimizer: {name: adamw, learning_rate: 3.0e-4, weight_decay: 0.1, eps: 1e-8, decay_norm_and_bias: true,
  decay_embeddings: false, betas: [0.9, 0.95], metrics_log_interval: 1}
scheduler: {name: cosine_with_warmup, units: tokens, t_warmup: 8388608000, t_max: 1e12, alpha_f: 0.1, warmup_min_lr: 0.0}
save_interval: 1000
max_duration: 1e12T
global_train_batch_size: 1024
device_train_microbatch_size: 4
max_grad_norm: 1.0
device_eval_batch_size: ${device_train_microbatch_size}
evaluators: [{label: piqa}]
data: {num_workers: 32, paths: [a.npy, b.npy]}
`

const experts = `seed: 6198
model:
  d_model: 2048
  n_heads: 16
  n_layers: 16
  mlp_ratio: 1
  weight_tying: false
  rope: true
  attention_layer_norm: true
  block_type: moe
  layer_norm_type: rms
  use_query_norm: true
  use_key_norm: true
  use_value_norm: true
  attn_norm: false
  ffn_norm: true
  attn_residual_after_norm: false
  ffn_residual_after_norm: true
  activation_type: swiglu
  max_sequence_length: 4096
  vocab_size: 50280
  embedding_size: 50304
  init_fn: full_megatron
  norm_pos_special_config: "_{0:{'attn_norm':True,'ffn_residual':False}}_"
  moe_top_k: 8
  moe_num_experts: 64
  moe_dropless: true
  moe_zloss_weight: 0.001
  moe_loss_weight: 0.01
optimizer: {learning_rate: 4.0e-4, decay_embeddings: true, decay_norm_and_bias: true}
scheduler: {name: cosine_with_warmup, units: tokens, t_warmup: 10485760000, t_max: 5e12, alpha_f: 0.1}
max_duration: 2ep
global_train_batch_size: 1024
`

func take(t *testing.T, text string) (trainer.Config, *Report) {
	t.Helper()
	c := trainer.DefaultConfig()
	if !Is([]byte(text)) {
		t.Fatal("the file is not seen as a published one")
	}
	r, err := Import([]byte(text), "file.yaml", &c)
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

func TestDense(t *testing.T) {
	c, r := take(t, dense)
	m := c.Model
	got := fmt.Sprintln(m.Variant, m.D, m.Heads, m.KVHeads, m.Layers, m.FFN, m.Vocab, m.Seq, m.Tied, m.Init, m.Theta, m.Act, m.Norm)
	if want := "hybrid 2048 32 8 16 8192 100352 4096 true megatron 500000 swiglu rms\n"; got != want {
		t.Errorf("the model is %s, not %s", got, want)
	}
	if c.Batch != 1024 || c.Micro != 256 || c.Steps != 238418 || c.Warmup != 2000 || c.LR != 3e-4 || c.WarmupMinLR != 0 {
		t.Errorf("training: batch %d, micro %d, steps %d, warmup %d, lr %g from %g",
			c.Batch, c.Micro, c.Steps, c.Warmup, c.LR, c.WarmupMinLR)
	}
	spec, err := m.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if n := spec.Schema(0).Count(); n != 1_178_637_312 {
		t.Errorf("%d parameters; the file makes 1,178,637,312", n)
	}
	if m.DecayEmbeddings || !m.DecayNorms {
		t.Error("dense runs decay norms and not embeddings")
	}
	has(t, r.Notes, "9192", "hybrid_star")
	has(t, r.Ignored, "wandb", "data", "evaluators", "save_interval", "run_name")
	for _, n := range r.Notes {
		if strings.Contains(n, "is not known here") {
			t.Error(n)
		}
	}
}

func TestExperts(t *testing.T) {
	c, r := take(t, experts)
	m := c.Model
	if m.Variant != "hybrid_star" || m.Experts != 64 || m.TopK != 8 || m.FFN != 1024 || m.Tied || !m.DecayEmbeddings {
		t.Errorf("variant %s, %d of %d experts of %d, tied %t", m.Variant, m.TopK, m.Experts, m.FFN, m.Tied)
	}
	if c.WarmupMinLR != c.LR/10 || c.Warmup != 2500 {
		t.Errorf("warmup from %g in %d steps", c.WarmupMinLR, c.Warmup)
	}
	spec, err := m.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if n := spec.Schema(0).Count(); n != 6_919_071_744 {
		t.Errorf("%d parameters; HybridNorm* of MoE-1B-7B has 6,919,071,744", n)
	}
	has(t, r.Notes, "assertion", "4e-05", "2ep")
}

func has(t *testing.T, list []string, parts ...string) {
	t.Helper()
	all := strings.Join(list, "\n")
	for _, p := range parts {
		if !strings.Contains(all, p) {
			t.Errorf("nothing is said about %q in:\n%s", p, all)
		}
	}
}

func TestRowsOfSwitches(t *testing.T) {
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(dense) }
	for variant, text := range map[string]string{
		"pre": edit("use_query_norm: true", "use_query_norm: false", "use_key_norm: true", "use_key_norm: false",
			"use_value_norm: true", "use_value_norm: false", "attn_norm: false", "attn_norm: true",
			"ffn_residual_after_norm: true", "ffn_residual_after_norm: false"),
		"post": edit("use_query_norm: true", "use_query_norm: false", "use_key_norm: true", "use_key_norm: false",
			"use_value_norm: true", "use_value_norm: false", "attn_norm: false", "attn_norm: true",
			"attn_residual_after_norm: false", "attn_residual_after_norm: true"),
		"pre_qkv_post": edit("attn_norm: false", "attn_norm: true"),
		"qk_post":      edit("use_value_norm: true", "use_value_norm: false"),
		"embed_norm":   edit("norm_after: false", "embedding_layer_norm: true"),
		"published": edit("norm_after: false",
			`norm_pos_special_config: "_{(0, 3): {'ffn_norm': False}, 15:{'attn_norm':True,},}_"`),
	} {
		if c, _ := take(t, text); c.Model.Variant != variant {
			t.Errorf("the switches make %s, not %s", c.Model.Variant, variant)
		} else if variant == "published" {
			v, err := c.Model.Row()
			if err != nil {
				t.Fatal(err)
			}
			b := v.Blocks(16)
			if b[3].Sites.Has(model.S2) || !b[4].Sites.Has(model.S2) || !b[15].Sites.Has(model.AttnIn) {
				t.Errorf("blocks 3, 4 and 15 have %s; %s; %s", b[3].Sites, b[4].Sites, b[15].Sites)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for part, pair := range map[string][2]string{
		"ALiBi":              {"alibi: false", "alibi: true"},
		"dropout":            {"attention_dropout: 0.0", "attention_dropout: 0.1"},
		"block_type":         {"block_type: sequential", "block_type: llama"},
		"init_fn":            {"init_fn: full_megatron", "init_fn: kaiming"},
		"scheduler.name":     {"name: cosine_with_warmup", "name: inverse_sqrt"},
		"max_duration":       {"max_duration: 1e12T", "max_duration: long"},
		"n_heads":            {"n_heads: 32", "n_heads: many"},
		"block number":       {"norm_after: false", `norm_pos_special_config: "_{x:{}}_"`},
		"True or False":      {"norm_after: false", `norm_pos_special_config: "_{0:{'attn_norm':__import__('os')}}_"`},
		"does not exist":     {"norm_after: false", `norm_pos_special_config: "_{16:{'attn_norm':True}}_"`},
		"n_layers is -1":     {"n_layers: 16", "n_layers: -1"},
		"choose 1 to 1024":   {"n_layers: 16", "n_layers: 1000000000000000000"},
		"make NaN steps":     {"max_duration: 1e12T", "max_duration: nan"},
		"t_warmup":           {"t_warmup: 8388608000", "t_warmup: nan"},
		"which no run can":   {"max_duration: 1e12T", "max_duration: 1e30"},
		"a LayerNorm with a": {"layer_norm_type: rms", "layer_norm_type: default"},
	} {
		c := trainer.DefaultConfig()
		_, err := Import([]byte(strings.Replace(dense, pair[0], pair[1], 1)), "file.yaml", &c)
		if err == nil || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "file.yaml") {
			t.Errorf("%s: the error is %v", pair[1], err)
		}
	}
}

// What a file leaves out is said with what was taken for it; a file that says all has no such note.
func TestAbsentKeysAreSaid(t *testing.T) {
	const note = "the file does not have these keys"
	_, r := take(t, dense)
	if all := strings.Join(r.Notes, "\n"); strings.Contains(all, note) {
		t.Errorf("nothing decisive is absent, but: %s", all)
	}
	edit := strings.NewReplacer("  n_layers: 16\n", "", "  rope_theta: 500000\n", "", "  mlp_hidden_size: 16384\n", "",
		"learning_rate: 3.0e-4, ", "", "  vocab_size: 100278\n", "", "  init_fn: full_megatron\n", "")
	c, r := take(t, edit.Replace(dense))
	has(t, r.Notes, note, fmt.Sprintf("model.n_layers (layers %d)", c.Model.Layers), "model.rope_theta (rope_theta 10000)",
		"model.mlp_hidden_size (ffn 4096)", fmt.Sprintf("optimizer.learning_rate (lr %g)", c.LR), "model.init_fn (init normal)")
	if all := strings.Join(r.Notes, "\n"); strings.Contains(all, "embedding_size") || strings.Contains(all, "moe_top_k") ||
		strings.Contains(all, "model.n_heads") {
		t.Errorf("keys that are there or decide nothing are called absent: %s", all)
	}
}

func TestOwnFilesAreNotTaken(t *testing.T) {
	c := trainer.DefaultConfig()
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if Is(text) {
		t.Error("a config of our own is seen as a published one")
	}
}
