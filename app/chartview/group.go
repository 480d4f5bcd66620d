package chartview

// Group hands over the frames of several charts at the same moment. A window is painted as a whole whatever
// changed in it, so that frames which arrive one after another would each cost a painting of everything.
// Its methods and fields are for the UI goroutine.
type Group struct {
	Presented func() // the canvas has new frames; nil: nobody is told

	charts []*Chart
}

// Add makes charts part of the group; a chart is part of one group at most.
func (g *Group) Add(charts ...*Chart) {
	for _, c := range charts {
		c.group = g
	}
	g.charts = append(g.charts, charts...)
}

// Drawing reports whether a frame that was asked for has still to be presented.
func (g *Group) Drawing() bool {
	for _, c := range g.charts {
		if c.drawing() || c.ready {
			return true
		}
	}
	return false
}

// present waits for the frames that are still drawn, but not for another of a chart that has one ready: a
// chart that draws without end would hold up the others.
func (g *Group) present() {
	for _, c := range g.charts {
		if c.drawing() && !c.ready {
			return
		}
	}
	for _, c := range g.charts {
		if c.ready {
			c.offer()
		}
	}
	if g.Presented != nil {
		g.Presented()
	}
}
