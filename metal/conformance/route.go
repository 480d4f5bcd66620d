package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

// ladder fills rows of E logits so that no two of a row nearly tie: a random order of rungs step apart,
// each moved by at most a quarter step. All are at least 0, so that absolute values change nothing.
func ladder(E int, step float64) Fill {
	return func(r *Rand, dst []float32) {
		rungs := make([]int, E)
		for ; len(dst) > 0; dst = dst[E:] {
			for i := range rungs {
				j := r.below(i + 1)
				rungs[i], rungs[j] = rungs[j], i
			}
			for i, rung := range rungs {
				dst[i] = float32(step * (float64(rung) + 0.25 + 0.25*r.uniform()))
			}
		}
	}
}

// lifted adds v to one column of rows of E.
func lifted(f Fill, E, column int, v float32) Fill {
	return func(r *Rand, dst []float32) {
		f(r, dst)
		for i := column; i < len(dst); i += E {
			dst[i] += v
		}
	}
}

// levels are multiples of a half, so that most rows have several ties.
func levels(r *Rand, dst []float32) {
	for i := range dst {
		dst[i] = float32(r.below(3)) / 2
	}
}

// routing makes the logits of E experts by name.
func routing(name string, E int) Fill {
	f := ladder(E, 10/float64(E+10))
	switch name {
	case "ladder":
		return f
	case "one": // every token's first choice
		return lifted(f, E, E/2, 20)
	case "hole": // no token's choice, if there are others
		return lifted(f, E, E/2, -40)
	case "large":
		return lifted(f, E, E/2, 300)
	case "equal":
		return constant(0.5)
	case "levels":
		return levels
	}
	panic("there is no routing " + name)
}

// choice is a router's case.
type choice struct {
	R, E, K int
	renorm  bool
	logits  string
	stats   bool
}

func (c choice) String() string {
	return fmt.Sprintf("R%d E%d K%d renorm %t %s stats %t", c.R, c.E, c.K, c.renorm, c.logits, c.stats)
}

func (c choice) attr() graph.RouteAttr {
	return graph.RouteAttr{
		R: c.R, E: c.E, K: c.K, Renorm: c.renorm,
		Balance: 0.5 * float64(c.E) / float64(c.R*c.K), Z: 0.1 / float64(c.R),
	}
}

func (c choice) choices() graph.ChoicesAttr { return graph.ChoicesAttr{R: c.R, K: c.K} }

func (c choice) param() Param {
	return Param{Name: "logits", Shape: []int{c.R, c.E}, Value: routing(c.logits, c.E)}
}

// route writes the router and keeps what it computed.
func (c choice) route(b *graph.Builder) graph.Routed {
	stats := ""
	if c.stats {
		stats = "0"
	}
	r := b.Route("route", c.attr(), feed(b, "logits"), stats)
	b.Keep("probs", r.Probs)
	b.Keep("gates", r.Gates)
	b.Keep("lse", r.LSE)
	return r
}

// routedLimits: the entropy and the share of the busiest may be next to 0.
var routedLimits = Limits{Output: relative, Grad: gradient, Metric: Limit{Abs: 1e-5, Rel: 2e-5}}

func routeCases() []Case {
	var cs []Case
	for i, c := range []choice{
		{R: 1, E: 1, K: 1}, {R: 65, E: 1, K: 1}, {R: 1, E: 2, K: 1}, {R: 7, E: 2, K: 2}, {R: 63, E: 5, K: 5},
		{R: 31, E: 7, K: 1}, {R: 33, E: 8, K: 2}, {R: 97, E: 31, K: 3}, {R: 63, E: 32, K: 4}, {R: 65, E: 33, K: 5},
		{R: 128, E: 64, K: 8}, {R: 1, E: 65, K: 65}, {R: 257, E: 4, K: 2}, {R: 4097, E: 3, K: 1},
		{R: 65, E: 256, K: 8}, {R: 3, E: 256, K: 256}, {R: 63, E: 255, K: 1}, {R: 520, E: 127, K: 6},
	} {
		c.logits = "ladder"
		for _, c.renorm = range []bool{false, true} {
			c.stats = i%3 != 2
			cs = append(cs, c.make())
		}
	}
	for _, logits := range []string{"one", "hole", "large", "equal", "levels"} {
		for i, size := range [][2]int{{4, 1}, {13, 3}, {64, 8}, {256, 8}, {6, 6}} {
			cs = append(cs, choice{R: 65, E: size[0], K: size[1], renorm: i%2 == 0, logits: logits, stats: true}.make())
		}
	}
	return append(cs, poisoned())
}

func routeGradCases() []Case {
	var cs []Case
	for i, k := range []int{1, 2, 3, 5} {
		for _, renorm := range []bool{false, true} {
			cs = append(cs, choice{R: 4, E: 5, K: k, renorm: renorm, logits: "ladder", stats: i != 9}.make())
		}
	}
	return cs
}

// make is a router whose experts pass rows on as they are. The gathered rows show every place.
func (c choice) make() Case {
	const D = 3
	k := Case{
		Op:   graph.OpRoute,
		Name: c.String(),
		Params: []Param{
			{Name: "x", Shape: []int{c.R, D}, Value: normal(1)},
			c.param(),
			head(D),
		},
		Limits: routedLimits,
	}
	if c.logits == "large" { // differences of logits about 300 are only known to 3e-5
		k.Limits.Output, k.Limits.Grad = Limit{Abs: 1e-4, Rel: 2e-6}, Limit{Abs: 1e-5, Max: 2e-4}
	}
	k.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		r := c.route(b)
		rows := b.Gather("gather", c.choices(), feed(b, "x"), r)
		b.Keep("rows", rows)
		y := b.Combine("combine", c.choices(), rows, r)
		b.Keep("y", y)
		score(b, y, 0.1)
	}}
	return k
}

// poisoned has a NaN among the logits of one token. With every expert chosen all devices agree on the
// load; none may choose an expert twice or leave the tables.
func poisoned() Case {
	c := choice{R: 5, E: 6, K: 6, logits: "ladder", stats: true}
	k := Case{
		Op:   graph.OpRoute,
		Name: "NaN " + c.String(),
		Params: []Param{
			{Name: "x", Shape: []int{c.R, 1}, Value: constant(2)},
			{Name: "logits", Shape: []int{c.R, c.E}, Value: with(ladder(c.E, 1), 14, nan)},
		},
		Limits: routedLimits,
	}
	k.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		r := b.Route("route", c.attr(), feed(b, "logits"), "0")
		rows := b.Gather("gather", c.choices(), feed(b, "x"), r)
		b.Keep("rows", rows)
		b.Keep("y", b.Combine("combine", c.choices(), rows, r))
	}}
	return k
}
