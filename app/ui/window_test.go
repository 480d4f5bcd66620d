package ui

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// waitFor runs the UI until the window is in a state.
func (f *fixture) waitFor(s State) {
	f.t.Helper()
	f.loop.until(f.t, s.String(), func() bool { return f.state == s })
}

// run trains a variant to its end.
func (f *fixture) run(variant string, steps int) *run {
	f.t.Helper()
	f.setup.setVariant(variant)
	j := f.started()
	j.steps(steps)
	j.enter(trainer.Done, "")
	f.waitFor(Done)
	return f.current
}

func TestTrainPauseResumeStop(t *testing.T) {
	f := newFixture(t, Dark)
	test.Tap(f.train)
	if f.state != Preparing {
		t.Fatalf("after Train the window is %v", f.state)
	}
	f.loop.until(t, "the job is there", func() bool { return f.current.job != nil })
	j := f.jobs[0]
	if j.cfg.Model.Variant != "hybrid_star" || j.cfg.Data != "toy" {
		t.Errorf("the first start trains %s on %s, want hybrid_star on toy", j.cfg.Model.Variant, j.cfg.Data)
	}
	if f.status.said.text.Text != "Reading text" || f.status.bar.value >= 0 {
		t.Errorf("preparing says %q at %v", f.status.said.text.Text, f.status.bar.value)
	}
	j.steps(30)
	f.waitFor(Running)
	f.loop.until(t, "30 steps", func() bool { return f.status.step.text.text.Text == "30 / 300" })
	if got := f.status.bar.value; got != 0.1 {
		t.Errorf("the bar stands at %v, want 0.1", got)
	}
	test.Tap(f.pause)
	if f.state != Pausing {
		t.Fatalf("after Pause the window is %v", f.state)
	}
	j.enter(trainer.Paused, "")
	f.waitFor(Paused)
	test.Tap(f.pause)
	if f.state != Running {
		t.Fatalf("after Resume the window is %v", f.state)
	}
	test.Tap(f.stop)
	if f.state != Stopping {
		t.Fatalf("after Stop the window is %v", f.state)
	}
	j.enter(trainer.Stopped, "")
	f.waitFor(Stopped)
	if f.setup.steps.Disabled() {
		t.Error("the form is locked after Stop")
	}
}

// TestStopBeforeTheTrainerAnswered presses Stop while the start is still on its way.
func TestStopBeforeTheTrainerAnswered(t *testing.T) {
	f := newFixture(t, Dark)
	f.Train()
	f.Stop()
	if f.state != Stopping {
		t.Fatalf("the window is %v, want stopping", f.state)
	}
	f.loop.until(t, "the job is there", func() bool { return f.current.job != nil })
	if s := f.jobs[0].Snapshot().State; s != trainer.Stopping {
		t.Errorf("the job is %v, want stopping", s)
	}
}

func TestStartFails(t *testing.T) {
	f := newFixture(t, Dark)
	f.fail = errors.New("the corpus \"x.txt\" is empty; choose a file with text")
	f.Train()
	f.waitFor(Failed)
	want := "The corpus \"x.txt\" is empty; choose a file with text."
	if f.banner.text.Text != want || !f.banner.Visible() {
		t.Errorf("the banner says %q, want %q", f.banner.text.Text, want)
	}
	f.fail = nil
	f.started()
	if f.banner.Visible() {
		t.Error("the banner stays after the next start")
	}
}

func TestDivergedNamesTheReason(t *testing.T) {
	f := newFixture(t, Light)
	j := f.started()
	j.steps(40)
	j.enter(trainer.Diverged, "The loss became NaN at step 41, in the output head.")
	f.waitFor(Diverged)
	f.loop.until(t, "the banner", func() bool { return f.banner.Visible() })
	if !strings.Contains(f.banner.text.Text, "NaN at step 41") {
		t.Errorf("the banner says %q", f.banner.text.Text)
	}
	if !f.setup.steps.Disabled() {
		t.Error("the form is not locked while diverged")
	}
	test.Tap(f.banner.other)
	if f.state != Idle || f.setup.steps.Disabled() || f.banner.Visible() {
		t.Error("keeping the run does not unlock the form")
	}
}

