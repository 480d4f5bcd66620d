package ui

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
)

// callBudget is the longest that a call may hold the UI goroutine.
const callBudget = 4 * time.Millisecond

// What the window of the benchmark holds, besides a folder of benchRuns runs.
const (
	budgetPoints  = 50_000
	budgetRepeats = 6
)

// budgetVariants are the runs of the session.
var budgetVariants = []string{"pre", "post", "hybrid", "hybrid_star", "mix_ln", "deepnorm", "sandwich", "peri_ln"}

// stroke is something a person or the trainer does to the window. Only do is timed.
type stroke struct {
	name       string
	before, do func()
	after      func()
	until      func() bool // tells that the answer has come; nil: none is awaited
}

// spell is how long a call held the UI goroutine: by the clock, and in processor time of its thread.
type spell struct{ clock, cpu time.Duration }

// taken is how long a stroke held the UI goroutine, repeat by repeat: its call, the longest of the
// functions that were dispatched in answer, and the layout before the next frame.
type taken struct {
	name                 string
	call, answer, layout []spell
}

// stopwatch is a window whose UI goroutine is the benchmark's, with a clock on every call.
type stopwatch struct {
	*Window
	b     *testing.B
	root  string
	queue chan func()
	jobs  []*fakeJob
	now   string // what is being done
	all   []*taken
	mins  map[fyne.CanvasObject]fyne.Size // as the driver keeps them
	quiet int                             // goroutines when nothing is under way
	row   int                             // of the job at work, up to which its run has taken it in
}

// BenchmarkBudget does everything a person can do to a window with 8 runs of 50,000 points and 200 in the
// list, at rest and while it trains, and prints how long each held the UI goroutine, the slowest first.
// Painting is the driver's and not in it; laying out before a frame is. A CPU profile names what it belongs
// to by the label "stroke".
func BenchmarkBudget(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	budgetHome(b)
	root := benchFolder(b)
	for b.Loop() {
		first := map[string]*taken{}
		for range budgetRepeats {
			s := newStopwatch(b, root)
			s.firstTime(first)
			s.end()
		}
		s := newStopwatch(b, root)
		for _, v := range budgetVariants {
			s.setup.setVariant(v)
			s.setup.steps.SetText(fmt.Sprint(budgetPoints))
			s.trained(budgetPoints)
		}
		s.atRest()
		s.inTraining()
		s.inRace()
		s.end()
		s.all = slices.AppendSeq(s.all, maps.Values(first))
		s.print()
	}
}

// budgetHome makes a home with the folders that file dialogs look for.
func budgetHome(b *testing.B) {
	home := b.TempDir()
	b.Setenv("HOME", home)
	for _, name := range []string{"Desktop", "Documents", "Downloads", "Music", "Pictures", "Videos"} {
		if err := os.Mkdir(filepath.Join(home, name), 0o755); err != nil {
			b.Fatal(err)
		}
	}
}

// newStopwatch opens a window over a folder of runs.
func newStopwatch(b *testing.B, root string) *stopwatch {
	app := test.NewTempApp(b)
	app.Settings().SetTheme(newTheme(Dark, 1))
	s := &stopwatch{b: b, root: root, queue: make(chan func(), 1024), mins: map[fyne.CanvasObject]fyne.Size{}}
	win := app.NewWindow("Evenkeel")
	start := func(c trainer.Config) (Job, error) {
		j := newFakeJob(c)
		s.jobs = append(s.jobs, j)
		return j, nil
	}
	goOn := func(path string, steps int) (Job, error) {
		c := s.current.cfg
		c.Steps = steps
		j, err := start(c)
		j.(*fakeJob).snap.RunPath = path
		return j, err
	}
	s.Window = New(Options{
		Window: win, Dispatch: func(f func()) { s.queue <- f }, RunsDir: s.root,
		ExportDir: b.TempDir(), StateDir: b.TempDir(),
		Start: start, Poll: time.Hour, // the benchmark looks instead
		Steer: Steering{Resume: goOn, RollBack: func(path string, _ float64) (Job, error) {
			return goOn(path, budgetPoints)
		}},
		Open: func(context.Context, string, int) (Speaker, error) { return nil, errNothing },
	})
	win.Resize(DefaultSize)
	s.wait("the list", func() bool { return len(s.runs.rows) == benchRuns })
	s.wait("the estimate", func() bool { return s.estimate.params.text.text.Text != unknown })
	return s
}

