package ui

import (
	"slices"

	"github.com/evenkeel/evenkeel/app/chart"
)

// keptUnseen is how many runs of the folder that are on no chart keep what was read of them. A run of 10,000
// steps takes some megabytes, so that without an end a long look through a large folder would fill memory.
const keptUnseen = 16

// shed notes that a run is looked at, and forgets what was read of those that nobody has seen for longest.
// They are read again when they are wanted.
func (w *Window) shed(r *run) {
	w.lib.uses++
	r.used = w.lib.uses
	var unseen []*run
	for _, o := range w.lib.runs {
		if o.phase == metricsRead && o.job == nil && !o.shown && !o.faded && o != r && o != w.selected && o != w.runs.chosen {
			unseen = append(unseen, o)
		}
	}
	if len(unseen) <= keptUnseen {
		return
	}
	slices.SortFunc(unseen, func(a, b *run) int { return b.used - a.used })
	for _, o := range unseen[keptUnseen:] {
		o.phase, o.keys, o.series = metricsUnread, nil, map[string]*chart.Series{}
		o.samples, o.log, o.load, o.best = nil, nil, nil, nil
	}
}