// TestBadFieldsAreNamed types nonsense into each field; nothing is started and the sentence names the field.
// TestAskingOffersTheCPU: a job whose GPU failed waits for an answer; the question cannot be closed, is
// gone once it is answered, and can be answered by Stop as well.
func TestAskingOffersTheCPU(t *testing.T) {
	f := newFixture(t, Dark)
	const why = "The GPU cannot go on after step 3"
	for _, answer := range []struct {
		next State
		give func()
	}{{Running, func() { test.Tap(f.banner.button) }}, {Stopped, f.Stop}} {
		j := f.started()
		j.steps(3)
		j.enter(trainer.Asking, why)
		f.waitFor(Asking)
		if !f.banner.Visible() || f.banner.text.Text != why || f.banner.button.Text != "Train on the CPU" ||
			f.banner.shut.Visible() {
			t.Errorf("banner: visible %v, %q, button %q, can be closed: %v",
				f.banner.Visible(), f.banner.text.Text, f.banner.button.Text, f.banner.shut.Visible())
		}
		answer.give()
		if answer.next == Stopped {
			f.waitFor(Stopping)
			j.enter(trainer.Stopped, "")
		}
		f.waitFor(answer.next)
		if f.banner.Visible() {
			t.Error("the question is still there")
		}
		if answer.next == Running {
			j.enter(trainer.Done, "")
			f.waitFor(Done)
		}
	}
	f.banner.show(toneRed, "x", "y", func() {})
	if !f.banner.shut.Visible() {
		t.Error("other banners can be closed no more")
	}
}

func TestBadFieldsAreNamed(t *testing.T) {
	f := newFixture(t, Dark)
	for _, c := range []struct {
		entry *field
		text  string
		want  string
	}{
		{f.setup.steps, "many", "Steps is \"many\""}, {f.setup.steps, "0", "Steps is \"0\""},
		{f.setup.batch, "-3", "Batch is \"-3\""}, {f.setup.batch, "1.5", "Batch is \"1.5\""},
		{f.setup.lr, "fast", "Learning rate is \"fast\""}, {f.setup.lr, "0", "Learning rate is \"0\""},
		{f.setup.lr, "inf", "Learning rate is \"inf\""}, {f.setup.seed, "-1", "Seed is \"-1\""},
	} {
		was := c.entry.Text
		c.entry.SetText(c.text)
		if got := f.estimate.problem.text.Text; !strings.Contains(got, c.want) || !f.estimate.problem.Visible() {
			t.Errorf("%q: the setup says %q, want %q", c.text, got, c.want)
		}
		f.Train()
		if f.state != Idle || f.session != nil {
			t.Fatalf("%s was trained", c.want)
		}
		top := f.win.Canvas().Overlays().Top()
		if top == nil {
			t.Fatalf("%s: no dialog", c.want)
		}
		top.Hide()
		c.entry.SetText(was)
	}
	if f.estimate.problem.Visible() {
		t.Errorf("a valid form says %q", f.estimate.problem.text.Text)
	}
}

func TestPresetFillsTheForm(t *testing.T) {
	f := newFixture(t, Dark)
	before := f.estimate.params.text.text.Text
	p, err := model.FindPreset("small")
	if err != nil {
		t.Fatal(err)
	}
	f.setup.preset.SetSelected(p.Title)
	if f.setup.steps.Text != "1000" || f.setup.batch.Text != "8" || f.setup.lr.Text != "0.001" {
		t.Errorf("the form says %s steps, batch %s, lr %s", f.setup.steps.Text, f.setup.batch.Text, f.setup.lr.Text)
	}
	f.loop.until(t, "a new estimate", func() bool { return f.estimate.params.text.text.Text != before })
	c, err := f.setup.config()
	if err != nil {
		t.Fatal(err)
	}
	n, err := c.Estimate()
	if err != nil {
		t.Fatal(err)
	}
	if got := f.estimate.params.text.text.Text; got != count(n.Params) {
		t.Errorf("the estimate says %s parameters, the config has %d", got, n.Params)
	}
	if c.Model.Variant != "hybrid_star" {
		t.Errorf("the preset changed the variant to %s", c.Model.Variant)
	}
}