// begun presses Train and lets some steps pass, which its run will show when it ends or is seen.
func (s *stopwatch) begun(steps int) *fakeJob {
	if s.Train(); s.state != Preparing {
		s.b.Fatal("the form cannot be trained")
	}
	s.wait("the job", func() bool { return s.current.job != nil })
	s.row = 0
	j := s.current.job.(*fakeJob)
	s.steps(j, steps)
	return j
}

// steps lets a job go on.
func (s *stopwatch) steps(j *fakeJob, n int) {
	if n == 0 {
		return
	}
	j.steps(n)
	j.set(func(t *trainer.Snapshot) { t.RunPath = filepath.Join(s.root, "session") })
}

// pull moves what a job has measured to the run at work, as its poller does on its goroutine.
func (s *stopwatch) pull(j *fakeJob) { s.row = s.current.pull(j.history, s.row) }

// seen takes what is new of the job at work in, as the poller does.
func (s *stopwatch) seen() {
	s.look(s.current)
}

// trained trains what the form says to its end.
func (s *stopwatch) trained(steps int) {
	s.ended(s.begun(steps))
}

// ended lets a job end.
func (s *stopwatch) ended(j *fakeJob) {
	r := s.current
	j.enter(trainer.Done, "")
	s.wait("the end", func() bool { return r.state == Done })
}

// end lets every job end, so that no goroutine outlives the benchmark.
func (s *stopwatch) end() {
	for _, j := range s.jobs {
		if !j.Snapshot().State.Final() {
			j.enter(trainer.Stopped, "")
		}
	}
	s.wait("the end of all jobs", func() bool { return !looks[s.state].live })
	s.settle()
	s.lib.writing.wait()
}

// wait runs what is dispatched until a condition holds, and gives the longest that took.
func (s *stopwatch) wait(what string, ok func() bool) (longest spell) {
	end := time.After(time.Minute)
	for !ok() {
		select {
		case f := <-s.queue:
			longest = longer(longest, s.clocked("an answer", f))
		case <-end:
			s.b.Fatalf("waited in vain for %s", what)
		}
	}
	return longest
}

// settle runs what is dispatched until no goroutine has anything to do, and gives the longest that took.
func (s *stopwatch) settle() (longest spell) {
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
		select {
		case f := <-s.queue:
			longest = longer(longest, s.clocked("an answer", f))
		default:
			if runtime.NumGoroutine() <= s.quiet && len(s.queue) == 0 {
				return longest
			}
			time.Sleep(time.Millisecond)
		}
	}
	return longest
}

// clocked runs a function; a profile tells by the label what it belongs to.
func (s *stopwatch) clocked(part string, f func()) (t spell) {
	pprof.Do(context.Background(), pprof.Labels("stroke", s.now+": "+part), func(context.Context) {
		clock, cpu := time.Now(), threadTime()
		f()
		t.cpu, t.clock = threadTime()-cpu, time.Since(clock)
	})
	return t
}

func longer(a, b spell) spell {
	if b.cpu > a.cpu {
		return b
	}
	return a
}

// frame does what the driver does before it paints, and hands it the charts: every object says how large
// it must be, and a parent is laid out when that has changed for a child.
func (s *stopwatch) frame() {
	var lay fyne.CanvasObject // whose child changed
	var walk func(o, parent fyne.CanvasObject)
	walk = func(o, parent fyne.CanvasObject) {
		if !o.Visible() {
			return
		}
		for _, child := range children(o) {
			walk(child, o)
		}
		if lay == o {
			layOut(o)
			lay = nil
		}
		if r, ok := o.(*canvas.Raster); ok {
			r.Generator(int(o.Size().Width), int(o.Size().Height))
		}
		if m := o.MinSize(); s.mins[o] != m {
			s.mins[o] = m
			if lay = parent; parent == nil {
				layOut(o)
			}
		}
	}
	c := s.win.Canvas()
	c.Content().MinSize()
	walk(c.Content(), nil)
	for _, o := range c.Overlays().List() {
		walk(o, nil)
	}
}

