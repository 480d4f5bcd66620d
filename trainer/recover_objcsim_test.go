//go:build objcsim && !darwin

package trainer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/objcsim"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// troubled is the GPU behind the stand-in, which can be told to fail more than once.
type troubled struct {
	gpu.Driver
	reject  atomic.Pointer[string] // text of the library that is rejected
	wrong   atomic.Pointer[[2]string]
	refused atomic.Int64 // buffers to be refused, from the next on
	ending  atomic.Pointer[ending]
	// After so many updates the dispatch of that number, from 1, times out.
	updates, dispatches atomic.Int64
}

// timeout is the emulator's fault.
func (d *troubled) timeout(_ int, kernel string) error {
	if d.updates.Load() <= 0 && d.dispatches.Add(-1) == 0 {
		return emulator.ErrTimeout
	}
	if kernel == "adamw" {
		d.updates.Add(-1)
	}
	return nil
}

// ending is how command buffers end: from the n-th on, as many as there are, by err; a nil err gives no
// command buffer at all. then, if there is one, is called when it begins.
type ending struct {
	after, times int
	err          error
	then         func()
}

func (d *troubled) Compile(name, source string) (gpu.Library, error) {
	if r := d.reject.Load(); r != nil && strings.Contains(source, *r) {
		return nil, errors.New("program_source:12:3: error: use of undeclared identifier")
	}
	if w := d.wrong.Load(); w != nil {
		source = strings.ReplaceAll(source, w[0], w[1])
	}
	return d.Driver.Compile(name, source)
}

func (d *troubled) Buffer(bytes int) (gpu.Buffer, error) {
	if d.refused.Add(-1) >= 0 {
		return nil, errors.New("no memory")
	}
	return d.Driver.Buffer(bytes)
}

// due tells whether the next command buffer fails.
func (d *troubled) due() *ending {
	e := d.ending.Load()
	if e == nil {
		return nil
	}
	if e.after--; e.after >= 0 || e.times == 0 {
		return nil
	}
	e.times--
	if e.then != nil {
		e.then()
	}
	return e
}

func (d *troubled) Commands() (gpu.Commands, error) {
	e := d.due()
	if e != nil && e.err == nil {
		return nil, errors.New("no command buffer")
	}
	c, err := d.Driver.Commands()
	if e != nil && err == nil {
		return ended{c, e.err}, nil
	}
	return c, err
}

// ended is a command buffer that runs and then says that it failed.
type ended struct {
	gpu.Commands
	err error
}

func (c ended) Commit() (gpu.Pending, error) {
	p, err := c.Commands.Commit()
	return endedRun{p, c.err}, err
}

type endedRun struct {
	gpu.Pending
	err error
}

func (p endedRun) Wait() (time.Duration, error) {
	took, _ := p.Pending.Wait()
	return took, p.err
}

// standIn puts the emulator behind the stand-in Metal for a test, with the verdict of the check before a
// first use in a folder that all tests share.
func standIn(t *testing.T) *troubled {
	t.Helper()
	d := &troubled{}
	emu, err := emulator.Open(emulator.Options{Mode: emulator.Fast, Faults: emulator.Faults{Dispatch: d.timeout}})
	emutest.Need(t, err)
	d.Driver = emu
	objcsim.Use(d)
	objcsim.Inject(objcsim.Faults{})
	verdicts := verdictDir
	verdictDir = sharedVerdicts
	t.Cleanup(func() {
		verdictDir = verdicts
		objcsim.Inject(objcsim.Faults{})
		objcsim.Use(nil)
		emu.Close()
	})
	return d
}

var sharedVerdicts = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "verdicts")
	if err != nil {
		panic(err)
	}
	return dir
})

// small is a job of a second on the stand-in.
func small(t *testing.T, device string) Config {
	c := tiny(t)
	c.Model.Layers, c.Model.Seq, c.Steps, c.Device = 1, 16, 16, device
	c.EvalEvery, c.SampleEvery, c.SampleTokens, c.CheckpointEvery = 5, 8, 3, 6
	return c
}