// TestTooLargeForTheMachine refuses a model whose estimate exceeds the memory there is.
func TestTooLargeForTheMachine(t *testing.T) {
	f := newFixture(t, Dark)
	f.opt.Memory = 8e9
	p, err := model.FindPreset("paper-1.2b")
	if err != nil {
		t.Fatal(err)
	}
	f.setup.preset.SetSelected(p.Title)
	f.loop.until(t, "the refusal", func() bool { return strings.Contains(f.estimate.problem.text.Text, "8.00 GB") })
	f.Train()
	if f.state != Idle || f.win.Canvas().Overlays().Top() == nil {
		t.Error("a model of terabytes is started")
	}
	f.win.Canvas().Overlays().Top().Hide()
	f.setup.preset.SetSelectedIndex(0)
	f.Train()
	if f.state != Preparing {
		t.Error("a model that fits is refused")
	}
	f.loop.until(t, "the job is there", func() bool { return f.current.job != nil })
}

func TestWarningsAreVisible(t *testing.T) {
	f := newFixture(t, Dark)
	if f.estimate.problem.Visible() {
		t.Errorf("the defaults warn: %q", f.estimate.problem.text.Text)
	}
	f.setup.init.SetSelected("normal")
	if got := f.estimate.problem.text.Text; !f.estimate.problem.Visible() || !strings.Contains(got, "megatron") {
		t.Errorf("HybridNorm* with normal init says %q", got)
	}
	f.setup.setVariant("pre")
	if f.estimate.problem.Visible() {
		t.Errorf("Pre-Norm with normal init warns: %q", f.estimate.problem.text.Text)
	}
}

// TestPickerKeys chooses a variant with the keyboard alone.
func TestPickerKeys(t *testing.T) {
	f := newFixture(t, Dark)
	p := f.variant.picker
	p.FocusGained()
	p.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	if p.popup == nil || !p.popup.Visible() {
		t.Fatal("space does not open the list")
	}
	test.Type(p.filter, "xiong")
	p.filter.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if f.setup.base.Model.Variant != "pre" || p.Selected != "Pre-Norm" || p.popup.Visible() {
		t.Errorf("searching chose %s, the field says %s", f.setup.base.Model.Variant, p.Selected)
	}
	p.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	if f.setup.base.Model.Variant != "post" {
		t.Errorf("down chose %s, want post", f.setup.base.Model.Variant)
	}
	if want := "auto (megatron)"; f.setup.init.Options[0] != want {
		t.Errorf("the init list starts with %q, want %q", f.setup.init.Options[0], want)
	}
}

func TestPickerGroupsByFamily(t *testing.T) {
	all := (&picker{}).all()
	rows := pickerRows(all, "")
	if rows[0].family != "HybridNorm" || rows[1].variant.ID != "hybrid" {
		t.Errorf("the list starts with %v", rows[:2])
	}
	families := 0
	for _, r := range rows {
		if r.family != "" {
			families++
		}
	}
	if families < 4 {
		t.Errorf("%d families", families)
	}
	if rows := pickerRows(all, "no such thing"); len(rows) != 0 {
		t.Errorf("nonsense finds %d rows", len(rows))
	}
}

