package ui

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/report"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// TestShed looks through many runs: those seen longest ago are forgotten, those on the charts, the selected
// one and the newest are not, and one that was forgotten comes back as it was.
func TestShed(t *testing.T) {
	var list []madeRun
	for i := range keptUnseen + 6 {
		list = append(list, madeRun{name: fmt.Sprint("run ", i), variant: "pre", status: runs.Done, steps: 5 + i})
	}
	f := newLibrary(t, Dark, list...)
	all := f.lib.runs
	on := f.shownRun(0)
	first := f.shownRun(1)
	_, before := first.series[trainer.KeyLoss].Points()
	f.runs.choose(first)
	f.showRun(first, false)
	for i := 2; i < len(all); i++ {
		f.showRun(f.shownRun(i), false)
	}
	unread := func() (n int) {
		for _, r := range all {
			if !r.hasData() {
				n++
			}
		}
		return n
	}
	if n := unread(); n != 3 || !on.hasData() || !first.hasData() || !all[len(all)-1].hasData() || all[2].hasData() {
		t.Errorf("%d of %d runs are forgotten, the one on the chart: %v, the selected: %v, the last: %v, the oldest: %v", n, len(all),
			!on.hasData(), !first.hasData(), !all[len(all)-1].hasData(), !all[2].hasData())
	}
	f.runs.choose(all[len(all)-1])
	f.shownRun(2)
	f.showRun(all[2], false)
	f.shownRun(3)
	f.shownRun(4)
	if first.hasData() {
		t.Fatal("the run that was selected long ago is kept")
	}
	f.relist(len(all))
	f.runs.choose(f.shownRun(1))
	_, after := first.series[trainer.KeyLoss].Points()
	if f.selected != first || fmt.Sprint(after) != fmt.Sprint(before) || len(first.log) == 0 || first.snap.Peak == 0 {
		t.Errorf("read again it is selected: %v, with %d of %d points, %d lines, peak %g",
			f.selected == first, len(after), len(before), len(first.log), first.snap.Peak)
	}
}

// TestStore trains a real run: once it has ended its job is let go, and what was measured of it, read again
// from its folder, is what it was.
func TestStore(t *testing.T) {
	f := newFixture(t, Dark)
	f.opt.Start = func(c trainer.Config) (Job, error) {
		return trainer.Start(c, trainer.Options{Root: f.opt.RunsDir})
	}
	c := trainer.DefaultConfig()
	c.Preset, c.Model.Layers, c.Model.D, c.Model.FFN, c.Model.Seq = "", 2, 16, 32, 16
	c.Steps, c.Batch, c.DataBytes, c.Device = 6, 2, 60_000, "cpu"
	c.EvalEvery, c.EvalBatches, c.SampleEvery, c.SampleTokens, c.CheckpointEvery = 3, 1, 3, 8, 0
	f.useConfig(c)
	f.Train()
	f.waitFor(Done)
	r := f.current
	said := func() string {
		s := &r.snap // the folder rounds losses to 32 bits
		snap := fmt.Sprint(s.Step, s.Steps, float32(s.Loss), float32(s.ValLoss), s.Peak, s.Floor)
		return fmt.Sprint(r.title, r.settings(), r.slot, r.samples[len(r.samples)-1], r.word(), snap)
	}
	points := func() map[string]string {
		all := map[string]string{}
		for _, k := range trainer.MetricKeys(c.Model.Layers, 0) {
			all[k] = fmt.Sprint(r.series[k].Points())
		}
		return all
	}
	before, measured := said(), points()
	f.loop.until(t, "its job is let go", func() bool { return r.job == nil })
	if !r.hasData() || said() != before {
		t.Errorf("then it has data: %v, and is\n%s, not\n%s", r.hasData(), said(), before)
	}
	r.phase, r.keys, r.series, r.samples, r.log = metricsUnread, nil, nil, nil, nil
	f.relist(1)
	f.showRun(r, true)
	f.runs.choose(r)
	f.loop.until(t, "it is read again", r.hasData)
	if said() != before || len(r.log) < 4 {
		t.Errorf("read again it is\n%s\nnot\n%s\nwith %d lines in its log", said(), before, len(r.log))
	}
	for k, was := range measured {
		if now := fmt.Sprint(r.series[k].Points()); now != was {
			t.Errorf("%s is %s, not %s", k, now, was)
		}
	}
	if !f.canGoOn(f.target(), ActLonger) {
		t.Error("it cannot be gone on with")
	}
}

// stored trains a fake run to its end in a folder that has it, as a job of the race or by itself.
func (f *fixture) stored(r *run, j *fakeJob, hours, steps int) {
	f.t.Helper()
	j.dir = makeRun(f.t, f.opt.RunsDir, hours, madeRun{variant: j.cfg.Model.Variant, status: runs.Done, steps: steps})
	j.steps(steps)
	j.enter(trainer.Done, "")
	f.loop.until(f.t, r.title+" is stored", func() bool { return r.state == Done && r.job == nil })
}

