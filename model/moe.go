package model

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

// MoE replaces the FFN of every block by experts with a router (OLMoE 2409.02060), dropless: each token
// goes to the TopK experts with the largest probability. Experts have no biases, and the FFN width of
// the spec is that of one expert.
type MoE struct {
	Experts, TopK int
	Renorm        bool // the gates of a token sum to 1
	// Balance and Z weight the auxiliary losses over all L blocks and N tokens, c counting choices:
	//
	//	balance = Balance * E/(L*N*TopK) * sum_blocks sum_e c_e * mean_tokens(p_e)
	//	z       = Z * 1/(L*N*TopK) * sum_blocks sum_tokens logsumexp(logits)^2
	Balance, Z float64
}

func (m *MoE) validate() error {
	if m.Experts < 1 || m.Experts > graph.MaxExperts {
		return fmt.Errorf("experts is %d; there can be 1 to %d", m.Experts, graph.MaxExperts)
	}
	if m.TopK < 1 || m.TopK > m.Experts {
		return fmt.Errorf("top_k is %d; with %d experts it must be 1 to %d", m.TopK, m.Experts, m.Experts)
	}
	if !(m.Balance >= 0 && m.Z >= 0) || !finite(m.Balance) || !finite(m.Z) {
		return fmt.Errorf("moe_balance %g and moe_z %g must not be below 0, and finite in float32", m.Balance, m.Z)
	}
	return nil
}

// experts is the FFN branch of block i.
func (w *writer) experts(i int, h *graph.Tensor) *graph.Tensor {
	m, p := w.s.MoE, fmt.Sprintf("blocks.%d.", i)
	rows := h.Rows()
	attr := graph.RouteAttr{R: rows, E: m.Experts, K: m.TopK, Renorm: m.Renorm}
	stats := ""
	if w.lossShare > 0 {
		each := w.lossShare / float64(len(w.s.Blocks)*rows*m.TopK)
		attr.Balance, attr.Z = m.Balance*float64(m.Experts)*each, m.Z*each
	}
	if w.probes {
		stats = fmt.Sprint(i)
	}
	r := w.Route("router.choice", attr, w.MatMul("router", h, w.Param(p+"router.w"), nil), stats)
	if w.keep {
		w.Keep(fmt.Sprintf("block.%d.router_scores", i), w.Add("keep_scores", 1, r.Probs, 0, nil))
	}
	choices := graph.ChoicesAttr{R: rows, K: m.TopK}
	x := w.Gather("gather", choices, h, r)
	a := w.act(func(name string) *graph.Tensor {
		return w.ExpertMatMul("moe."+name, graph.NT, x, w.Param(p+"moe."+name), r)
	})
	a = w.site(i, FFNInner, 1, a)
	return w.Combine("combine", choices, w.ExpertMatMul("moe.down", graph.NN, a, w.Param(p+"moe.down"), r), r)
}

// expertParams declares router and experts of block i; expert matrices are [E F D] as published.
func (s *Spec) expertParams(sc *graph.Schema, i int) {
	p, e := fmt.Sprintf("blocks.%d.", i), s.MoE.Experts
	sc.AddParam(p+"router.w", i, true, e, s.D)
	if s.Act == SwiGLU {
		sc.AddParam(p+"moe.gate", i, true, e, s.F, s.D)
	}
	sc.AddParam(p+"moe.up", i, true, e, s.F, s.D)
	sc.AddParam(p+"moe.down", i, true, e, s.F, s.D)
}
