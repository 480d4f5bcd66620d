package model

import "github.com/evenkeel/evenkeel/model/graph"

// Resolved writes every automatic choice out: the config it gives says what is built and resolves to the
// same Spec. The row is left as it is.
func (c *Config) Resolved() (Config, error) {
	s, err := c.Resolve()
	if err != nil {
		return *c, err
	}
	r := *c
	r.KVHeads, r.HeadDim, r.FFN, r.Vocab = s.KV, s.HeadDim, s.F, s.V
	r.Act, r.Init, r.InitStd, r.EmbScale = s.Act, s.Init, s.InitStd, s.EmbScale
	r.Norm = map[graph.NormKind]string{graph.RMS: "rms", graph.LN: "ln", graph.CRMS: "crms"}[s.Norm]
	r.NormGain = s.NormGain
	r.EmbNorm, r.FinalNorm = onOff(s.EmbNorm), onOff(s.FinalNorm)
	r.Bias, r.Recenter = onOff(s.Bias), onOff(s.Recenter)
	r.QKAxis, r.Positions, r.Pairing = "head", "none", pairHalves
	if s.QKFull {
		r.QKAxis = "full"
	}
	if s.Rope {
		r.Positions = "rope"
	} else if s.LearnedPositions {
		r.Positions = "learned"
	}
	if s.Pairing == graph.Interleaved {
		r.Pairing = pairNeighbours
	}
	if m := s.MLA; m != nil {
		r.MLAQLora, r.MLAKVLora, r.MLANope, r.MLARope, r.MLAV = m.QLora, m.KVLora, m.Nope, m.Rope, m.V
	}
	return r, nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// Unused lists the keys of the config that change nothing in the model s it resolves to.
func (c *Config) Unused(s *Spec) []string {
	var keys []string
	add := func(unused bool, list ...string) {
		if unused {
			keys = append(keys, list...)
		}
	}
	var sites Sites
	for i := range s.Blocks {
		sites |= s.Blocks[i].Sites
	}
	add(c.Custom != nil && c.Variant != "" && c.Variant != c.Custom.ID, "custom")
	add(s.MLA == nil, "mla_q_lora", "mla_kv_lora", "mla_nope", "mla_rope", "mla_v")
	add(s.MLA != nil, "kv_heads", "head_dim")
	add(s.MoE == nil, "experts", "top_k", "moe_renorm", "moe_balance", "moe_z")
	add(!s.Rope, "rope_theta", "rope_pairing")
	add(!s.Dual, "dual_sigma", "dual_alpha")
	add(!sites.Any(Q, K), "qk_axis")
	return keys
}