// TestRaceIsShed: the runs of a long race are forgotten but for the newest, its figure, its table and what is
// written of it are as before, and a run that is shown again has its metrics again. The next race lets go of it.
func TestRaceIsShed(t *testing.T) {
	f := newFixture(t, Dark)
	const seeds = keptUnseen/2 + 3
	f.raceOf("20", fmt.Sprint(seeds), "pre", "post")
	for i := range 2 * seeds {
		f.loop.until(t, "the next run", func() bool { return len(f.race.runs) > i && f.race.runs[i].job != nil })
		f.stored(f.race.runs[i], f.jobs[i], i, 20)
		if i < 2 {
			f.showRun(f.race.runs[i], false)
		}
	}
	f.raceOver()
	all := f.race.runs
	kept := 0
	for i, r := range all {
		if r.hasData() {
			kept++
		}
		if got := len(f.race.points[i]); got != len(report.Metrics()) {
			t.Errorf("the race holds %d series of run %d", got, i)
		}
	}
	if kept != keptUnseen+1 || all[0].hasData() || !all[len(all)-1].hasData() { // and the current one
		t.Errorf("%d runs are kept, the first %v, the last %v", kept, all[0].hasData(), all[len(all)-1].hasData())
	}
	for i := range report.Metrics() {
		f.raceTab.metric.SetSelectedIndex(i)
		for _, l := range f.raceTab.figure(f.race).(*chart.Lines).Lines {
			if len(l.Seeds) != seeds || l.Seeds[0].Len() == 0 && i != 1 || l.Seeds[0].Len() != l.Seeds[seeds-1].Len() {
				t.Errorf("%s of %s has %d seeds", report.Metrics()[i].Title, l.Name, len(l.Seeds))
			}
		}
	}
	if row := f.raceTab.table.rows[0].cells; row[6].text.Text != fmt.Sprintf("%d of %[1]d", seeds) || row[4].text.Text == "–" {
		t.Errorf("the table says %q, %q", row[6].text.Text, row[4].text.Text)
	}
	for i, r := range f.race.race.Snapshot().Runs {
		if steps, _ := r.Column(trainer.KeyLayerNorm(0)); len(steps) != 20 {
			t.Errorf("a report has %d points of run %d", len(steps), i)
		}
	}
	f.tabs.SelectIndex(tabCompare)
	first := f.shownRun(0)
	f.showRun(all[0], true)
	f.runs.choose(all[0])
	f.loop.until(t, "both are compared", func() bool { return len(f.compared()) == 2 && all[0].hasData() && first.hasData() })
	if r := f.pointsOf(); r != all[0] || f.selected != r {
		t.Errorf("points are of %v", r)
	}

	f.raceOf("20", "1", "pre", "post")
	f.loop.until(t, "the next race", func() bool { return len(f.race.runs) > 0 && f.race.runs[0].job != nil })
	f.stored(f.race.runs[0], f.jobs[2*seeds], 2*seeds, 20)
	for i, r := range all {
		if r.raced != nil {
			t.Fatalf("run %d holds the race before", i)
		}
	}
}

// TestShedByPoints: few runs with very many points are too many as well.
func TestShedByPoints(t *testing.T) {
	f := newFixture(t, Dark)
	x := make([]float64, keptPoints/2)
	for i := range x {
		x[i] = float64(i)
	}
	s := chart.SeriesOf(x, x) // shared, so that the test needs little memory
	for i := range 4 {
		r := storedRun(&runs.Summary{})
		r.phase, r.series, r.used = metricsRead, map[string]*chart.Series{trainer.KeyLoss: s}, i
		f.lib.runs = append(f.lib.runs, r)
	}
	f.current = f.lib.runs[0] // what is gone on with when nothing is selected
	f.shed(storedRun(&runs.Summary{}))
	for i, r := range f.lib.runs {
		if got, want := r.hasData(), i != 1; got != want {
			t.Errorf("run %d is kept: %v", i, got)
		}
	}
}

// TestStoreNeedsTheFolder: the job of a run stays while its folder is not known to hold all of it.
func TestStoreNeedsTheFolder(t *testing.T) {
	for name, m := range map[string]madeRun{
		"rows are missing": {variant: "pre", status: runs.Done, steps: 4},
		"another end":      {variant: "pre", status: runs.Failed, steps: 5},
	} {
		f := newFixture(t, Dark)
		j := f.started()
		j.dir = makeRun(t, f.opt.RunsDir, 1, m)
		j.steps(5)
		j.enter(trainer.Done, "")
		f.waitFor(Done)
		f.lib.writing.wait()
		f.loop.drain()
		if r := f.current; r.job == nil || r.stored != nil || !f.known(r) {
			t.Errorf("%s: the job is let go", name)
		}
	}
}
