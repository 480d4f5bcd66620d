package ui

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
)

// layerMetric is a choice of the gradients tab: a value of each block, or of each expert of a block.
type layerMetric struct {
	title string
	label func(*run) string
	key   func(layer int) string // nil: the load of experts
	moe   bool                   // of models with experts only
}

func fixed(label string) func(*run) string { return func(*run) string { return label } }

// layerMetrics are the choices; those of experts come last.
var layerMetrics = []layerMetric{
	{"Gradient norm", fixed("gradient norm (L2)"), trainer.KeyLayerNorm, false},
	{"Activation size", fixed("RMS of the stream"), trainer.KeyActRMS, false},
	{"Largest attention logit", fixed("largest scaled logit"), trainer.KeyAttnTop, false},
	{"Load of experts", even("share of choices", func(n int) float64 { return 1 / float64(n) }), nil, true},
	{"Busiest expert", even("share of choices", func(n int) float64 { return 1 / float64(n) }), trainer.KeyMoEBusiest, true},
	{"Router entropy", even("entropy (nats)", func(n int) float64 { return math.Log(float64(n)) }), trainer.KeyMoEEntropy, true},
}

// even names a metric with the value it has when all experts are used alike.
func even(label string, of func(experts int) float64) func(*run) string {
	return func(r *run) string {
		if r == nil || r.cfg.Model.Experts < 1 {
			return label
		}
		return fmt.Sprintf("%s, even: %s", label, chart.FormatValue(of(r.cfg.Model.Experts)))
	}
}

// has tells whether a run has the metric.
func (m *layerMetric) has(r *run) bool { return r != nil && (!m.moe || r.cfg.Model.Experts > 0) }

// series gives a run's series of the metric: by block, or by expert of the given block.
func (m *layerMetric) series(r *run, block int) []*chart.Series {
	if m.key == nil {
		return r.shares(block)
	}
	all := make([]*chart.Series, r.cfg.Model.Layers)
	for i := range all {
		all[i] = r.series[m.key(i)]
	}
	return all
}

// shares gives, for each expert of a block, the part of a step's choices that it got. They are made from the
// counts once and then follow them.
func (r *run) shares(block int) []*chart.Series {
	m := &r.cfg.Model
	if block >= m.Layers {
		return nil
	}
	if r.load == nil {
		r.load = map[int][]*chart.Series{}
	}
	for len(r.load[block]) < m.Experts {
		r.load[block] = append(r.load[block], chart.NewSeries())
	}
	all := float64(r.cfg.Batch * m.Seq * m.TopK)
	for e, share := range r.load[block] {
		counts := r.series[trainer.KeyMoELoad(block, e)]
		if counts == nil {
			continue
		}
		x, n := counts.Points()
		if share.Len() > len(x) { // the run was read anew
			share = chart.NewSeries()
			r.load[block][e] = share
		}
		for i := share.Len(); i < len(x); i++ {
			share.Append(x[i], n[i]/all)
		}
	}
	return r.load[block]
}
