package ui

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// loop is the UI goroutine of a test: dispatched functions wait in a queue until the test runs them.
type loop struct{ queue chan func() }

func (l *loop) do(f func()) { l.queue <- f }

// until runs queued functions until ok; the deadline only ends a test that failed.
func (l *loop) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(time.Minute)
	for !ok() {
		select {
		case f := <-l.queue:
			f()
		case <-end:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// drain runs what is queued now.
func (l *loop) drain() {
	for {
		select {
		case f := <-l.queue:
			f()
		default:
			return
		}
	}
}

// fakeJob is a job that a test moves by hand.
type fakeJob struct {
	cfg     trainer.Config
	history *trainer.History
	done    chan struct{}

	mu      sync.Mutex
	snap    trainer.Snapshot
	changes uint64
	prompt  string
	saved   int
	calls   []string // what the window asked for
	dir     string   // run folder; empty: one that is not there
}

func newFakeJob(cfg trainer.Config) *fakeJob {
	nan := math.NaN()
	return &fakeJob{
		cfg: cfg, history: trainer.NewHistory(trainer.MetricKeys(cfg.Model.Layers, cfg.Model.Experts)),
		done: make(chan struct{}), changes: 1,
		snap: trainer.Snapshot{State: trainer.Preparing, Reason: "Reading text", Progress: -1, Steps: int64(cfg.Steps),
			Peak: cfg.LR,
			Loss: nan, ValLoss: nan, Floor: nan, GradNorm: nan},
	}
}

func (j *fakeJob) Snapshot() trainer.Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.snap
}

func (j *fakeJob) Changes() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changes
}

func (j *fakeJob) History() *trainer.History { return j.history }
func (j *fakeJob) Config() trainer.Config    { return j.cfg }
func (j *fakeJob) Done() <-chan struct{}     { return j.done }
func (j *fakeJob) Pause()                    { j.called("pause"); j.change(trainer.Running, trainer.Pausing) }
func (j *fakeJob) Continue()                 { j.called("continue"); j.change(trainer.Paused, trainer.Running) }
func (j *fakeJob) UseCPU()                   { j.called("cpu"); j.change(trainer.Asking, trainer.Running) }
func (j *fakeJob) SetPrompt(p string) {
	j.called("prompt")
	j.set(func(*trainer.Snapshot) { j.prompt = p })
}
func (j *fakeJob) SetLearningRate(p float64) error {
	j.called("rate")
	j.set(func(s *trainer.Snapshot) { s.Peak, s.LRAt = p, fmt.Sprintf("%d:%g", s.Step+1, p) })
	return nil
}
func (j *fakeJob) CheckpointNow() {
	j.called("checkpoint")
	j.set(func(*trainer.Snapshot) { j.saved++ })
}

// called notes a call.
func (j *fakeJob) called(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, name)
}

// asked tells whether the window has called something, how often.
func (j *fakeJob) asked(name string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.calls {
		if c == name {
			n++
		}
	}
	return n
}

func (j *fakeJob) Stop() {
	j.called("stop")
	j.set(func(s *trainer.Snapshot) {
		if !s.State.Final() {
			s.State = trainer.Stopping
		}
	})
}

func (j *fakeJob) set(f func(*trainer.Snapshot)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(&j.snap)
	j.changes++
}

func (j *fakeJob) change(from, to trainer.State) {
	j.set(func(s *trainer.Snapshot) {
		if s.State == from {
			s.State = to
		}
	})
}

// enter moves the job to a state; a final one ends it.
func (j *fakeJob) enter(state trainer.State, reason string) {
	j.set(func(s *trainer.Snapshot) { s.State, s.Reason = state, reason })
	if state.Final() {
		close(j.done)
	}
}

// steps runs n steps of a curve that looks like training. Everything is a function of the step.
func (j *fakeJob) steps(n int) {
	L := j.cfg.Model.Layers
	first := int(j.Snapshot().Step)
	val, loss := math.NaN(), 0.0
	for t := first + 1; t <= first+n; t++ {
		x := float64(t)
		noise := math.Sin(x*12.9898) * math.Cos(x*4.1414)
		loss = 1.42 + 3.9*math.Exp(-x/60) + 0.08*noise + 0.1*float64(len(j.cfg.Model.Variant)%3)
		row := make([]float32, 0, 6+3*L+1)
		v := runs.Missing
		if t%25 == 0 {
			val = loss + 0.04
			v = float32(val)
		}
		row = append(row, float32(loss), v, float32(j.cfg.LR), float32(0.6+0.2*noise), 1, 12400)
		for i := range L {
			row = append(row, float32((0.2+0.05*float64(i))*(1+2*math.Exp(-x/30))*(1+0.2*math.Sin(x+float64(i)))))
		}
		for i := range L {
			row = append(row, float32(1+0.3*float64(i)))
		}
		for i := range L {
			row = append(row, float32(2+0.1*float64(i)))
		}
		j.history.Append(int64(t), append(append(row, 0.4), fakeRouting(&j.cfg, t)...))
	}
	j.set(func(s *trainer.Snapshot) {
		s.State, s.Reason = trainer.Running, ""
		s.Step, s.Loss, s.ValLoss, s.Floor, s.GradNorm, s.LR = int64(first+n), loss, val, 1.3127, 0.6, j.cfg.LR
		s.TokensPerSec, s.Elapsed = 12400, time.Duration(first+n)*165*time.Millisecond
		s.ETA = time.Duration(j.cfg.Steps-first-n) * 165 * time.Millisecond
		s.MemoryBytes, s.Device, s.RunPath = 31_200_000, "CPU, 2 threads", cmp.Or(j.dir, "/home/ada/evenkeel/runs/run-0001")
		s.Checkpoint = s.RunPath + "/ckpt/step-00000100"
		s.Sample = trainer.Sample{Step: 100,
			Text: "the small boat turns slowly . a red bird sees the small boat .\nthe bird turns ."}
	})
}