// A GPU that computes wrongly trains nothing: auto takes the CPU, the GPU by name is refused, and the
// verdict is remembered until the GPU is asked for by name. Repaired, it passes; that verdict serves the
// tests below.
func TestDarwinkitWrongKernels(t *testing.T) {
	d := standIn(t)
	d.wrong.Store(&[2]string{"(1.0f + g * rest)", "(1.0f + g)"})
	r := attend(t, start(t, small(t, "auto"), t.TempDir()))
	said := strings.Join(r.Notes, "\n")
	if r.State != Done || strings.Contains(r.Device, "Emulator") || !strings.Contains(said, "computes wrong numbers") {
		t.Errorf("auto: %s on %q: %v\n%s", r.State, r.Device, r.err, said)
	}
	text, err := os.ReadFile(filepath.Join(verdictDir(), "first-use.json"))
	if err != nil || !strings.Contains(string(text), "computes wrong numbers") {
		t.Errorf("the verdict is not kept: %v\n%s", err, text)
	}
	r = attend(t, start(t, small(t, "gpu"), t.TempDir()))
	if r.State != Failed || !strings.Contains(r.Reason, "swiglu_grad") || r.RunPath != "" {
		t.Errorf("gpu: %s: %s", r.State, r.Reason)
	}
	j, err := Start(small(t, "auto"), Options{Root: t.TempDir(), Ask: true})
	if err != nil {
		t.Fatal(err)
	}
	if r = attend(t, j); r.State != Done || !strings.Contains(strings.Join(r.Notes, "\n"), "was chosen") {
		t.Errorf("asked: %s: %v\n%s", r.State, r.err, r.Notes)
	}
	d.wrong.Store(nil)
	if r = attend(t, start(t, small(t, "auto"), t.TempDir())); strings.Contains(r.Device, "Emulator") {
		t.Error("auto does not know the verdict")
	}
	for _, device := range []string{"gpu", "auto"} {
		r = attend(t, start(t, small(t, device), t.TempDir()))
		if r.State != Done || !strings.Contains(r.Device, "Emulator") {
			t.Errorf("repaired, yet %s is %s on %q: %v", device, r.State, r.Device, r.err)
		}
	}
}

// report is how a job ended, with all it left behind.
type report struct {
	Snapshot
	err    error
	losses []float64
	vals   []float64
	events string
}

// attend waits for a job, answers its question with the CPU, and looks at the run folder: one row a step,
// and a newest checkpoint that is whole.
func attend(t *testing.T, j *Job) report {
	t.Helper()
	for asked := false; ; {
		select {
		case <-j.Done():
		case <-time.After(time.Millisecond):
			if j.Snapshot().State == Asking && !asked {
				asked = true
				j.UseCPU()
			}
			continue
		}
		break
	}
	r := report{Snapshot: j.Snapshot(), err: j.Wait()}
	steps, losses := j.History().Column(KeyLoss, 0)
	r.losses = losses
	_, r.vals = j.History().Column(KeyValLoss, 0)
	for i, s := range steps {
		if s != int64(i+1) {
			t.Fatalf("row %d of the history is of step %d", i, s)
		}
	}
	if r.RunPath == "" {
		return r
	}
	run, err := runs.Open(r.RunPath)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	m, err := run.Metrics()
	if err != nil || len(m.Steps) != len(steps) {
		t.Errorf("%d rows in the run folder, %d in the history: %v", len(m.Steps), len(steps), err)
	}
	for i := range m.Steps {
		if m.Steps[i] != int64(i+1) {
			t.Errorf("row %d of the run folder is of step %d", i, m.Steps[i])
		}
	}
	if _, broken, err := run.LatestVerified(t.Context(), nil); err != nil || len(broken) > 0 {
		t.Errorf("the newest checkpoint: %v, broken ones: %v", err, broken)
	}
	events, err := run.Events()
	if err != nil {
		t.Error(err)
	}
	for _, e := range events {
		r.events += fmt.Sprintln(e.Kind, e.Text)
	}
	return r
}

