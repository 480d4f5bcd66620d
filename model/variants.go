package model

// Family headings of the picker.
const (
	familyHybrid   = "HybridNorm"
	familyClassic  = "Classic"
	familyRelated  = "Related systems"
	familyGPAS     = "GPAS"
	familyAblation = "HybridNorm ablations"
)

func all(sites ...Site) []Rule { return []Rule{{From: first, To: depth, Sites: SitesOf(sites...)}} }

func firstBlock(rules []Rule, sites ...Site) []Rule {
	return append(rules, Rule{From: first, To: Bound{Abs: 1}, Sites: SitesOf(sites...)})
}

// Variants is the table of norm variants; each row names its paper. The block builder, the picker, the
// block diagrams, the documentation and the tests are driven by it.
var Variants = append([]Variant{
	{
		ID: "hybrid", Title: "HybridNorm", Family: familyHybrid, Paper: "arXiv 2503.04598, eq. 6",
		Sentence: "Norms queries, keys and values inside the attention and the stream before the FFN: " +
			"Pre-Norm's easy training with Post-Norm's even gradients.",
		Equation: "Y = MHA_QKV(X) + X;  X' = FFN(Norm(Y)) + Norm(Y)",
		Weakness: "Needs the Megatron init: with Normal init the first blocks stop learning within 100 steps.",
		Rules:    all(Q, K, V, S2), FinalNorm: true, Init: InitMegatron,
	},
	{
		ID: "hybrid_star", Title: "HybridNorm*", Family: familyHybrid, Paper: "arXiv 2503.04598, eq. 7",
		Sentence: "HybridNorm whose first block is Pre-Norm with QKV-Norm; the paper's best form.",
		Equation: "block 0: Y = MHA_QKV(Norm(X)) + X;  X' = FFN(Norm(Y)) + Y;  others as HybridNorm",
		Weakness: "At high learning rates (4e-3 at laptop scale) it collapses where Pre-Norm does not.",
		Rules:    firstBlock(all(Q, K, V, S2), AttnIn, Q, K, V, FFNIn), FinalNorm: true, Init: InitMegatron,
	},
	{
		ID: "first_qkv_pre", Title: "First-QKV-Pre", Family: familyHybrid, Paper: "arXiv 2503.04598, eq. 10",
		Sentence: "HybridNorm whose first block norms the FFN input instead of the stream.",
		Equation: "block 0: Y = MHA_QKV(X) + X;  X' = FFN(Norm(Y)) + Y;  others as HybridNorm",
		Weakness: "As HybridNorm.",
		Rules:    firstBlock(all(Q, K, V, S2), Q, K, V, FFNIn), FinalNorm: true, Init: InitMegatron,
	},
	{
		ID: "embed_norm", Title: "HybridNorm + EmbedNorm", Family: familyHybrid,
		Paper:    "arXiv 2503.04598, section 5.4",
		Sentence: "HybridNorm with a norm right after the embedding.",
		Equation: "X0 = Norm(E[ids]);  blocks as HybridNorm",
		Weakness: "The one first-block treatment that did not help in the paper.",
		Rules:    all(Q, K, V, S2), EmbNorm: true, FinalNorm: true, Init: InitMegatron,
	},
	{
		ID: "hybrid_star_7b", Title: "HybridNorm* 7B form", Family: familyHybrid,
		Paper: "arXiv 2503.04598, section 5.3",
		Sentence: "HybridNorm* with an extra norm on the attention output whose gain starts small, " +
			"as used for the 7B model.",
		Equation: "Y = Norm(MHA_QKV(X)) + X, gain starts at 1/sqrt(2L);  X' = FFN(Norm(Y)) + Norm(Y)",
		Weakness: "Made for depth and width; at laptop scale it learns slowly at first.",
		Rules: []Rule{
			{
				From: first, To: depth, Sites: SitesOf(Q, K, V, S2, AttnOut),
				GainInit: map[Site]Factor{AttnOut: Rsqrt2L},
			},
			{
				From: first, To: Bound{Abs: 1}, Sites: SitesOf(AttnIn, Q, K, V, AttnOut, FFNIn),
				GainInit: map[Site]Factor{AttnOut: Rsqrt2L},
			},
		},
		FinalNorm: true, Init: InitMegatron,
	},
	{
		ID: "pre", Title: "Pre-Norm", Family: familyClassic, Paper: "Xiong 2002.04745",
		Sentence: "Norms the input of each sublayer and leaves the residual path free: the usual choice today.",
		Equation: "Y = MHA(Norm(X)) + X;  X' = FFN(Norm(Y)) + Y",
		Weakness: "Gradients shrink with depth and late blocks add little.",
		Rules:    all(AttnIn, FFNIn), FinalNorm: true, Init: InitNormal,
	},
	{
		ID: "post", Title: "Post-Norm", Family: familyClassic, Paper: "HybridNorm's code; Vaswani 1706.03762",
		Sentence: "Norms the stream itself, written as HybridNorm's code writes it: at the start of each sublayer.",
		Equation: "X = Norm(X); Y = MHA(X) + X;  Z = Norm(Y); X' = FFN(Z) + Z;  final norm",
		Weakness: "Gradients of early blocks vanish in deep stacks; needs warmup.",
		Rules:    all(S1, S2), FinalNorm: true, Init: InitMegatron,
	},
	{
		ID: "post_classic", Title: "Post-Norm, classic", Family: familyClassic, Paper: "Vaswani 1706.03762",
		Sentence: "The original transformer: norm after each residual sum.",
		Equation: "Y = Norm(MHA(X) + X);  X' = Norm(FFN(Y) + Y)",
		Weakness: "As Post-Norm; diverges at depth without warmup.",
		Rules:    all(S2, S3), FinalNorm: false, Init: InitMegatron,
	},
	{
		ID: "pre_qk", Title: "Pre-Norm + QK-Norm", Family: familyClassic, Paper: "Henry 2010.04245, Dehghani 2302.05442",
		Sentence: "Pre-Norm with queries and keys normed per head, which bounds the attention logits.",
		Equation: "Y = MHA_QK(Norm(X)) + X;  X' = FFN(Norm(Y)) + Y",
		Weakness: "As Pre-Norm, but stable at higher learning rates.",
		Rules:    all(AttnIn, Q, K, FFNIn), FinalNorm: true, Init: InitNormal,
	},
	{
		ID: "mix_ln", Title: "Mix-LN", Family: familyRelated, Paper: "Li 2412.13795",
		Sentence: "Post-Norm in the first quarter of the blocks, Pre-Norm in the rest.",
		Equation: "block < L/4: X' = Norm(F(X) + X);  others: X' = F(Norm(X)) + X",
		Weakness: "Sensitive to where the border lies.",
		Rules: []Rule{
			{From: first, To: depth, Sites: SitesOf(AttnIn, FFNIn)},
			{From: first, To: Bound{Num: 1, Den: 4}, Sites: SitesOf(S2, S3)},
		},
		FinalNorm: true, Init: InitNormal,
	},
	{
		ID: "deepnorm", Title: "DeepNorm", Family: familyRelated, Paper: "Wang 2203.00555",
		Sentence: "Post-Norm with the residual scaled up and the branch weights scaled down by depth.",
		Equation: "X' = Norm((2L)^1/4 X + F(X)), branch weights start at (8L)^-1/4",
		Weakness: "Early learning is slow; the scales assume a fixed depth.",
		Rules:    []Rule{{From: first, To: depth, Sites: SitesOf(S2, S3), Alpha: DeepNormAlpha}},
		Init:     InitDeepNorm,
	},
	{
		ID: "sandwich", Title: "Sandwich-LN", Family: familyRelated, Paper: "CogView 2105.13290, Gemma 2",
		Sentence: "Norms the input and the output of each branch; the residual path stays free.",
		Equation: "X' = Norm(F(Norm(X))) + X",
		Weakness: "Branches all add unit size, so early blocks dominate less than in Pre-Norm but cost two norms.",
		Rules:    all(AttnIn, AttnOut, FFNIn, FFNOut), FinalNorm: true, Init: InitNormal,
	},
	{
		ID: "peri_ln", Title: "Peri-LN", Family: familyRelated, Paper: "Kim 2502.02732",
		Sentence: "Sandwich-LN with a norm on the embedding as well.",
		Equation: "X0 = Norm(E[ids]);  X' = Norm(F(Norm(X))) + X",
		Weakness: "As Sandwich-LN.",
		Rules:    all(AttnIn, AttnOut, FFNIn, FFNOut), EmbNorm: true, FinalNorm: true, Init: InitNormal,
	},
	{
		ID: "output_norm", Title: "OutputNorm (OLMo 2)", Family: familyRelated, Paper: "OLMo 2 2501.00656",
		Sentence: "Norms only the output of each branch.",
		Equation: "X' = Norm(F(X)) + X",
		Weakness: "The branch input is not normed: relies on QK-Norm at scale.",
		Rules:    all(AttnOut, FFNOut), FinalNorm: true, Init: InitNormal,
	},
	{
		ID: "magneto", Title: "Magneto (Sub-LN)", Family: familyRelated, Paper: "Wang 2210.06423",
		Sentence: "LayerNorm at the input and in the middle of each branch, with a depth-scaled start.",
		Equation: "Y = Wo LN(Attn(LN(X))) + X;  X' = Wdown LN(gelu(Wup LN(Y))) + Y",
		Weakness: "Four norms a block, one of them as wide as the FFN.",
		Rules:    all(AttnIn, Ctx, FFNIn, FFNInner), FinalNorm: true, Init: InitMagneto,
		Norm: "ln", Act: "gelu", Bias: true,
	},
	{
		ID: "lns", Title: "LayerNorm Scaling", Family: familyRelated, Paper: "Sun 2502.05795",
		Sentence:  "Pre-Norm whose norm outputs shrink with depth, so that late blocks do not blow up the variance.",
		Equation:  "X' = F(Norm(X)/sqrt(l)) + X, l the block's number from 1",
		Weakness:  "Not to be combined with a depth-scaled init.",
		Rules:     []Rule{{From: first, To: depth, Sites: SitesOf(AttnIn, FFNIn), InScale: RsqrtDepth}},
		FinalNorm: true, Init: InitNormal,
	},
	{
		ID: "residual", Title: "ResiDual", Family: familyRelated, Paper: "Xie 2304.14802",
		Sentence: "Post-Norm with a second stream that adds every branch up unnormed and is normed once at the end.",
		Equation: "Y = Norm(X + F(X));  D' = D + F(X);  output X_L + Norm(D_L)",
		Weakness: "Two streams of memory; the sum of branches can outgrow 16-bit floats.",
		Rules:    all(S2, S3), FinalNorm: true, Init: InitXavier,
		Norm: "ln", Act: "relu", Bias: true, Dual: true, EmbSqrtD: true, FinalEps: 1e-7,
	},
	{
		ID: "pre_rms", Title: "Pre-RMSNorm (equals Pre-LN)", Family: familyRelated, Paper: "Jiang 2305.14858",
		Sentence: "Pre-LN written with RMSNorm: embedding and branches are re-centred, so both norms agree.",
		Equation: "Y = C(MHA(RMS(X))) + X;  X' = C(FFN(RMS(Y))) + Y,  C(f) = f - mean(f)",
		Weakness: "As Pre-Norm; the means are taken in the forward pass here.",
		Rules:    all(AttnIn, FFNIn), FinalNorm: true, Init: InitNormal, Norm: "rms", Recenter: true,
	},
	{
		ID: "pre_crms", Title: "Pre-CRMSNorm (equals Pre-LN)", Family: familyRelated, Paper: "Jiang 2305.14858",
		Sentence: "Pre-RMSNorm on a stream without its last element, which the others give: width d-1.",
		Equation: "r = ((sum x^2 + (sum x)^2)/d + eps)^-1/2;  Y = MHA(x r) + x;  X' = FFN(y r) + Y",
		Weakness: "An odd width is slower, and Adam walks other paths than under Pre-LN.",
		Rules:    all(AttnIn, FFNIn), FinalNorm: true, Init: InitNormal, Norm: "crms",
	},
}, append(gpasRows, append(crossRows, ablations()...)...)...)