// TestTwoRunsShareTheCharts trains two variants and looks for both on each chart.
func TestTwoRunsShareTheCharts(t *testing.T) {
	f := newFixture(t, Dark)
	a := f.run("hybrid_star", 50)
	b := f.run("post", 30)
	lines := f.loss.figure(f.session).(*chart.Lines)
	if len(lines.Lines) != 4 || lines.Lines[0].Slot == lines.Lines[2].Slot {
		t.Fatalf("the loss chart has %d lines", len(lines.Lines))
	}
	if len(lines.References) != 1 {
		t.Errorf("%d loss floors for one corpus, want 1", len(lines.References))
	}
	bars := f.grad.atStep(f.session, b).(*chart.Bars)
	if f.grad.step.Value != 30 || f.grad.step.Max != 50 || bars.Groups[0].Name != a.title {
		t.Errorf("the slider stands at %v of %v; a selected run of 30 steps is compared at its last",
			f.grad.step.Value, f.grad.step.Max)
	}
	f.grad.step.SetValue(50)
	bars = f.grad.atStep(f.session, a).(*chart.Bars)
	if len(bars.Groups) != 2 || len(bars.Groups[0].Values) != a.cfg.Model.Layers {
		t.Fatalf("the bars show %d runs", len(bars.Groups))
	}
	if want := b.title + " (step 30)"; bars.Groups[1].Name != want {
		t.Errorf("a run that ended before the slider's step is called %q, want %q", bars.Groups[1].Name, want)
	}
	f.showRun(a, false)
	if n := len(f.loss.figure(f.session).(*chart.Lines).Lines); n != 2 {
		t.Errorf("with one run hidden the chart has %d lines, want 2", n)
	}
	f.loss.view.OnLegendTap(b.title + validationSuffix)
	if b.shown {
		t.Error("a tap on the legend does not hide the run")
	}
	if v := f.loss.smooth.Value; v != firstSmoothing {
		t.Errorf("runs of 300 steps are smoothed by %v, want %v", v, firstSmoothing)
	}
	f.loss.suit(5000)
	if v := f.loss.smooth.Value; v != 0.98 {
		t.Errorf("a run of 5000 steps is smoothed by %v, want 0.98", v)
	}
	f.loss.smooth.SetValue(0.5)
	f.loss.suit(5000)
	if v := f.loss.smooth.Value; v != 0.5 {
		t.Errorf("a choice of 0.5 became %v", v)
	}
	f.duplicate()
	if c, _ := f.setup.config(); c.Model.Variant != "post" {
		t.Errorf("the selected run's settings are those of %s", c.Model.Variant)
	}
}

func TestGradientsFollowAndStay(t *testing.T) {
	f := newFixture(t, Dark)
	f.tabs.SelectIndex(tabGradients)
	j := f.started()
	j.steps(20)
	f.loop.until(t, "step 20", func() bool { return f.grad.step.Value == 20 })
	f.grad.step.SetValue(7)
	j.steps(20)
	f.loop.until(t, "40 steps", func() bool { return f.grad.step.Max == 40 })
	if f.grad.step.Value != 7 {
		t.Errorf("the slider moved to %v, want 7", f.grad.step.Value)
	}
	_, y := f.current.series[trainer.KeyLayerNorm(2)].Points()
	if got := f.grad.atStep(f.session, f.selected).(*chart.Bars).Groups[0].Values[2]; got != y[6] {
		t.Errorf("the bar of block 2 at step 7 is %v, want %v", got, y[6])
	}
	f.grad.form.SetSelected(formMap)
	if _, ok := f.grad.overTime(f.selected).(*chart.HeatMap); !ok {
		t.Error("the heat map is not shown")
	}
}

