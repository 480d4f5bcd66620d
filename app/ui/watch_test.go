package ui

import (
	"math"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/chartview"
	"github.com/evenkeel/evenkeel/trainer"
)

// moeConfig is a small model with experts.
func moeConfig() trainer.Config {
	c := pictureConfig()
	c.Model.Experts, c.Model.TopK, c.Model.FFN = 8, 2, 64
	return c
}

// TestLossAxes switches both axes, and reads every metric.
func TestLossAxes(t *testing.T) {
	f := newFixture(t, Dark)
	r := f.run("pre", 60)
	lines := func() *chart.Lines { return f.loss.view.Figure().(*chart.Lines) }
	if l := lines(); l.LogX || l.LogY || len(l.Lines) != 2 || len(l.References) != 1 || l.Smooth == 0 {
		t.Errorf("the loss is shown as %+v", l)
	}
	f.loss.logX.SetChecked(true)
	f.loss.logY.SetChecked(true)
	if l := lines(); !l.LogX || !l.LogY {
		t.Error("the axes are not logarithmic")
	}
	for i, m := range metrics {
		f.loss.metric.SetSelectedIndex(i)
		if l := lines(); l.Title != m.title || l.Lines[0].Series != r.series[m.key] {
			t.Errorf("%s is shown as %q", m.key, l.Title)
		}
	}
}

// TestFigure2InOneClick: the button shows steps 1 and 100 of all runs side by side, and takes that back.
func TestFigure2InOneClick(t *testing.T) {
	f := newFixture(t, Dark)
	a := f.run("hybrid_star", 120)
	f.run("post", 57)
	f.tabs.SelectIndex(tabGradients)
	test.Tap(f.grad.both)
	row, ok := f.grad.over.Figure().(*chart.Row)
	if !ok || len(row.Panels) != 2 {
		t.Fatalf("one click shows %T", f.grad.over.Figure())
	}
	for i, step := range []int{1, 100} {
		p := row.Panels[i].(*chart.Bars)
		_, y := a.series[trainer.KeyLayerNorm(2)].Points()
		if len(p.Groups) != 2 || p.Groups[0].Values[2] != y[step-1] {
			t.Errorf("panel %q shows %+v", p.Title, p.Groups)
		}
	}
	if title := row.Panels[1].(*chart.Bars).Title; title != "step 100" {
		t.Errorf("the second panel is called %q", title)
	}
	f.showRun(a, false)
	row = f.grad.over.Figure().(*chart.Row)
	if title := row.Panels[1].(*chart.Bars).Title; title != "step 57, on the way to 100" {
		t.Errorf("with a run of 57 steps alone the second panel is called %q", title)
	}
	if f.grad.lower.Visible() || len(f.shownCharts()) != 1 || f.shownCharts()[0].stem() != "gradient-norm-at-steps-1-and-100" {
		t.Error("the lower chart is still there")
	}
	test.Tap(f.grad.both)
	if _, ok := f.grad.over.Figure().(*chart.LayerLines); !ok || !f.grad.lower.Visible() {
		t.Errorf("the second click shows %T", f.grad.over.Figure())
	}
}