// fakeRouting is what routers that learn to favour some experts would do at step t.
func fakeRouting(c *trainer.Config, t int) []float32 {
	L, E := c.Model.Layers, c.Model.Experts
	if E == 0 {
		return nil
	}
	lean := min(1, float64(t)/100) // how far they have gone
	weight := func(i, e int) float64 { return math.Exp(1.2 * lean * math.Sin(float64(1+e+3*i))) }
	var entropies, busiest, loads []float32
	for i := range L {
		sum, most, entropy := 0.0, 0.0, 0.0
		for e := range E {
			sum += weight(i, e)
		}
		for e := range E {
			p := weight(i, e) / sum
			most, entropy = max(most, p), entropy-p*math.Log(p)
			loads = append(loads, float32(p*float64(c.Batch*c.Model.Seq*c.Model.TopK)))
		}
		entropies, busiest = append(entropies, float32(entropy)), append(busiest, float32(most))
	}
	row := append(make([]float32, 2*L), entropies...)
	return append(append(row, busiest...), loads...)
}

// fixture is a window with a scripted trainer.
type fixture struct {
	*Window
	t    *testing.T
	loop *loop
	jobs []*fakeJob
	fail error    // what the next start answers
	went []string // how runs were gone on with
}

func newFixture(t *testing.T, a Appearance) *fixture {
	t.Helper()
	return newFixtureWith(t, a, func(*Options) {})
}

// newFixtureWith changes what the window gets from outside.
func newFixtureWith(t *testing.T, a Appearance, change func(o *Options)) *fixture {
	t.Helper()
	app := test.NewTempApp(t)
	app.Settings().SetTheme(newTheme(a, 1))
	f := &fixture{t: t, loop: &loop{make(chan func(), 256)}}
	win := app.NewWindow("Evenkeel")
	clock := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	o := Options{
		Window: win, Dispatch: f.loop.do, Poll: time.Millisecond, ExportDir: t.TempDir(), RunsDir: t.TempDir(), StateDir: t.TempDir(), Version: "test",
		Pace: func(context.Context, string, int) (trainer.Pace, error) {
			return trainer.Pace{FLOPS: 80e9, Half: 140, From: "a timed product of matrices"}, nil
		},
		Now: func() time.Time { clock = clock.Add(time.Second); return clock },
		Start: func(c trainer.Config) (Job, error) {
			if f.fail != nil {
				return nil, f.fail
			}
			j := newFakeJob(c)
			f.jobs = append(f.jobs, j)
			return j, nil
		},
	}
	change(&o)
	f.Window = New(o)
	f.opt.Steer = f.steering()
	win.Resize(DefaultSize)
	if c, ok := win.Canvas().(test.WindowlessCanvas); ok {
		c.SetScale(1)
	}
	f.loop.until(t, "the first estimate is shown", func() bool {
		return f.estimate.params.text.text.Text != unknown || f.estimate.problem.Visible()
	})
	t.Cleanup(f.end)
	return f
}

// end lets every job finish, so that no goroutine outlives the test.
func (f *fixture) end() {
	for _, j := range f.jobs {
		if !j.Snapshot().State.Final() {
			j.enter(trainer.Stopped, "")
		}
	}
	f.loop.until(f.t, "all jobs ended", func() bool { return !looks[f.state].live })
	f.loop.drain()
	f.lib.writing.wait() // the folder is removed next
}

// started presses Train and waits for the trainer's answer.
func (f *fixture) started() *fakeJob {
	f.t.Helper()
	n := len(f.jobs)
	f.Train()
	f.loop.until(f.t, "the job is there", func() bool { return f.current.job != nil })
	return f.jobs[n]
}

// settle waits until the visible charts show what there is now.
func (f *fixture) settle() {
	f.win.Canvas().Capture() // tells charts their size
	f.loop.drain()
	var charts []*namedChart
	for _, c := range f.shownCharts() {
		if c.tab == f.tab() && c.view.Figure() != nil {
			charts = append(charts, c)
		}
	}
	for range 2 { // a frame may be in the works when the first is asked for; the second is surely of now
		if charts == nil {
			break
		}
		drawn := map[*namedChart]int{}
		for _, c := range charts {
			drawn[c] = c.view.Frames()
			c.view.Refresh()
		}
		f.win.Canvas().Capture() // takes the frames before, if they were not taken yet
		for c, n := range drawn {
			f.loop.until(f.t, "a frame is drawn", func() bool { return c.view.Frames() > n })
		}
	}
	f.loop.drain()
}

// picture renders the window at 1x.
func (f *fixture) picture() image.Image {
	f.loop.drain()
	c := f.win.Canvas()
	if wc, ok := c.(test.WindowlessCanvas); ok { // the test canvas lays out on a resize only
		s := c.Size()
		wc.Resize(s.AddWidthHeight(1, 0))
		wc.Resize(s)
	}
	f.settle()
	return c.Capture()
}

func writePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	w, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	small := png.Encoder{CompressionLevel: png.BestCompression}
	if err := small.Encode(w, img); err != nil {
		t.Fatal(err)
	}
}