// TestDarwinkitFaults injects every fault into a job that trains through darwinkit. Each ends in recovery,
// with the losses of an undisturbed run, or in a sentence that names a way on.
func TestDarwinkitFaults(t *testing.T) {
	standIn(t)
	calm := attend(t, start(t, small(t, "gpu"), t.TempDir()))
	if calm.State != Done || calm.err != nil || !strings.Contains(calm.Device, "Emulator") {
		t.Fatalf("undisturbed: %s on %q: %v", calm.State, calm.Device, calm.err)
	}
	const (
		sameBits = 0
		rounding = 1e-4
		noRun    = -1 // the job fails
	)
	inject := func(f objcsim.Faults) func(*troubled) { return func(*troubled) { objcsim.Inject(f) } }
	end := func(e ending) func(*troubled) { return func(d *troubled) { d.ending.Store(&e) } }
	lost := errors.New("Caused GPU Hang Error")
	memory, timeout := emulator.ErrOutOfMemory, emulator.ErrTimeout
	for _, c := range []struct {
		name   string
		device string
		ask    bool
		fault  func(*troubled)
		within float64
		cpu    bool   // the run ends on the CPU
		says   string // in a note, or in the error
	}{
		{"no device, auto", "auto", false, inject(objcsim.Faults{NoDevice: true}), rounding, true, "offers no GPU"},
		{"no device, gpu", "gpu", false, inject(objcsim.Faults{NoDevice: true}), noRun, false, "use the cpu device"},
		{"queue refused, auto", "auto", false, inject(objcsim.Faults{Queue: true}), rounding, true, "no command queue"},
		{"queue refused, gpu", "gpu", false, inject(objcsim.Faults{Queue: true}), noRun, false, "use the cpu device"},
		{"pipeline rejected, auto", "auto", false, inject(objcsim.Faults{Pipeline: "adamw"}), rounding, true, "kernel adamw"},
		{"pipeline rejected, gpu", "gpu", false, inject(objcsim.Faults{Pipeline: "adamw"}), noRun, false, "train on the CPU"},
		{"pipeline rejected, asked", "gpu", true, inject(objcsim.Faults{Pipeline: "adamw"}), rounding, true, "was chosen"},
		{"library rejected, auto", "auto", false, func(d *troubled) { s := "kernel void adamw"; d.reject.Store(&s) },
			rounding, true, "optimizer.metal"},
		{"library rejected, gpu", "gpu", false, func(d *troubled) { s := "kernel void adamw"; d.reject.Store(&s) },
			noRun, false, "optimizer.metal"},
		{"buffer refused, auto", "auto", false, inject(objcsim.Faults{Buffer: 3}), rounding, true, "memory"},
		{"buffer refused, gpu", "gpu", false, inject(objcsim.Faults{Buffer: 3}), noRun, false, "train on the CPU"},
		{"buffers of a program refused, asked", "auto", true, inject(objcsim.Faults{Buffer: 9}), rounding, true, "was chosen"},
		{"timeout at the first dispatch", "auto", false, inject(objcsim.Faults{Dispatch: 1}), sameBits, false, "smaller command buffers"},
		{"timeout in the middle", "gpu", false, inject(objcsim.Faults{Dispatch: 400}), sameBits, false, "smaller command buffers"},
		{"out of memory in the middle", "gpu", false,
			inject(objcsim.Faults{Dispatch: 400, Ending: objcsim.OutOfMemory}), rounding, false, "in 2 parts"},
		{"hang", "gpu", false, end(ending{40, 1, lost, nil}), sameBits, false, "opened anew"},
		{"no command buffer", "auto", false, end(ending{40, 1, nil, nil}), sameBits, false, "opened anew"},
		{"timeouts without end", "gpu", false, end(ending{40, 1e9, timeout, nil}), rounding, true, "continues on the CPU"},
		{"timeouts without end, asked", "gpu", true, end(ending{40, 1e9, timeout, nil}), rounding, true, "waits for a choice"},
		{"no memory without end", "gpu", false, end(ending{60, 1e9, memory, nil}), rounding, true, "continues on the CPU"},
		{"hangs without end", "gpu", false, end(ending{60, 1e9, lost, nil}), rounding, true, "continues on the CPU"},
		{"lost for good", "gpu", false, func(d *troubled) {
			d.ending.Store(&ending{40, 1, lost, func() { objcsim.Inject(objcsim.Faults{NoDevice: true}) }})
		}, rounding, true, "continues on the CPU"},
		{"lost, and back without room", "auto", false, func(d *troubled) {
			d.ending.Store(&ending{40, 1, lost, func() { d.refused.Store(1) }})
		}, rounding, true, "continues on the CPU"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := standIn(t)
			before := objcsim.Live()
			c.fault(d)
			j, err := Start(small(t, c.device), Options{Root: t.TempDir(), Ask: c.ask})
			if err != nil {
				t.Fatal(err)
			}
			r := attend(t, j)
			if n := objcsim.Live(); n > before {
				t.Errorf("%d objects live after the job, %d before", n, before)
			}
			if c.within == noRun {
				if r.State != Failed || !strings.Contains(r.Reason, c.says) || r.RunPath != "" {
					t.Errorf("%s, run folder %q: %s", r.State, r.RunPath, r.Reason)
				}
				return
			}
			if r.State != Done || r.err != nil {
				t.Fatalf("%s: %v", r.State, r.err)
			}
			if cpu := !strings.Contains(r.Device, "Emulator"); cpu != c.cpu {
				t.Errorf("ended on %q", r.Device)
			}
			if said := strings.Join(r.Notes, "\n"); !strings.Contains(said, c.says) {
				t.Errorf("the notes do not say %q:\n%s", c.says, said)
			}
			if !strings.Contains(r.events, c.says) {
				t.Errorf("the events do not say %q:\n%s", c.says, r.events)
			}
			r.follows(t, &calm, c.within)
			t.Log(strings.Join(r.Notes, "\n"))
		})
	}
}