// crossRows mix the two places of a norm without QKV-Norm: the paper's appendix G.
var crossRows = []Variant{
	{
		ID: "pre_post", Title: "Pre-Post", Family: familyAblation, Paper: "arXiv 2503.04598, eq. 57-58",
		Sentence: "Pre-Norm in the attention, Post-Norm in the FFN, no QKV-Norm.",
		Equation: "Y = MHA(Norm(X)) + X;  X' = FFN(Norm(Y)) + Norm(Y)",
		Weakness: "Between Pre-Norm and HybridNorm in the paper's ablation.",
		Rules:    all(AttnIn, S2), FinalNorm: true, Init: InitMegatron,
	},
	{
		ID: "post_pre", Title: "Post-Pre", Family: familyAblation, Paper: "arXiv 2503.04598, eq. 59-60",
		Sentence: "Post-Norm in the attention, Pre-Norm in the FFN.",
		Equation: "X = Norm(X); Y = MHA(X) + X;  X' = FFN(Norm(Y)) + Y",
		Weakness: "No better than Pre-Norm in the paper's ablation.",
		Rules:    all(S1, FFNIn), FinalNorm: true, Init: InitMegatron,
	},
}

// gpasRows are the base rows with GPAS, as its code pairs them.
var gpasRows = []Variant{
	gpas("gpas_pre", "GPAS on Pre-Norm", InitNormal, streamGate(all(AttnIn, FFNIn)...)),
	gpas("gpas_sandwich", "GPAS on Sandwich-LN", InitNormal, streamGate(all(AttnIn, AttnOut, FFNIn, FFNOut)...)),
	gpas("gpas_lns", "GPAS on LayerNorm Scaling", InitNormal,
		Rule{From: first, To: depth, Sites: SitesOf(AttnIn, FFNIn), InScale: RsqrtDepth, Gate: GateStream}),
	gpas("gpas_post", "GPAS on Post-Norm", InitMegatron,
		Rule{From: first, To: depth, Sites: SitesOf(S2, S3), Gate: GateResidual}),
	gpas("gpas_deepnorm", "GPAS on DeepNorm", InitNormal,
		Rule{From: first, To: depth, Sites: SitesOf(S2, S3), Alpha: DeepNormAlpha, Gate: GateResidual}),
	gpas("gpas_mix_ln", "GPAS on Mix-LN", InitNormal,
		Rule{From: first, To: depth, Sites: SitesOf(AttnIn, FFNIn), Gate: GateStream},
		Rule{From: first, To: Bound{Num: 1, Den: 4}, Sites: SitesOf(S2, S3), Gate: GateResidual}),
}