// TestRouters shows what the routers of a model with experts do, and offers nothing of it for a dense one.
func TestRouters(t *testing.T) {
	f := newFixture(t, Dark)
	f.run("pre", 20)
	f.tabs.SelectIndex(tabGradients)
	if slices.Contains(f.grad.metric.Options, "Load of experts") {
		t.Error("a dense run has a load of experts")
	}
	f.useConfig(moeConfig())
	f.setup.setVariant("pre")
	j := f.started()
	j.steps(50)
	f.loop.until(t, "50 steps", func() bool { return f.current.snap.Step == 50 && f.current.series[trainer.KeyLoss].Len() == 50 })
	r := f.current
	f.selectRun(r)
	f.grad.metric.SetSelected("Load of experts")
	if got := strings.Join(f.grad.form.Options, ","); got != "Block 0,Block 1,Block 2,Block 3" {
		t.Fatalf("the blocks are %s", got)
	}
	f.grad.form.SetSelected("Block 2")
	m, ok := f.grad.over.Figure().(*chart.HeatMap)
	if !ok || len(m.Layers) != 8 || m.YLabel != "expert" {
		t.Fatalf("the load is shown as %+v", f.grad.over.Figure())
	}
	sum := 0.0
	for _, s := range m.Layers {
		_, v, _ := s.Last()
		sum += v
	}
	if math.Abs(sum-1) > 1e-5 || m.Layers[0].Len() != 50 {
		t.Errorf("the shares of a step sum to %v", sum)
	}
	bars := f.grad.at.Figure().(*chart.Bars)
	if len(bars.Groups) != 1 || len(bars.Groups[0].Values) != 8 || bars.XLabel != "expert" {
		t.Errorf("the bars are %+v", bars.Groups)
	}
	j.steps(10)
	f.loop.until(t, "60 steps", func() bool { return m.Layers[0].Len() == 60 })
	for _, metric := range []struct{ title, even string }{{"Busiest expert", "0.125"}, {"Router entropy", "2.079"}} {
		f.grad.metric.SetSelected(metric.title)
		l, ok := f.grad.over.Figure().(*chart.LayerLines)
		if !ok || len(l.Layers) != 4 || l.Layers[3].Len() == 0 || !strings.Contains(l.YLabel, "even: "+metric.even) {
			t.Errorf("%s is shown as %+v", metric.title, f.grad.over.Figure())
		}
	}
	f.selectRun(f.session[0])
	if f.grad.metric.Selected != layerMetrics[0].title || slices.Contains(f.grad.metric.Options, "Router entropy") {
		t.Errorf("back at a dense run the metric is %s of %v", f.grad.metric.Selected, f.grad.metric.Options)
	}
}

// TestOnlyTheVisibleTabDraws counts frames of charts while data arrive.
func TestOnlyTheVisibleTabDraws(t *testing.T) {
	f := newFixture(t, Dark)
	f.win.Resize(fyne.NewSize(900, 560))
	j := f.started()
	j.steps(10)
	f.waitFor(Running)
	all := []*chartview.Chart{f.loss.view, f.grad.over, f.grad.at}
	for _, c := range []struct {
		tab     int
		figure2 bool
		visible []bool
	}{
		{tabLoss, false, []bool{true, false, false}}, {tabGradients, false, []bool{false, true, true}},
		{tabGradients, true, []bool{false, true, false}}, {tabLog, true, []bool{false, false, false}},
	} {
		f.tabs.SelectIndex(c.tab)
		f.grad.showFigure2(c.figure2)
		f.redraw()
		f.settle()
		before := make([]int, len(all))
		for i, v := range all {
			before[i] = v.Frames()
		}
		f.redraw()
		f.repaint()
		f.settle()
		for i, v := range all {
			if drew := v.Frames() > before[i]; drew != c.visible[i] {
				t.Errorf("tab %d, figure 2 %v: chart %d drew: %v", c.tab, c.figure2, i, drew)
			}
		}
	}
}

// TestChartsAnswer hovers, zooms, follows, fits and taps the legend in every view.
func TestChartsAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing charts is slow under the race detector")
	}
	f := newFixture(t, Dark)
	f.win.Resize(fyne.NewSize(900, 560)) // smaller pictures are drawn sooner
	f.run("hybrid_star", 150)
	f.useConfig(moeConfig())
	r := f.run("post", 150)
	f.selectRun(r)
	set := func(metric, form string, figure2 bool) func() {
		return func() {
			f.tabs.SelectIndex(tabGradients)
			f.grad.metric.SetSelected(metric)
			f.grad.form.SetSelected(form)
			f.grad.showFigure2(figure2)
			f.redraw()
		}
	}
	for _, c := range []struct {
		name   string
		open   func()
		view   *chartview.Chart
		at     float32 // share of the width to hover
		reads  string  // part of the read-out
		follow bool    // of steps
		legend bool
	}{
		{"loss", func() { f.tabs.SelectIndex(tabLoss) }, f.loss.view, 0.3, r.title, true, true},
		{"gradient lines", set("Gradient norm", formLines, false), f.grad.over, 0.3, "block 2", true, false},
		{"gradient map", set("Gradient norm", formMap, false), f.grad.over, 0.3, "block ", true, false},
		{"gradient bars", set("Gradient norm", formLines, false), f.grad.at, 0.3, r.title, false, true},
		{"Figure 2", set("Gradient norm", formLines, true), f.grad.over, 0.8, r.title, false, true},
		{"activations", set("Activation size", formLines, false), f.grad.over, 0.3, "block 1", true, false},
		{"logits", set("Largest attention logit", formLines, false), f.grad.over, 0.3, "block 1", true, false},
		{"load", set("Load of experts", "Block 1", false), f.grad.over, 0.3, "expert ", true, false},
		{"load bars", set("Load of experts", "Block 1", false), f.grad.at, 0.3, r.title, false, true},
		{"entropy", set("Router entropy", formLines, false), f.grad.over, 0.3, "block 1", true, false},
	} {
		c.open()
		f.settle()
		s := c.view.Size()
		at := fyne.NewPos(s.Width*c.at, s.Height*0.5)
		c.view.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: at}})
		if !strings.Contains(c.view.Readout(), c.reads) {
			t.Errorf("%s: the read-out says %q, want %q in it", c.name, c.view.Readout(), c.reads)
		}
		c.view.Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: at}, Scrolled: fyne.NewDelta(0, 40)})
		if !c.view.View().Zoomed() {
			t.Errorf("%s: scrolling does not zoom", c.name)
		}
		f.fit()
		if c.view.View().Zoomed() {
			t.Errorf("%s: Fit keeps the zoom", c.name)
		}
		if c.follow {
			c.view.FollowTail(followPart)
			if v := c.view.View(); !v.Follow || !v.Zoomed() {
				t.Errorf("%s: following shows %+v", c.name, v)
			}
			f.fit()
		}
		c.view.MouseOut()
		if c.legend {
			f.tapOn(c.name, c.view, r)
		}
	}
}

