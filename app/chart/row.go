package chart

import "math"

// Row is a figure of panels side by side under one title, legend and caption, such as the paper's
// Figure 2: gradient norm by layer at step 1 and at step 100. The title of each inner figure
// stands above its panel; legend rows of the same name appear once.
type Row struct {
	Head
	Panels []Figure
	SameY  bool // one y range for all panels, so that heights compare across them
}

// Size gives the page of an exported file in units.
func (f *Row) Size() (w, h float64) { return math.Max(720, 470*float64(len(f.Panels))), 400 }

// Plot implements Figure. A zoom in x applies to all panels, one in y to none, as their values
// may differ by orders of magnitude.
func (f *Row) Plot(st Style, v View) *Page {
	page := &Page{Title: f.Title, Caption: f.Caption, style: st}
	v.Y0, v.Y1 = 0, 0
	views := make([]View, len(f.Panels))
	for i := range views {
		views[i] = v
	}
	if f.SameY {
		shared := noExtent()
		for i, q := range f.Panels {
			for _, p := range q.Plot(st, views[i]).Panels {
				if p.Empty == "" {
					shared.add(p.Y.Min)
					shared.add(p.Y.Max)
				}
			}
		}
		for i := range views {
			if !shared.empty() {
				views[i].Y0, views[i].Y1 = shared.lo, shared.hi
			}
		}
	}
	named := map[string]bool{}
	for i, q := range f.Panels {
		inner := q.Plot(st, views[i])
		for _, p := range inner.Panels {
			if p.Title == "" {
				p.Title = inner.Title
			}
			page.Panels = append(page.Panels, p)
		}
		for _, e := range inner.Legend {
			if !named[e.Name] {
				named[e.Name] = true
				page.Legend = append(page.Legend, e)
			}
		}
		page.Caption = append(page.Caption[:len(page.Caption):len(page.Caption)], inner.Caption...)
	}
	if len(page.Panels) == 0 {
		page.Panels = []*Panel{{Empty: f.emptyText()}}
	}
	return page
}
