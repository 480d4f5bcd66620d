package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Activations of the FFN.
const (
	SwiGLU = "swiglu"
	GELU   = "gelu" // exact erf form
	ReLU   = "relu"
)

// Spec is a resolved model: plain values, nothing left to default.
type Spec struct {
	D, H, KV, HeadDim, F, V int // width, query heads, key/value heads, head size, FFN width, vocabulary
	T                       int // longest sequence
	Blocks                  []Block
	MLA                     *MLA // latent attention; nil: heads of their own keys and values
	MoE                     *MoE // experts; nil: one FFN

	Norm     graph.NormKind
	NormGain bool // LayerNorm with a gain also has a bias
	Eps      float64
	FinalEps float64 // of the final norm
	QKFull   bool    // q and k norms over the whole projection
	Recenter bool    // take the mean of embedding and branches away, so that RMSNorm acts as LayerNorm

	// Dual adds ResiDual's second stream: d = Sigma*emb + Sigma*(sum of all branches), and the output is
	// AlphaOut*x + final(d).
	Dual            bool
	Sigma, AlphaOut float64

	Act               string
	Rope              bool
	Theta             float64
	Pairing           graph.Pairing
	LearnedPositions  bool
	EmbScale          float64
	EmbNorm           bool
	FinalNorm         bool
	Tied              bool
	Bias              bool // in the linear layers of the blocks
	HeadBias          bool
	Init              string
	InitStd           float64
	DecayEmbeddings   bool // weight decay on embeddings (and so on a tied head)
	DecayNormsAndBias bool
}

// Validate names the first thing that cannot be built.
func (s *Spec) Validate() error {
	for _, c := range []struct {
		name string
		v    int
	}{
		{"layers", len(s.Blocks)}, {"d", s.D}, {"heads", s.H}, {"kv_heads", s.KV},
		{"head_dim", s.HeadDim}, {"ffn", s.F}, {"vocab", s.V}, {"seq", s.T},
	} {
		if c.v < 1 {
			return fmt.Errorf("%s is %d; it must be at least 1", c.name, c.v)
		}
	}
	if s.H%s.KV != 0 {
		return fmt.Errorf("%d query heads cannot share %d key/value heads evenly; choose kv_heads that divides heads",
			s.H, s.KV)
	}
	if s.Rope && s.MLA == nil && s.HeadDim%2 != 0 { // MLA rotates heads of another size
		return fmt.Errorf("rotary positions need an even head size, but head_dim is %d (d/heads unless it is set); "+
			"choose other heads, or an even head_dim", s.HeadDim)
	}
	if !slices.Contains(acts, s.Act) {
		return fmt.Errorf("act %q is not known; choose %s", s.Act, strings.Join(acts, ", "))
	}
	if err := s.validateNumbers(); err != nil {
		return err
	}
	if s.MoE != nil {
		if err := s.MoE.validate(); err != nil {
			return err
		}
	}
	if s.MLA != nil {
		if err := s.MLA.validate(); err != nil {
			return err
		}
	}
	return s.validateBlocks()
}

var acts = []string{SwiGLU, GELU, ReLU}

// validateNumbers checks the real numbers, which training holds as float32. One that is not finite would
// only show as a loss of NaN, for which the learning rate is blamed.
func (s *Spec) validateNumbers() error {
	const above, notBelow, number = "above 0 and ", "at least 0 and ", ""
	theta := number
	if s.Rope {
		theta = above
	}
	for _, c := range []struct {
		name string
		v    float64
		is   string
	}{
		{"eps", s.Eps, above}, {"final_eps", s.FinalEps, above}, {"rope_theta", s.Theta, theta},
		{"init_std", s.InitStd, notBelow}, {"emb_scale", s.EmbScale, number},
		{"dual_sigma", s.Sigma, number}, {"dual_alpha", s.AlphaOut, number},
	} {
		if !finite(c.v) || c.is == above && c.v <= 0 || c.is == notBelow && c.v < 0 {
			return fmt.Errorf("%s is %g; it must be %sfinite in float32", c.name, c.v, c.is)
		}
	}
	return nil
}

// finite tells whether float32 can hold a number; it cannot hold NaN as one.
func finite(v float64) bool { return math.Abs(v) <= math.MaxFloat32 }

// validateBlocks checks what goes together.
func (s *Spec) validateBlocks() error {
	for i, b := range s.Blocks {
		post := b.Sites.Has(S2) && b.Sites.Has(S3)
		switch {
		case s.MLA != nil && b.Sites&headSites != 0:
			return fmt.Errorf("block %d norms %s inside the attention, which MLA's latent norms stand for; "+
				"leave the sites q, k, v and c out", i, b.Sites&headSites)
		case s.MLA != nil && s.KV != s.H:
			return fmt.Errorf("under MLA all %d heads have keys of their own; leave kv_heads at 0", s.H)
		case b.Gate == GateResidual && !post:
			return fmt.Errorf("block %d gates the residual, which needs the norms s2 and s3 after the sums; "+
				"add them or gate the stream", i)
		case s.Dual && !post:
			return fmt.Errorf("block %d has no norms s2 and s3, which a dual stream needs", i)
		case s.Norm == graph.CRMS && b.Sites&^SitesOf(AttnIn, FFNIn) != 0:
			return fmt.Errorf("block %d has norms at %s; CRMSNorm stands for LayerNorm at attn_in and ffn_in only",
				i, b.Sites&^SitesOf(AttnIn, FFNIn))
		}
	}
	if s.Norm == graph.CRMS && (s.NormGain || s.EmbNorm) {
		return fmt.Errorf("CRMSNorm has no gain and no norm on the embedding; set norm_gain false and emb_norm off")
	}
	return nil
}