// follows holds a run to an undisturbed one: losses, validations, and each text sampled once.
func (r *report) follows(t *testing.T, calm *report, within float64) {
	t.Helper()
	for i, want := range calm.losses {
		if diff := math.Abs(r.losses[i] - want); !(diff <= within) {
			t.Errorf("the loss of step %d is %.9g, undisturbed %.9g", i+1, r.losses[i], want)
		}
	}
	if len(r.vals) != len(calm.vals) {
		t.Fatalf("%d validations, undisturbed %d", len(r.vals), len(calm.vals))
	}
	for i, want := range calm.vals {
		if diff := math.Abs(r.vals[i] - want); !(diff <= within) {
			t.Errorf("validation %d gives %.9g, undisturbed %.9g", i, r.vals[i], want)
		}
	}
	if got, want := strings.Count(r.events, "sample "), strings.Count(calm.events, "sample "); got != want {
		t.Errorf("%d texts were sampled, undisturbed %d", got, want)
	}
}

// A timeout anywhere, in a step, a validation or a sample, while two steps are in flight and with copies
// between steps, changes no bit of the run.
func TestDarwinkitTimeoutAnywhere(t *testing.T) {
	after := keepAfter
	keepAfter = 0
	defer func() { keepAfter = after }()
	standIn(t)
	c := small(t, "gpu")
	c.Micro = 2
	calm := attend(t, start(t, c, t.TempDir()))
	where := ""
	// The update of step k is followed by a step, a validation after 5 and a sample after 8.
	for _, at := range []struct {
		updates, dispatches int64
		graph               string
	}{{0, 1, "accumulate"}, {3, 1, "update"}, {5, 9, "evaluate"}, {6, 90, "accumulate"}, {8, 9, "decode"}, {13, 30, "accumulate"}} {
		d := standIn(t)
		d.updates.Store(at.updates)
		d.dispatches.Store(at.dispatches)
		r := attend(t, start(t, c, t.TempDir()))
		said := strings.Join(r.Notes, "\n")
		if r.State != Done || !strings.Contains(said, "graph "+at.graph) || !strings.Contains(r.events, "recovered ") {
			t.Errorf("%+v: %s: %v\n%s", at, r.State, r.err, r.events)
			continue
		}
		r.follows(t, &calm, 0)
		where += said + "\n"
	}
	t.Log(where)
}

// A job stopped while it waits for a choice leaves a run that can be resumed, and the resumed run ends as
// an undisturbed one.
func TestDarwinkitStoppedWhileAsking(t *testing.T) {
	d := standIn(t)
	calm := attend(t, start(t, small(t, "gpu"), t.TempDir()))
	d.ending.Store(&ending{40, 1e9, emulator.ErrTimeout, nil})
	j, err := Start(small(t, "gpu"), Options{Root: t.TempDir(), Ask: true})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, j, func(s Snapshot) bool { return s.State == Asking || s.State.Final() })
	s := j.Snapshot()
	if s.State != Asking || !strings.Contains(s.Reason, "cannot go on") {
		t.Fatalf("%s: %s", s.State, s.Reason)
	}
	j.Stop()
	if err := j.Wait(); err != nil || j.Snapshot().State != Stopped {
		t.Fatalf("%s: %v", j.Snapshot().State, err)
	}
	d.ending.Store(nil)
	again, err := Resume(j.Snapshot().RunPath, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := attend(t, again)
	if r.State != Done {
		t.Fatalf("resumed: %s: %v", r.State, r.err)
	}
	for i, want := range calm.losses {
		if r.losses[i] != want {
			t.Errorf("the loss of step %d is %.9g, undisturbed %.9g", i+1, r.losses[i], want)
		}
	}
}
