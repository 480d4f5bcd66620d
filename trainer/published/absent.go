package published

import "strings"

// absentees says what was taken for keys that decide the run and that the file leaves out, because the
// published trainer may have another default for them than this project. Left out of the list are keys whose
// published default is known and taken, such as the betas.
func (f *file) absentees() {
	rope, moe := f.c.Model.Positions == "rope", f.c.Model.Experts > 0
	var list []string
	for _, k := range []struct {
		key, or string // or says as much as key
		decides bool
	}{
		{"model.n_heads", "", true}, {"model.n_layers", "", true}, {"model.max_sequence_length", "", true},
		{"model.mlp_hidden_size", "model.mlp_ratio", true}, {"model.activation_type", "", true},
		{"model.embedding_size", "model.vocab_size", true}, {"model.weight_tying", "", true},
		{"model.layer_norm_type", "", true}, {"model.layer_norm_eps", "", true},
		{"model.layer_norm_with_affine", "", true}, {"model.attn_norm", "", true}, {"model.ffn_norm", "", true},
		{"model.rope", "", true}, {"model.rope_theta", "", rope}, {"model.include_bias", "", true},
		{"model.init_fn", "", true}, {"model.init_std", "", true}, {"model.moe_top_k", "", moe},
		{"model.moe_loss_weight", "", moe}, {"model.moe_zloss_weight", "", moe},
		{"model.moe_normalize_expert_weights", "", moe},
		{"optimizer.learning_rate", "", true}, {"optimizer.eps", "", true}, {"optimizer.weight_decay", "", true},
		{"max_grad_norm", "", true}, {"global_train_batch_size", "", true}, {"scheduler.t_warmup", "", true},
		{"scheduler.alpha_f", "", true},
	} {
		taken, absent := f.absent[k.key]
		if absent && k.decides && f.leaves[k.or] == nil {
			list = append(list, k.key+" ("+taken+")")
		}
	}
	if len(list) > 0 {
		f.note("the file does not have these keys, and the published trainer may have another default for them "+
			"than what was taken: %s", strings.Join(list, ", "))
	}
}
