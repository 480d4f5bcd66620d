package cpu

import "github.com/evenkeel/evenkeel/model/graph"

// routeBlock is the number of tokens that one part of a router handles. A part counts its choices for
// each expert, so blocks are large enough that counts are few against choices.
const routeBlock = 128

// router is one routing op at work.
type router struct {
	graph.RouteAttr
	b                  blocks // of tokens
	logits, probs, lse []float32
	index, pos, source []int32
	offsets            []int32
	counts             []int32 // [blocks E], choices of each block; then the next place for each
	load, stats        []float32
	sums               []float64 // [blocks E+2] of p, of lse^2 and of entropies
}

// route makes choices block by block, then finds where those of each block and expert begin, blocks in
// order within an expert, and then places them, so that the order of places is that of the tokens.
func route(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.RouteAttr)
	out := op.Out
	r := &router{
		RouteAttr: at, b: blocks{at.R, routeBlock}, logits: c.f(op.In[0]), probs: c.f(out[0]),
		lse: c.f(out[2]), index: c.i(out[3]), pos: c.i(out[4]), source: c.i(out[5]),
		offsets: c.i(out[6]), load: c.f(out[7]), stats: c.f(out[8]),
	}
	n := r.b.count()
	r.counts = make([]int32, n*at.E)
	if r.load != nil {
		r.sums = make([]float64, n*(at.E+2))
	}
	gates, k := c.f(out[1]), c.d.k
	partial := append(and(nil, r.counts), regionOf(r.sums))
	c.phase(n, floats(r.logits), append(and(floats(r.probs, gates, r.lse), r.index), partial...),
		func(_, part int) {
			from, to := r.b.at(part)
			k.Route(r.probs[from*at.E:to*at.E], gates[from*at.K:to*at.K], r.lse[from:to],
				r.index[from*at.K:to*at.K], r.logits[from*at.E:to*at.E], to-from, at.E, at.K, at.Renorm)
			r.count(part, from, to)
		})
	c.phase(1, partial, append(and(floats(r.load, r.stats), r.offsets), partial...),
		func(_, _ int) { r.scan() })
	c.phase(n, and(nil, r.index), and(nil, r.pos, r.source, r.counts), func(_, part int) { r.place(part) })
}

// count counts the choices of one block and sums what the statistics need.
func (r *router) count(part, from, to int) {
	counts := r.counts[part*r.E:][:r.E]
	clear(counts)
	for _, e := range r.index[from*r.K : to*r.K] {
		counts[e]++
	}
	if r.load == nil {
		return
	}
	sums := r.sums[part*(r.E+2):][:r.E+2]
	clear(sums)
	for t := from; t < to; t++ {
		lse := float64(r.lse[t])
		logits := r.logits[t*r.E:][:r.E]
		for e, v := range r.probs[t*r.E:][:r.E] {
			p := float64(v)
			sums[e] += p
			if p != 0 {
				sums[r.E+1] += p * (lse - float64(logits[e]))
			}
		}
		sums[r.E] += lse * lse
	}
}

// scan turns counts into places and writes the statistics.
func (r *router) scan() {
	at := int32(0)
	for e := range r.E {
		r.offsets[e] = at
		for i := e; i < len(r.counts); i += r.E {
			n := r.counts[i]
			r.counts[i] = at
			at += n
		}
	}
	r.offsets[r.E] = at
	if r.load == nil {
		return
	}
	busiest, balance := 0.0, 0.0
	for e := range r.E {
		n := float64(r.offsets[e+1] - r.offsets[e])
		r.load[e] = float32(n)
		busiest = max(busiest, n)
		balance += n * r.sum(e)
	}
	r.stats[graph.StatBalance] = float32(r.Balance * balance / float64(r.R))
	r.stats[graph.StatZ] = float32(r.Z * r.sum(r.E))
	r.stats[graph.StatEntropy] = float32(r.sum(r.E+1) / float64(r.R))
	r.stats[graph.StatBusiest] = float32(busiest / float64(r.R*r.K))
}

// sum adds up entry i of the sums of all blocks.
func (r *router) sum(i int) float64 {
	s := 0.0
	for ; i < len(r.sums); i += r.E + 2 {
		s += r.sums[i]
	}
	return s
}

// place writes where the choices of one block go.
func (r *router) place(part int) {
	from, to := r.b.at(part)
	next := r.counts[part*r.E:][:r.E]
	for c := from * r.K; c < to*r.K; c++ {
		e := r.index[c]
		r.pos[c], r.source[next[e]] = next[e], int32(c)
		next[e]++
	}
}

// routeGrad is the gradient of the gates and of both auxiliary losses.
func routeGrad(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.RouteAttr)
	dgates, probs, gates, lse := c.f(op.In[0]), c.f(op.In[1]), c.f(op.In[2]), c.f(op.In[3])
	index, offsets, dlogits, k := c.i(op.In[4]), c.i(op.In[5]), c.f(op.Out[0]), c.d.k
	b := blocks{at.R, routeBlock}
	c.worker(at.E)
	c.phase(b.count(), and(floats(dgates, probs, gates, lse), index, offsets), floats(dlogits),
		func(worker, part int) {
			extra := c.scratch[worker][:at.E]
			for e := range extra {
				extra[e] = float32(at.Balance * float64(offsets[e+1]-offsets[e]) / float64(at.R))
			}
			from, to := b.at(part)
			k.RouteGrad(dlogits[from*at.E:to*at.E], dgates[from*at.K:to*at.K], probs[from*at.E:to*at.E],
				gates[from*at.K:to*at.K], lse[from:to], index[from*at.K:to*at.K], extra, to-from, at.E,
				at.K, float32(2*at.Z), at.Renorm)
		})
}
