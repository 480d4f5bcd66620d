package ui

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// Size of the folder the window must open without waiting.
const (
	benchRuns  = 200
	benchSteps = 10_000
)

// benchFolder makes that folder. The runs share one file of metrics, so that it needs little disk; each
// is opened and read by itself.
func benchFolder(b *testing.B) string {
	root, shared := b.TempDir(), b.TempDir()
	first := makeRun(b, shared, 0, madeRun{name: "shared", variant: "pre", status: runs.Done, steps: benchSteps})
	variants := []string{"pre", "post", "hybrid", "hybrid_star", "mix_ln"}
	for i := range benchRuns {
		v := variants[i%len(variants)]
		makeRun(b, root, i, madeRun{name: fmt.Sprintf("%s, seed %d", v, i), variant: v, status: runs.Done,
			steps: benchSteps, metrics: filepath.Join(first, "metrics.jsonl")})
	}
	return root
}

// benchWindow opens a window over a folder. drain runs what is for the UI goroutine until a condition holds
// and returns how long the last of it took, which made the condition true.
func benchWindow(b *testing.B, root string) (w *Window, drain func(until func() bool) (last time.Duration)) {
	app := test.NewTempApp(b)
	app.Settings().SetTheme(newTheme(Dark, 1))
	queue := make(chan func(), 256)
	win := app.NewWindow("Evenkeel")
	w = New(Options{
		Window: win, Dispatch: func(f func()) { queue <- f }, ExportDir: b.TempDir(), RunsDir: root,
		Start: func(trainer.Config) (Job, error) { return nil, errNothing },
	})
	win.Resize(DefaultSize)
	return w, func(until func() bool) (last time.Duration) {
		for !until() {
			f := <-queue
			start := time.Now()
			f()
			last = time.Since(start)
		}
		return last
	}
}

// BenchmarkOpenLibrary opens the window over 200 runs of 10,000 steps and prints how long it takes until
// it can be used, until the list is there, and how long the list held the UI goroutine.
func BenchmarkOpenLibrary(b *testing.B) {
	root := benchFolder(b)
	var usable, listed, held time.Duration
	for b.Loop() {
		start := time.Now()
		w, drain := benchWindow(b, root)
		usable += time.Since(start)
		held = max(held, drain(func() bool { return len(w.runs.rows) == benchRuns }))
		listed += time.Since(start)
		drain(func() bool { return w.estimate.params.text.text.Text != unknown && !w.lib.scanning })
	}
	b.ReportMetric(ms(usable)/float64(b.N), "ms-usable")
	b.ReportMetric(ms(listed)/float64(b.N), "ms-listed")
	b.ReportMetric(ms(held), "ms-of-UI-longest")
}

// BenchmarkScrollLibrary scrolls through the list and prints the UI goroutine's time for a frame: the
// rows alone, and with painting in software, which a screen's GPU does in its place.
func BenchmarkScrollLibrary(b *testing.B) {
	w, drain := benchWindow(b, benchFolder(b))
	drain(func() bool { return len(w.runs.rows) == benchRuns })
	c := w.win.Canvas()
	c.Capture()
	var rows, painted []time.Duration
	end := float32(benchRuns) * 40
	for i := 0; b.Loop(); i++ {
		at := float32(i*23) - end*float32(int(float32(i*23)/end)) // down to the end, and again
		start := time.Now()
		w.runs.list.ScrollToOffset(at)
		rows = append(rows, time.Since(start))
		if i%10 == 0 {
			start = time.Now()
			c.Capture()
			painted = append(painted, time.Since(start))
		}
	}
	for name, d := range map[string][]time.Duration{"rows": rows, "painted": painted} {
		slices.Sort(d)
		b.ReportMetric(ms(d[len(d)/2]), "ms-"+name+"-median")
		b.ReportMetric(ms(d[len(d)*99/100]), "ms-"+name+"-p99")
	}
}

// BenchmarkShowRun puts a stored run of 10,000 steps on the charts: the time until its metrics are there,
// and the longest call on the UI goroutine meanwhile.
func BenchmarkShowRun(b *testing.B) {
	w, drain := benchWindow(b, benchFolder(b))
	drain(func() bool { return len(w.runs.rows) == benchRuns })
	var held time.Duration
	i := 0
	for b.Loop() {
		r := w.lib.runs[i%benchRuns]
		start := time.Now()
		w.showRun(r, true)
		held = max(held, time.Since(start), drain(r.hasData))
		w.forget(r)
		r.phase, r.series, r.shown = metricsUnread, nil, false
		i++
	}
	b.ReportMetric(ms(held), "ms-of-UI-longest")
}

// BenchmarkCompare builds the table of 8 runs of 10,000 steps: all of it, and again when nothing came.
func BenchmarkCompare(b *testing.B) {
	w, drain := benchWindow(b, benchFolder(b))
	drain(func() bool { return len(w.runs.rows) == benchRuns })
	for _, r := range w.lib.runs[:8] {
		w.showRun(r, true)
		drain(func() bool { return w.enrolled(r) })
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			for _, r := range w.session {
				r.best = nil
			}
			newComparison(w.session, 5000)
		}
	})
	b.Run("live", func(b *testing.B) {
		for b.Loop() {
			newComparison(w.session, 5000)
		}
	})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
