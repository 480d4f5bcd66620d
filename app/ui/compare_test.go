package ui

import (
	"math"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// buttonText is the text of a button, empty for anything else.
func buttonText(o fyne.CanvasObject) string {
	if b, ok := o.(*widget.Button); ok {
		return b.Text
	}
	return ""
}

// row finds a row of the table by its label.
func (c *comparison) row(t *testing.T, label string) []compareCell {
	t.Helper()
	for _, r := range c.rows {
		if r.label == label {
			return r.cells
		}
	}
	t.Fatalf("the table has no row %q:\n%s", label, c.text())
	return nil
}

// TestCompareTab checks two stored runs, reads the table, asks for a step and copies it.
func TestCompareTab(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	f.tabs.SelectIndex(tabCompare)
	if !f.compare.hint.object.Visible() || !strings.Contains(f.compare.hint.text.text.Text, "Check two") {
		t.Errorf("without a run the tab says %q", f.compare.hint.text.text.Text)
	}
	a := f.shownRun(2)
	if label := f.compare.data.rows[0].label; label != "Check a second run" || f.compare.hint.object.Visible() {
		t.Errorf("with one run the table begins with %q", label)
	}
	b := f.shownRun(1)
	d := f.compare.data
	if got := d.row(t, "variant"); got[0].text != "Pre-Norm" || got[1].text != "HybridNorm*" {
		t.Errorf("variants: %v", got)
	}
	if got := d.row(t, "init"); got[0].text != "normal" || got[1].text != "megatron" {
		t.Errorf("what auto means is not told: %v", got)
	}
	for _, r := range d.rows {
		if r.label == "seed" || r.label == "batch" || r.label == "qk_axis" { // Pre-Norm has no use for the last
			t.Errorf("%s is the same in both, and listed", r.label)
		}
	}
	x, y := b.series[trainer.KeyLoss].Points()
	lowest, at := math.Inf(1), 0.0
	for i, v := range y {
		if v < lowest {
			lowest, at = v, x[i]
		}
	}
	if got := d.row(t, "Loss, last"); got[1].text != chart.FormatValue(y[len(y)-1]) || !got[1].best || got[0].best {
		t.Errorf("last losses: %v", got)
	}
	if got, want := d.row(t, "Loss, lowest")[1].text, chart.FormatValue(lowest)+" at "+chart.FormatCount(at); got != want {
		t.Errorf("the lowest loss is %q, want %q", got, want)
	}
	if got := d.row(t, "Loss, at step 100"); got[1].text != chart.FormatValue(y[99]) {
		t.Errorf("at the last step both have: %v", got)
	}
	if got := d.row(t, "Tokens a second, last"); got[0].best || got[1].best {
		t.Errorf("of two that are the same one is best: %v", got)
	}
	f.compare.step.SetText("60")
	d = f.compare.data
	if got := d.row(t, "Validation loss, at step 60")[0].text; !strings.HasSuffix(got, " at 50") {
		t.Errorf("a validation of another step does not say so: %q", got)
	}
	f.compare.step.SetText("150")
	if got := f.compare.data.row(t, "Loss, at step 150"); got[0].text != unknown || got[1].text != chart.FormatValue(y[149]) {
		t.Errorf("past the end of one: %v", got)
	}
	f.compare.step.SetText("soon")
	test.Tap(f.compare.copy)
	text := fyne.CurrentApp().Clipboard().Content()
	if !strings.HasPrefix(text, "run\t"+a.title+"\t"+b.title+"\n") || !strings.Contains(text, "\nLoss, at step 100\t") {
		t.Errorf("the clipboard has\n%s", text)
	}
	f.compare.metric.SetSelected("Gradient norm")
	if f.loss.kind().key != trainer.KeyGradNorm || f.shownCharts()[0].title() != "compared gradient norm" {
		t.Errorf("the metric of the chart is %s", f.loss.kind().key)
	}
	f.hideAll()
	if !f.compare.hint.object.Visible() {
		t.Error("with all runs off the tab does not say what to do")
	}
}

// TestCompareSame: two runs of the same settings say so.
func TestCompareSame(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns[0], threeRuns[0])
	f.tabs.SelectIndex(tabCompare)
	f.shownRun(0)
	f.shownRun(1)
	if got := f.compare.data.rows[0].label; got != "All settings are the same" {
		t.Errorf("the table begins with %q", got)
	}
}