func children(o fyne.CanvasObject) []fyne.CanvasObject {
	switch o := o.(type) {
	case *fyne.Container:
		return o.Objects
	case fyne.Widget:
		return test.WidgetRenderer(o).Objects()
	}
	return nil
}

func layOut(o fyne.CanvasObject) {
	switch o := o.(type) {
	case *fyne.Container:
		if o.Layout != nil {
			o.Layout.Layout(o.Objects, o.Size())
		}
	case fyne.Widget:
		test.WidgetRenderer(o).Layout(o.Size())
	}
}

// measure does each stroke some times.
func (s *stopwatch) measure(when string, strokes ...stroke) {
	s.rest()
	for _, d := range strokes {
		s.now = d.name + when
		t := &taken{name: s.now}
		runtime.GC()
		for range budgetRepeats {
			s.once(t, d)
		}
		s.all = append(s.all, t)
	}
}

func (s *stopwatch) once(t *taken, d stroke) {
	if d.before != nil {
		d.before()
		s.frame()
		s.settle()
	}
	t.call = append(t.call, s.clocked("call", d.do))
	layout := s.clocked("layout", s.frame)
	var answer spell
	if d.until != nil {
		answer = s.wait(d.name, d.until)
	}
	t.answer = append(t.answer, longer(answer, s.settle()))
	t.layout = append(t.layout, longer(layout, s.clocked("layout", s.frame)))
	s.unfold()
	if d.after != nil {
		d.after()
	}
	s.frame()
	s.settle()
}

// rest waits until all is still, and notes how many goroutines there are then.
func (s *stopwatch) rest() {
	s.frame()
	for n := -1; n != runtime.NumGoroutine(); {
		n = runtime.NumGoroutine()
		s.quiet = n - 1
		s.settle()
	}
	s.quiet++
}

// unfold takes away menus and dialogs.
func (s *stopwatch) unfold() {
	s.win.Canvas().Unfocus()
	for {
		top := s.win.Canvas().Overlays().Top()
		if top == nil {
			return
		}
		top.Hide()
		s.win.Canvas().Overlays().Remove(top)
	}
}

// cpu gives the times of the processor in order.
func cpu(d []spell) []time.Duration {
	var all []time.Duration
	for _, t := range d {
		all = append(all, t.cpu)
	}
	slices.Sort(all)
	return all
}

// typical is the median.
func typical(d []spell) time.Duration { return cpu(d)[len(d)/2] }

func (t *taken) worst() time.Duration {
	return max(typical(t.call), typical(t.answer), typical(t.layout))
}

// waited tells how long a call takes by the clock when that is much longer than the processor is at work.
func (t *taken) waited() string {
	least := slices.MinFunc(t.call, func(a, b spell) int { return cmp.Compare(a.clock, b.clock) }).clock
	if least < callBudget || least < 2*typical(t.call) {
		return ""
	}
	return fmt.Sprintf(", %.0f ms by the clock", ms(least))
}

// print writes the table of what took half the budget or more.
func (s *stopwatch) print() {
	slices.SortStableFunc(s.all, func(a, b *taken) int { return cmp.Compare(b.worst(), a.worst()) })
	fmt.Printf("\nMilliseconds that held the UI goroutine, median and longest of %d\n", budgetRepeats)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "call\t\tanswers\t\tlayout\t\t ")
	over, shown := 0, 0
	for _, t := range s.all {
		if t.worst() > callBudget {
			over++
		}
		if t.worst() < callBudget/2 {
			break
		}
		shown++
		for _, d := range [][]spell{t.call, t.answer, t.layout} {
			fmt.Fprintf(w, "%.1f\t%.1f\t", ms(typical(d)), ms(cpu(d)[len(d)-1]))
		}
		fmt.Fprintf(w, "\t%s%s\n", t.name, t.waited())
	}
	w.Flush()
	fmt.Printf("%d of %d are above the budget of %.0f ms, %d are below half of it.\n\n",
		over, len(s.all), ms(callBudget), len(s.all)-shown)
}
