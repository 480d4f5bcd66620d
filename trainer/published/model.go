package published

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model"
)

// shape reads sizes, head, positions and initialization.
func (f *file) shape() error {
	m := &f.c.Model
	*m = model.DefaultConfig()
	m.MLAKVLora, m.Experts = 0, 0
	for _, k := range []struct {
		key, as string
		to      *int
	}{
		{"model.d_model", "d", &m.D}, {"model.n_heads", "heads", &m.Heads}, {"model.n_kv_heads", "kv_heads", &m.KVHeads},
		{"model.n_layers", "layers", &m.Layers}, {"model.max_sequence_length", "seq", &m.Seq},
	} {
		if err := f.read(k.key, k.to); err != nil {
			return err
		}
		f.took(k.key, k.as, *k.to)
	}
	if m.Layers < 1 || m.Layers > model.MaxLayers {
		return fmt.Errorf("model.n_layers is %d; choose 1 to %d", m.Layers, model.MaxLayers)
	}
	if err := f.refuse(); err != nil {
		return err
	}
	act, hidden, ratio := "swiglu", 0, 4.0
	for key, v := range map[string]any{
		"model.activation_type": &act, "model.mlp_hidden_size": &hidden, "model.mlp_ratio": &ratio,
		"model.weight_tying": &m.Tied, "model.layer_norm_eps": &m.Eps, "model.layer_norm_with_affine": &m.NormGain,
		"model.rope_theta": &m.Theta, "model.init_std": &m.InitStd,
	} {
		if err := f.read(key, v); err != nil {
			return err
		}
	}
	m.Act = act
	if hidden == 0 {
		hidden = int(ratio * float64(m.D))
	}
	m.FFN = hidden
	if act == model.SwiGLU { // the published size counts gate and up
		m.FFN = hidden / 2
	}
	f.took("model.mlp_hidden_size", "ffn", m.FFN)
	f.took("model.mlp_ratio", "ffn", m.FFN)
	f.took("model.activation_type", "act", m.Act)
	f.took("model.weight_tying", "tied", m.Tied)
	f.took("model.layer_norm_eps", "eps", m.Eps)
	f.took("model.layer_norm_with_affine", "norm_gain", m.NormGain)
	f.took("model.rope_theta", "rope_theta", m.Theta)
	f.took("model.init_std", "init_std", m.InitStd)
	if err := f.vocabulary(); err != nil {
		return err
	}
	return f.words()
}

// vocabulary takes the embedding's rows, which the published code pads.
func (f *file) vocabulary() error {
	m, vocab := &f.c.Model, 0
	if err := f.read("model.vocab_size", &vocab); err != nil {
		return err
	}
	m.Vocab = (vocab + 127) / 128 * 128
	if err := f.read("model.embedding_size", &m.Vocab); err != nil {
		return err
	}
	f.took("model.embedding_size", "vocab", m.Vocab)
	return nil
}

// refuse names what this project does not build.
func (f *file) refuse() error {
	for _, key := range []string{"attention_dropout", "residual_dropout", "embedding_dropout"} {
		p := 0.0
		if err := f.read("model."+key, &p); err != nil {
			return err
		}
		if p != 0 {
			return fmt.Errorf("model.%s is %g; there is no dropout here, set it to 0", key, p)
		}
	}
	var alibi, dropless = false, true
	var block, clip = "sequential", 0.0
	for key, v := range map[string]any{
		"model.alibi": &alibi, "model.block_type": &block, "model.clip_qkv": &clip, "model.moe_dropless": &dropless,
	} {
		if err := f.read(key, v); err != nil {
			return err
		}
	}
	switch {
	case alibi:
		return fmt.Errorf("model.alibi is true; ALiBi positions are not built here, use rope")
	case block != "sequential" && block != "moe":
		return fmt.Errorf("model.block_type is %q; only sequential and moe blocks can be built", block)
	case clip != 0:
		return fmt.Errorf("model.clip_qkv is %g; clipping of q, k and v is not built here, use norms on them", clip)
	case !dropless:
		return fmt.Errorf("model.moe_dropless is false; experts with a capacity are not built here")
	}
	return nil
}

// words reads the keys that take a word.
func (f *file) words() error {
	m := &f.c.Model
	rope, bias, normBias := false, false, true
	norm, init, cut := "default", "normal", 3.0
	for key, v := range map[string]any{
		"model.rope": &rope, "model.include_bias": &bias, "model.bias_for_layer_norm": &normBias,
		"model.layer_norm_type": &norm, "model.init_fn": &init, "model.init_cutoff_factor": &cut,
	} {
		if err := f.read(key, v); err != nil {
			return err
		}
	}
	m.Positions = "learned"
	if rope {
		m.Positions = "rope"
	}
	f.took("model.rope", "positions", m.Positions)
	m.Bias = map[bool]string{true: "on", false: "off"}[bias]
	f.took("model.include_bias", "bias", m.Bias)
	switch norm {
	case "rms":
		m.Norm = "rms"
	case "default", "low_precision":
		m.Norm = "ln"
		if m.NormGain && f.leaves["model.bias_for_layer_norm"] != nil && !normBias {
			return fmt.Errorf("a LayerNorm with a gain and no bias (model.bias_for_layer_norm false) is not built here; " +
				"set it to true, or layer_norm_type to rms")
		}
	default:
		return fmt.Errorf("model.layer_norm_type is %q; rms, default and low_precision are known", norm)
	}
	f.took("model.layer_norm_type", "norm", m.Norm)
	names := map[string]string{
		"normal": model.InitNormal, "full_megatron": model.InitMegatron, "mitchell": model.InitMitchell,
	}
	var ok bool
	if m.Init, ok = names[init]; !ok {
		return fmt.Errorf("model.init_fn is %q; normal, full_megatron and mitchell are known", init)
	}
	f.took("model.init_fn", "init", m.Init)
	if math.Abs(cut-3) > 1e-9 {
		f.note("model.init_cutoff_factor is %g; weights are cut at 3 standard deviations here", cut)
	}
	return nil
}

// experts reads the mixture of experts.
func (f *file) experts() error {
	m := &f.c.Model
	for key, v := range map[string]any{
		"model.moe_num_experts": &m.Experts, "model.moe_top_k": &m.TopK, "model.moe_loss_weight": &m.MoEBalance,
		"model.moe_zloss_weight": &m.MoEZ, "model.moe_normalize_expert_weights": &m.MoERenorm,
	} {
		if err := f.read(key, v); err != nil {
			return err
		}
	}
	var block string
	if n := f.leaves["model.block_type"]; n != nil {
		block = n.node.Value
	}
	if (block == "moe") != (m.Experts > 0) {
		return fmt.Errorf("model.block_type is %q with %d experts (model.moe_num_experts); "+
			"experts need block_type moe and a number of them", block, m.Experts)
	}
	f.took("model.block_type", "experts", m.Experts > 0)
	f.took("model.moe_num_experts", "experts", m.Experts)
	f.took("model.moe_top_k", "top_k", m.TopK)
	f.took("model.moe_loss_weight", "moe_balance", m.MoEBalance)
	f.took("model.moe_zloss_weight", "moe_z", m.MoEZ)
	f.took("model.moe_normalize_expert_weights", "moe_renorm", m.MoERenorm)
	return nil
}