// siteWidth is the row width of a norm site.
func (s *Spec) siteWidth(site Site) int {
	switch site {
	case Q, K:
		if s.QKFull {
			if site == Q {
				return s.H * s.HeadDim
			}
			return s.KV * s.HeadDim
		}
		return s.HeadDim
	case V, C:
		return s.HeadDim
	case Ctx:
		return s.headsOut()
	case FFNInner:
		return s.F
	}
	return s.D
}

// headsOut is the width of the concatenated heads.
func (s *Spec) headsOut() int {
	if s.MLA != nil {
		return s.H * s.MLA.V
	}
	return s.H * s.HeadDim
}

// normParams declares gain and bias of one norm under prefix.
func (s *Spec) normParams(sc *graph.Schema, prefix string, layer, width int) {
	if !s.NormGain {
		return
	}
	sc.AddParam(prefix+".g", layer, s.DecayNormsAndBias, width)
	if s.Norm == graph.LN {
		sc.AddParam(prefix+".b", layer, s.DecayNormsAndBias, width)
	}
}

func (s *Spec) linearParams(sc *graph.Schema, prefix string, layer, out, in int) {
	sc.AddParam(prefix+".w", layer, true, out, in)
	if s.Bias {
		sc.AddParam(prefix+".b", layer, s.DecayNormsAndBias, out)
	}
}

// Schema lists the parameters in the order data meets them. cacheB > 0 adds key/value caches for
// cacheB sequences of T tokens, which prefill and decode need.
func (s *Spec) Schema(cacheB int) *graph.Schema {
	sc := &graph.Schema{}
	sc.AddParam("emb", -1, s.DecayEmbeddings, s.V, s.D)
	if s.LearnedPositions {
		sc.AddParam("pos", -1, s.DecayEmbeddings, s.T, s.D)
	}
	if s.EmbNorm {
		s.normParams(sc, "emb", -1, s.D)
	}
	for i := range s.Blocks {
		s.blockParams(sc, i)
	}
	if s.FinalNorm {
		s.normParams(sc, "final", -1, s.D)
	}
	if !s.Tied {
		sc.AddParam("head.w", -1, true, s.V, s.D)
	}
	if s.HeadBias {
		sc.AddParam("head.b", -1, s.DecayNormsAndBias, s.V)
	}
	if cacheB > 0 {
		for i := range s.Blocks {
			if s.MLA != nil {
				sc.AddCache(fmt.Sprintf("blocks.%d.latents", i), cacheB, s.T, s.MLA.KVLora+s.MLA.Rope)
				continue
			}
			sc.AddCache(fmt.Sprintf("blocks.%d.kcache", i), cacheB, s.T, s.KV*s.HeadDim)
			sc.AddCache(fmt.Sprintf("blocks.%d.vcache", i), cacheB, s.T, s.KV*s.HeadDim)
		}
	}
	return sc
}

func (s *Spec) blockParams(sc *graph.Schema, i int) {
	p := fmt.Sprintf("blocks.%d", i)
	sites := s.Blocks[i].Sites
	norm := func(list ...Site) {
		for _, site := range list {
			if sites.Has(site) {
				s.normParams(sc, p+".norm."+site.String(), i, s.siteWidth(site))
			}
		}
	}
	norm(S1, AttnIn)
	if s.MLA != nil {
		s.latentParams(sc, i)
	} else {
		s.linearParams(sc, p+".q", i, s.H*s.HeadDim, s.D)
		s.linearParams(sc, p+".k", i, s.KV*s.HeadDim, s.D)
		s.linearParams(sc, p+".v", i, s.KV*s.HeadDim, s.D)
	}
	norm(Q, K, V, C, Ctx)
	s.linearParams(sc, p+".o", i, s.D, s.headsOut())
	norm(AttnOut, S2, FFNIn)
	if s.MoE != nil {
		s.expertParams(sc, i)
		norm(FFNInner)
	} else {
		if s.Act == SwiGLU {
			s.linearParams(sc, p+".gate", i, s.F, s.D)
		}
		s.linearParams(sc, p+".up", i, s.F, s.D)
		norm(FFNInner)
		s.linearParams(sc, p+".down", i, s.D, s.F)
	}
	norm(FFNOut, S3)
	if s.Blocks[i].Gate != GateNone {
		sc.AddGate(p+".gpas", i)
	}
}