func streamGate(rules ...Rule) Rule {
	rules[0].Gate = GateStream
	return rules[0]
}

// gpas writes a row of GPAS. Its code starts DeepNorm without DeepNorm's own init, and keeps the final
// norm everywhere.
func gpas(id, title, init string, rules ...Rule) Variant {
	v := Variant{
		ID: id, Title: title, Family: familyGPAS, Paper: "Chen 2506.22049", Rules: rules, FinalNorm: true, Init: init,
		Sentence: "Scales the stream after each sum by a learned factor that gradients do not see.",
		Equation: "X' = X + F(X) - silu(g) sg(X + F(X)),  g a number for each block, 0 at the start",
		Weakness: "Gates can jump early in large models; clip their norm apart (max_gate 0.01 in the paper).",
	}
	if len(rules) > 1 {
		v.Sentence = "Post blocks scale the residual before each sum, Pre blocks the stream after it, by a learned factor " +
			"that gradients do not see."
		v.Equation = "block < L/4: X' = Norm(X - silu(g) sg(X) + F(X));  others: X' = Y - silu(g) sg(Y), Y = X + F(Norm(X))"
	} else if rules[0].Gate == GateResidual {
		v.Sentence = "Scales the residual before each sum by a learned factor that gradients do not see."
		v.Equation = "X' = Norm(alpha (X - silu(g) sg(X)) + F(X)),  g a number for each block, 0 at the start"
	}
	return v
}