// tapOn hides a run by its row in the legend of a chart, and shows it again by the same.
func (f *fixture) tapOn(what string, view *chartview.Chart, r *run) {
	f.t.Helper()
	for _, want := range []bool{false, true} {
		view.OnLegendTap(r.title)
		if r.shown != want {
			f.t.Errorf("%s: a tap on the legend leaves the run shown: %v, want %v", what, r.shown, want)
		}
	}
	if r.faded {
		f.t.Errorf("%s: the run stays faded", what)
	}
}

// TestLogStaysWhereItIsRead: new lines do not take the reader away from older ones.
func TestLogStaysWhereItIsRead(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	j.steps(2500)
	f.waitFor(Running)
	f.tabs.SelectIndex(tabLog)
	more := func(than int) {
		f.loop.until(t, "lines come", func() bool { return len(f.log.lines) > than })
	}
	more(90)
	f.picture()
	f.log.list.Select(3)
	note := f.log.note.text.Text
	f.log.list.ScrollTo(0)
	for _, at := range []string{"at the top", "at the end"} {
		n, was := len(f.log.lines), f.log.list.GetScrollOffset()
		j.steps(25)
		more(n)
		if moved := f.log.list.GetScrollOffset() != was; moved != (at == "at the end") {
			t.Errorf("%s a new line moves the list: %v", at, moved)
		}
		if got := f.log.note.text.Text; got != note {
			t.Errorf("%s the selected line becomes %q", at, got)
		}
		f.log.list.ScrollToBottom()
	}
	f.banner.show(toneGreen, "Saved something", "", nil) // takes some of the tab's height
	f.picture()
	n := len(f.log.lines)
	j.steps(25)
	more(n)
	if !f.log.atEnd() {
		t.Error("a banner keeps new lines out of sight")
	}
}

// TestNaNIsAValue: what every step measures is NaN when it is, and a dash before the first.
func TestNaNIsAValue(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	if got := f.status.loss.text.text.Text; got != unknown {
		t.Errorf("before the first step the loss is %q", got)
	}
	j.steps(5)
	j.set(func(s *trainer.Snapshot) { s.Loss, s.GradNorm = math.NaN(), math.NaN() })
	j.enter(trainer.Diverged, "NaN")
	f.waitFor(Diverged)
	back := trainer.Snapshot{State: trainer.Running, Step: 200, From: 200, Loss: math.NaN()}
	if got := measured(&back, back.Loss); got != unknown {
		t.Errorf("before the first step of a run that goes on the loss is %q", got)
	}
	if loss, grad := f.status.loss.text.text.Text, f.status.grad.text.text.Text; loss != "NaN" || grad != "NaN" {
		t.Errorf("after NaN loss and gradient are %q and %q", loss, grad)
	}
	if got := f.current.summary(); !strings.Contains(got, "loss NaN") {
		t.Errorf("the list says %q", got)
	}
}
