package ui

import (
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
)

// TestPace: 10 updates a second beside a GPU, halved until drawing takes a fifth of the time; 5 on the CPU,
// halved until it takes a tenth; one behind other windows.
func TestPace(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		gpu           bool
		drawing, want time.Duration
	}{
		{true, 0, 100 * ms}, {true, 20 * ms, 100 * ms}, {true, 21 * ms, 200 * ms},
		{false, 0, 200 * ms}, {false, 20 * ms, 200 * ms}, {false, 21 * ms, 400 * ms}, {false, 41 * ms, 800 * ms},
		{false, time.Minute, 6400 * ms},
	} {
		if got := paceFor(100*ms, c.gpu, c.drawing); got != c.want {
			t.Errorf("with a GPU %v and %v to draw: one in %v, want %v", c.gpu, c.drawing, got, c.want)
		}
	}
	var w Window
	for _, c := range []struct {
		behind      bool
		every, want time.Duration
	}{
		{false, 200 * ms, 200 * ms}, {true, 200 * ms, time.Second}, {true, 1600 * ms, 1600 * ms},
	} {
		w.behind.Store(c.behind)
		w.every.Store(int64(c.every))
		if got := w.pace(); got != c.want {
			t.Errorf("behind %v, one in %v: one in %v, want %v", c.behind, c.every, got, c.want)
		}
	}
}

// TestNumbersComeWithTheChart shows the numbers of a step in the same painting as its point on the chart, at
// once where no chart is drawn, and a change of state at once.
func TestNumbersComeWithTheChart(t *testing.T) {
	f := newFixture(t, Dark)
	job := f.started()
	job.steps(5)
	f.loop.until(t, "step 5 is shown", func() bool { return f.saidStep() == "5 / 300" })
	f.settle()
	f.win.Canvas().Capture() // takes the newest frame, so that another may be drawn

	job.steps(1)
	f.take(f.current, job.Snapshot())
	if !f.drawn.Drawing() || f.saidStep() != "5 / 300" {
		t.Errorf("while step 6 is drawn (%v) the status says %s, want 5 / 300", f.drawn.Drawing(), f.saidStep())
	}
	f.loop.until(t, "the chart is there", func() bool { return !f.drawn.Drawing() })
	if f.saidStep() != "6 / 300" {
		t.Errorf("beside the chart of step 6 the status says %s", f.saidStep())
	}

	f.tabs.SelectIndex(tabLog)
	job.steps(1)
	f.take(f.current, job.Snapshot())
	if f.saidStep() != "7 / 300" {
		t.Errorf("without a chart the status says %s after step 7", f.saidStep())
	}

	f.tabs.SelectIndex(tabLoss)
	f.settle()
	f.win.Canvas().Capture()
	job.steps(1)
	job.enter(trainer.Paused, "")
	f.take(f.current, job.Snapshot())
	if f.saidStep() != "8 / 300" || f.state != Paused {
		t.Errorf("%s at step %s, want Paused at 8 / 300 at once", f.state, f.saidStep())
	}
}

func (f *fixture) saidStep() string { return f.status.step.text.text.Text }
