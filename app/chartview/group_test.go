package chartview

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/app/chart"
)

// gated is a figure that is drawn when its gate lets it.
type gated struct {
	chart.Lines
	gate chan struct{}
}

func (g *gated) Plot(st chart.Style, v chart.View) *chart.Page {
	<-g.gate
	return g.Lines.Plot(st, v)
}

// TestGroupPresentsTogether holds back the frame of one chart until that of the other is there, tells once,
// and is not held up by a chart that draws without end.
func TestGroupPresentsTogether(t *testing.T) {
	h := &harness{t: t, queue: make(chan func(), 1000)}
	app := test.NewTempApp(t)
	var figures [2]*gated
	var charts [2]*Chart
	told := 0
	g := &Group{Presented: func() { told++ }}
	for i := range charts {
		figures[i] = &gated{Lines: *falling(10), gate: make(chan struct{}, 10)}
		charts[i] = New(func(f func()) { h.queue <- f })
		charts[i].SetFigure(figures[i])
	}
	g.Add(charts[:]...)
	w := app.NewWindow("charts")
	w.SetContent(container.NewGridWithRows(2, charts[0], charts[1]))
	w.Resize(fyne.NewSize(600, 400))
	t.Cleanup(w.Close)
	a, b := charts[0], charts[1]
	drawn := func(c *Chart, f *gated) { // lets one frame be drawn, and runs what was dispatched
		n := c.answered
		f.gate <- struct{}{}
		h.until("a frame", func() bool { return c.answered > n })
	}
	expect := func(when string, wantTold int, wantDrawing bool) {
		t.Helper()
		if told != wantTold || g.Drawing() != wantDrawing {
			t.Fatalf("%s: told %d times, want %d; drawing %v, want %v", when, told, wantTold, g.Drawing(), wantDrawing)
		}
	}
	expect("before the first painting", 0, false)
	w.Canvas().Capture() // both ask for a frame
	expect("asked", 0, true)
	drawn(a, figures[0])
	expect("one of two is drawn", 0, true)
	drawn(b, figures[1])
	expect("both are drawn", 1, false)

	w.Canvas().Capture()
	a.Refresh()
	expect("one asks alone", 1, true)
	drawn(a, figures[0])
	expect("and does not wait for the other", 2, false)

	w.Canvas().Capture()
	a.Refresh()
	b.Refresh()
	drawn(a, figures[0])
	w.Canvas().Capture()
	a.Refresh()
	expect("one draws again before the other has", 2, true)
	drawn(b, figures[1])
	expect("its frame of before is not waited for", 3, true)
	drawn(a, figures[0])
	expect("at the end", 4, false)
}