// ablations writes the rows of the paper's appendix G: norms on a choice of queries, keys, values and
// context, with four treatments of the stream.
func ablations() []Variant {
	heads := []struct {
		id, title string
		sites     []Site
	}{
		{"qkvc", "QKVC", []Site{Q, K, V, C}},
		{"qkc", "QKC", []Site{Q, K, C}},
		{"qkv", "QKV", []Site{Q, K, V}},
		{"qk", "QK", []Site{Q, K}},
		{"kv", "KV", []Site{K, V}},
		{"kc", "KC", []Site{K, C}},
	}
	forms := []struct {
		pre, post, title, equation, eqs string
		sites                           []Site
	}{
		{"", "_post", "%s-Post", "Y = MHA_%s(X) + X;  X' = FFN(Norm(Y)) + Norm(Y)", "49-50", []Site{S2}},
		{"", "_pre", "%s-Pre", "Y = MHA_%s(X) + X;  X' = FFN(Norm(Y)) + Y", "51-52", []Site{FFNIn}},
		{"pre_", "_post", "Pre-%s-Post", "Y = MHA_%s(Norm(X)) + X;  X' = FFN(Norm(Y)) + Norm(Y)", "53-54", []Site{AttnIn, S2}},
		{"pre_", "_pre", "Pre-%s-Pre", "Y = MHA_%s(Norm(X)) + X;  X' = FFN(Norm(Y)) + Y", "55-56", []Site{AttnIn, FFNIn}},
	}
	var rows []Variant
	for _, f := range forms {
		for _, h := range heads {
			id := f.pre + h.id + f.post
			if id == "qkv_post" || id == "pre_qk_pre" {
				continue // HybridNorm and Pre-Norm + QK-Norm, above
			}
			weakness := "An ablation row: the paper trains it at 550M only."
			if id == "qk_post" {
				weakness = "Diverged in the paper's ablation."
			}
			rows = append(rows, Variant{
				ID: id, Title: fill(f.title, h.title), Family: familyAblation,
				Paper:    "arXiv 2503.04598, eq. " + f.eqs,
				Sentence: "Ablation: norms " + spell(h.sites) + " inside the attention; " + streamWords(f.sites) + ".",
				Equation: fill(f.equation, h.title), Weakness: weakness,
				Rules: all(append(append([]Site(nil), f.sites...), h.sites...)...), FinalNorm: true, Init: InitMegatron,
			})
		}
	}
	return rows
}
