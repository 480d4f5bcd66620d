package graph

// RouteAttr fixes a router: R tokens choose K of E experts each.
type RouteAttr struct {
	R, E, K int
	Renorm  bool // gates of a token sum to 1
	// Balance and Z are the weights of the auxiliary losses with all constants in them:
	//
	//	balance = Balance * sum_e count_e * mean_tokens(p_e), counts without gradient
	//	z       = Z * sum_tokens logsumexp(logits)^2
	Balance, Z float64
}

// Routed is what a router leaves for the ops of its experts. Token t's j-th choice is number t*K+j;
// choices in the order of their experts, and of their numbers within an expert, fill R*K places.
type Routed struct {
	Probs   *Tensor // [R E] softmax over all experts
	Gates   *Tensor // [R K] weights of the chosen, largest first
	LSE     *Tensor // [R] logsumexp of the logits
	Index   *Tensor // I32 [R K] the chosen experts; of equal scores the lower expert comes first
	Pos     *Tensor // I32 [R*K] place of each choice
	Source  *Tensor // I32 [R*K] number of the choice at each place
	Offsets *Tensor // I32 [E+1] first place of each expert, and R*K
}

// RouteStats are the entries of the metric of [Builder.Route].
const (
	StatBalance = iota // balance loss
	StatZ              // z loss
	StatEntropy        // mean over tokens of the entropy of p, nats
	StatBusiest        // share of the choices that the busiest expert got
	RouteStats
)

// Route is a router of the OLMoE style (2409.02060), dropless: p = softmax(logits), the K largest p are
// the gates. With stats, metrics named "moe_load.<stats>" [E], choices that each expert got, and
// "moe_stats.<stats>" [RouteStats] are written.
//
//	In: logits [R E]
//	Out: probs, gates, lse, index, pos, source, offsets (see Routed), load, stats (metrics or nil)
func (b *Builder) Route(site string, a RouteAttr, logits *Tensor, stats string) Routed {
	name := b.at(site)
	if a.E < 1 || a.K < 1 || a.K > a.E || a.E > MaxExperts {
		b.fail(name, "%d of %d experts cannot be chosen; there can be 1 to %d experts", a.K, a.E, MaxExperts)
	}
	b.need(name, logits, "the logits", a.R, a.E)
	r := Routed{
		Probs: b.activation(name+".probs", a.R, a.E), Gates: b.activation(name+".gates", a.R, a.K),
		LSE: b.activation(name+".lse", a.R), Index: b.indices(name+".index", a.R, a.K),
		Pos: b.indices(name+".pos", a.R*a.K), Source: b.indices(name+".source", a.R*a.K),
		Offsets: b.indices(name+".offsets", a.E+1),
	}
	var load, stat *Tensor
	if stats != "" {
		load, stat = b.metric("moe_load."+stats, a.E), b.metric("moe_stats."+stats, RouteStats)
	}
	b.emit(OpRoute, name, a, []*Tensor{logits},
		[]*Tensor{r.Probs, r.Gates, r.LSE, r.Index, r.Pos, r.Source, r.Offsets, load, stat})
	return r
}

// MaxExperts is the largest number of experts: a simdgroup of a GPU holds their logits in registers.
const MaxExperts = 256

// With dgate of the chosen as dp (through the renormalisation where there is one), dp_e += Balance *
// count_e / R, then dlogits = p*(dp - sum(p*dp)) + 2*Z*lse*p.
//
//	In: dgates, probs, gates, lse, index, offsets   Out: dlogits
func routeGradient(p *backprop, op *Op) {
	dgates := p.grad(op.Out[1])
	if p.grad(op.Out[0]) != nil || p.grad(op.Out[2]) != nil {
		p.fail(op.Name, "only the gates of a router have a gradient, not its probabilities")
	}
	if dgates == nil {
		return
	}
	dlogits := p.like(op.In[0])
	p.emit(OpRouteGrad, "d."+op.Name, op.Attr,
		[]*Tensor{dgates, op.Out[0], op.Out[1], op.Out[2], op.Out[3], op.Out[6]}, []*Tensor{dlogits})
	p.add(op.In[0], dlogits)
}
