package cli

import (
	"fmt"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// expertsFigure shows, for each run, how evenly its routers use the experts: the share of the choices
// that the busiest expert of each block got, and the share of every expert of the last block.
func expertsFigure(list []*recorded, o chartOptions, head chart.Head) chart.Figure {
	head.Title = "Load of the experts"
	row := &chart.Row{Head: head}
	for _, r := range list {
		m := &r.cfg.Model
		busiest := &chart.LayerLines{
			Head:   chart.Head{Title: r.title() + ": busiest expert of each block"},
			XLabel: "step", YLabel: fmt.Sprintf("share of choices (even: %.3g)", 1/float64(m.Experts)),
			XMax: float64(r.cfg.Steps), LogX: o.logX, LogY: o.logY, Smooth: o.smooth,
		}
		for i := range m.Layers {
			busiest.Layers = append(busiest.Layers, r.series(trainer.KeyMoEBusiest(i)))
		}
		load := &chart.HeatMap{
			Head:       chart.Head{Title: fmt.Sprintf("%s: experts of block %d", r.title(), m.Layers-1)},
			ValueLabel: "share of choices", YLabel: "expert", XMax: float64(r.cfg.Steps), LogX: o.logX,
		}
		for e := range m.Experts {
			load.Layers = append(load.Layers, r.share(m.Layers-1, e))
		}
		row.Panels = append(row.Panels, busiest, load)
	}
	return row
}

// share is the part of a step's choices in a block that an expert got.
func (r *recorded) share(block, expert int) *chart.Series {
	m := &r.cfg.Model
	all := float64(r.cfg.Batch * m.Seq * m.TopK)
	s := chart.NewSeries()
	for i, v := range r.metrics.Column(trainer.KeyMoELoad(block, expert)) {
		if !runs.IsMissing(v) {
			s.Append(float64(r.metrics.Steps[i]), float64(v)/all)
		}
	}
	return s
}