// TestCompareWhatWasTrained: what a config leaves to the app and another says are the same settings, and
// keys that change nothing in a run are none of its settings.
func TestCompareWhatWasTrained(t *testing.T) {
	newFixture(t, Dark)
	left := newRun(0, trainer.DefaultConfig())
	left.snap.Vocab = 640 // of a tokenizer that only the run has read
	left.cfg.Tokenizer = "some/tokenizer.json"
	left.snap.Device = "Two cores, with kernels"
	said := newRun(1, left.cfg)
	c := &said.cfg
	c.Preset, c.Warmup, c.Device = "", 30, "Two cores"
	m := &c.Model
	m.Vocab, m.Norm, m.Act, m.Init, m.Bias, m.EmbNorm, m.FinalNorm = 640, "rms", model.SwiGLU, model.InitMegatron, "off", "off", "on"
	m.KVHeads, m.HeadDim, m.InitStd, m.TopK, m.MoEZ = m.Heads, m.D/m.Heads, model.InitStdDefault(m.D), 7, 3
	if left.cfg.Steps != 300 {
		t.Fatalf("the default job has %d steps; the warmup of this test is another", left.cfg.Steps)
	}
	if got := newComparison([]*run{left, said}, 1); got.rows[0].label != "All settings are the same" {
		t.Errorf("two runs that train the same:\n%s", got.text())
	}
	m.Vocab, m.Experts = 768, 8
	got := newComparison([]*run{left, said}, 1)
	for label, want := range map[string][2]string{"vocab": {"640", "768"}, "experts": {unknown, "8"}, "top_k": {unknown, "7"}} {
		if cells := got.row(t, label); cells[0].text != want[0] || cells[1].text != want[1] {
			t.Errorf("%s: %v, want %v", label, cells, want)
		}
	}
	for _, r := range got.rows {
		if r.label == "moe_balance" {
			t.Error("a key that both say the same of is listed because only one has a use for it")
		}
	}
}

// TestCompareLive compares a run at work, and one whose loss is not a number.
func TestCompareLive(t *testing.T) {
	f := newFixture(t, Dark)
	f.tabs.SelectIndex(tabCompare)
	j := f.started()
	j.steps(40)
	f.loop.until(t, "40 steps", func() bool {
		rows := f.compare.data.rows
		return len(rows) > 1 && f.compare.data.row(t, "Loss, last")[0].text != unknown
	})
	r := f.current
	m := comparedMetrics[0]
	if e := r.extreme(m); e.seen != 40 || e.x == 0 {
		t.Errorf("the best of %d rows is at %v", e.seen, e.x)
	}
	nan := chart.SeriesOf([]float64{1, 2}, []float64{math.Inf(-1), math.NaN()})
	bad := newRun(0, r.cfg)
	bad.series[trainer.KeyLoss] = nan
	c := newComparison([]*run{bad}, 2)
	if got := c.row(t, "Loss, last")[0].text; got != "NaN" {
		t.Errorf("a loss that is not a number is %q", got)
	}
	if got := c.row(t, "Loss, lowest")[0].text; got != unknown {
		t.Errorf("the best of no numbers is %q", got)
	}
}

// TestComparePictures compares the tab and a long list with kept pictures, in both themes.
func TestComparePictures(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing windows is slow under the race detector")
	}
	for _, c := range []struct {
		name string
		a    Appearance
	}{{"dark", Dark}, {"light", Light}} {
		t.Run(c.name, func(t *testing.T) {
			list := append([]madeRun{}, threeRuns...)
			variants := []string{"pre", "post", "hybrid", "hybrid_star", "mix_ln"}
			states := []runs.Status{runs.Done, runs.Done, runs.Diverged, runs.Stopped, runs.Failed}
			for i := range 37 {
				list = append(list, madeRun{name: variants[i%5] + " of the sweep", variant: variants[i%5],
					status: states[i%4], steps: 20 + i})
			}
			f := newLibrary(t, c.a, list...)
			f.useConfig(pictureConfig())
			f.loop.until(t, "its estimate", func() bool { return f.estimate.params.text.text.Text == "804 k" })
			f.tabs.SelectIndex(tabCompare)
			compare(t, "compare-empty-"+c.name, f.picture())
			n := len(f.lib.runs)
			for _, i := range []int{n - 1, n - 2, 3} {
				f.runs.choose(f.shownRun(i))
			}
			f.annotate(f.lib.runs[3], func(a *runs.About) { a.Tags = []string{"paper", "seed1"} })
			compare(t, "compare-"+c.name, f.picture())
		})
	}
}