func TestSamplesLogAndPrompt(t *testing.T) {
	f := newFixture(t, Dark)
	j := f.started()
	j.steps(100)
	f.waitFor(Running)
	f.samples.prompt.SetText("the boat")
	if j.prompt != "the boat" {
		t.Errorf("the job's prompt is %q", j.prompt)
	}
	f.tabs.SelectIndex(tabSamples)
	if got := f.samples.text.String(); !strings.Contains(got, "the small boat turns slowly") {
		t.Errorf("the samples tab says %q", got)
	}
	f.tabs.SelectIndex(tabLog)
	logged := func() string {
		text := ""
		for _, l := range f.log.lines {
			text += l.text + "\n"
		}
		return text
	}
	for _, want := range []string{"Training on CPU, 2 threads", "validation", "Checkpoint written: step-00000100"} {
		f.loop.until(t, "the log mentions "+want, func() bool { return strings.Contains(logged(), want) })
	}
	f.menu.checkpoint.Action()
	if j.saved != 1 {
		t.Error("the menu does not save a checkpoint")
	}
}

func TestCloseAsksWhileRunning(t *testing.T) {
	f := newFixture(t, Dark)
	closed := false
	f.win.SetOnClosed(func() { closed = true })
	j := f.started()
	j.steps(5)
	f.waitFor(Running)
	f.Close()
	if closed || f.win.Canvas().Overlays().Top() == nil {
		t.Fatal("closing a window that trains does not ask")
	}
	f.win.Canvas().Overlays().Top().Hide()
	f.Quit()
	if s := j.Snapshot().State; s != trainer.Stopping {
		t.Fatalf("quitting leaves the job %v", s)
	}
	j.enter(trainer.Stopped, "")
	f.loop.until(t, "the window is closed", func() bool { return closed })
}

func TestCloseLeavesAtOnceWhenIdle(t *testing.T) {
	f := newFixture(t, Dark)
	closed := false
	f.win.SetOnClosed(func() { closed = true })
	f.Close()
	if !closed {
		t.Error("closing an idle window does not close it")
	}
	if got := SavedSize(fyne.CurrentApp().Preferences()); got.Width < 1000 {
		t.Errorf("the saved size is %v", got)
	}
}

// TestDropped gives the window a corpus, a configuration and one with a mistake.
func TestDropped(t *testing.T) {
	f := newFixture(t, Dark)
	dir := t.TempDir()
	write := func(name, text string) fyne.URI {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return storage.NewFileURI(path)
	}
	f.dropped([]fyne.URI{write("book.txt", "some text")})
	if c, _ := f.setup.config(); filepath.Base(c.Data) != "book.txt" || f.setup.data.Selected != "book.txt" {
		t.Errorf("the corpus is %q, shown as %q", c.Data, f.setup.data.Selected)
	}
	f.dropped([]fyne.URI{write("run.yaml", "variant: deepnorm\nsteps: 77\nprompt: Once\n")})
	f.loop.until(t, "the configuration", func() bool { return f.setup.steps.Text == "77" })
	if f.variant.picker.Selected != "DeepNorm" || f.samples.prompt.Text != "Once" {
		t.Errorf("the form shows %s and the prompt %q", f.variant.picker.Selected, f.samples.prompt.Text)
	}
	f.dropped([]fyne.URI{write("bad.yaml", "stepps: 5\n")})
	f.loop.until(t, "a dialog", func() bool { return f.win.Canvas().Overlays().Top() != nil })
}

// TestThemeSwitchIsLive switches while the window is open and looks at the ground of the picture.
func TestThemeSwitchIsLive(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing windows is slow under the race detector")
	}
	f := newFixture(t, Dark)
	bright := func() bool {
		f.picture()
		r, _, _, _ := f.win.Canvas().Capture().At(600, 200).RGBA()
		return r > 0xf000
	}
	if bright() {
		t.Fatal("dark is bright")
	}
	f.menu.themes[Light].Action()
	if !bright() || !f.menu.themes[Light].Checked || f.menu.themes[Dark].Checked {
		t.Error("light is not shown")
	}
	th := newTheme(System, 1)
	ground := theme.ColorNameBackground
	if th.Color(ground, theme.VariantDark) == th.Color(ground, theme.VariantLight) {
		t.Error("the system's variant changes nothing")
	}
}
