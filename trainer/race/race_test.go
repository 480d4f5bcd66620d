package race

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a job that a test moves by hand.
type scripted struct {
	cfg     trainer.Config
	history *trainer.History
	done    chan struct{}

	mu      sync.Mutex
	snap    trainer.Snapshot
	changes uint64
	stopped int
}

func newScripted(c trainer.Config) *scripted {
	return &scripted{cfg: c, history: trainer.NewHistory([]string{trainer.KeyLoss, trainer.KeyValLoss}),
		done: make(chan struct{}), snap: trainer.Snapshot{State: trainer.Preparing, Steps: int64(c.Steps)}}
}

func (j *scripted) Snapshot() trainer.Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.snap
}

func (j *scripted) Changes() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changes
}

func (j *scripted) History() *trainer.History { return j.history }
func (j *scripted) Done() <-chan struct{}     { return j.done }

func (j *scripted) Stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopped++
	if !j.snap.State.Final() {
		j.snap.State = trainer.Stopped
		close(j.done)
	}
}

// step measures one step in a second; val is NaN where it is not validated.
func (j *scripted) step(loss, val float64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &j.snap
	s.State = trainer.Running
	s.Step++
	s.Loss, s.TokensPerSec, s.Elapsed = loss, 1000, time.Duration(s.Step)*time.Second
	s.ETA = time.Duration(s.Steps-s.Step) * time.Second
	j.history.Append(s.Step, []float32{float32(loss), float32(val)})
	j.changes++
}

func (j *scripted) end(state trainer.State, reason string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.snap.State, j.snap.Reason, j.snap.ETA = state, reason, 0
	j.changes++
	close(j.done)
}

// stage hands the jobs of a race to the test, one after another.
type stage struct {
	*Race
	t    *testing.T
	jobs chan *scripted
}

func raceOf(t *testing.T, variants []string, seeds, steps int) *stage {
	t.Helper()
	s := &stage{t: t, jobs: make(chan *scripted)}
	base := trainer.DefaultConfig()
	r, err := Start(Plan{Base: base, Variants: variants, Seeds: seeds, Steps: steps},
		func(c trainer.Config) (Job, error) {
			j := newScripted(c)
			s.jobs <- j
			return j, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	s.Race = r
	return s
}

// run lets the next job train with falling losses from a start and end.
func (s *stage) run(steps int, from float64, end trainer.State) *scripted {
	j := <-s.jobs
	for i := range steps {
		val := math.NaN()
		if i == steps-1 && end == trainer.Done {
			val = from
		}
		j.step(from+float64(steps-1-i), val)
	}
	j.end(end, "the reason")
	return j
}

func TestOrderAndEqualData(t *testing.T) {
	p := Plan{Base: trainer.DefaultConfig(), Variants: []string{"pre", "hybrid_star"}, Seeds: 3, Steps: 77}
	p.Base.Name, p.Base.Seed = "mine", 5
	list, err := p.Configs()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprintf("%s %d", c.Model.Variant, c.Seed))
		same := c
		same.Name, same.Seed, same.Steps, same.Model.Variant = p.Base.Name, p.Base.Seed, p.Base.Steps, p.Base.Model.Variant
		if fmt.Sprintf("%+v", same) != fmt.Sprintf("%+v", p.Base) || c.Steps != 77 || c.Name != "" {
			t.Errorf("a run differs from the base in more than variant, seed, steps and name: %+v", c)
		}
	}
	want := []string{"pre 5", "hybrid_star 5", "pre 6", "hybrid_star 6", "pre 7", "hybrid_star 7"}
	if !slices.Equal(got, want) {
		t.Errorf("the order is %q, want %q", got, want)
	}
}

func TestBadPlans(t *testing.T) {
	odd := trainer.DefaultConfig()
	odd.Model.Heads = 5
	late := trainer.DefaultConfig()
	late.Seed = math.MaxUint64 - 1
	if list, err := (&Plan{Base: late, Variants: []string{"pre"}, Seeds: 2}).Configs(); err != nil ||
		list[1].Seed != math.MaxUint64 {
		t.Errorf("the last two seeds are refused: %v", err)
	}
	for _, c := range []struct {
		p    Plan
		says string
	}{
		{Plan{Seeds: 1}, "at least one variant"},
		{Plan{Variants: strings.Fields("a b c d e f g"), Seeds: 1}, "at most 6"},
		{Plan{Variants: []string{"pre"}}, "0 seeds"},
		{Plan{Variants: []string{"pre"}, Seeds: 1, Steps: -1}, "-1 steps"},
		{Plan{Variants: []string{"pre", "pre"}, Seeds: 1}, "twice"},
		{Plan{Variants: []string{"prre"}, Seeds: 1}, `did you mean "pre"`},
		{Plan{Base: odd, Variants: []string{"pre"}, Seeds: 1}, "heads"},
		{Plan{Base: late, Variants: []string{"pre"}, Seeds: 3}, "no 3 seeds from 18446744073709551614 on"},
	} {
		if c.p.Base.Batch == 0 {
			c.p.Base = trainer.DefaultConfig()
		}
		r, err := Start(c.p, nil)
		if r != nil || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.p.Variants, err, c.says)
		}
	}
}

// TestDivergedIsAResult: the race goes on, and the table tells what is missing.
func TestDivergedIsAResult(t *testing.T) {
	s := raceOf(t, []string{"post", "hybrid"}, 2, 4)
	s.run(3, 9, trainer.Diverged)
	s.run(4, 2.0, trainer.Done)
	s.run(4, 1.0, trainer.Done)
	s.run(4, 3.0, trainer.Done)
	<-s.Done()
	snap := s.Snapshot()
	if snap.State != Done || snap.Now != 4 || snap.Step != 15 || snap.Steps != 15 || snap.ETA != 0 {
		t.Errorf("the end is %s, run %d, %d of %d steps, ETA %s", snap.State, snap.Now, snap.Step, snap.Steps, snap.ETA)
	}
	rows := snap.Standings()
	post, hybrid := rows[0], rows[1]
	if post.Diverged != 1 || post.Finished != 1 || post.Final != (Spread{1, 1, 1, 1}) ||
		post.Results[0].Reason != "the reason" || !math.IsNaN(post.Results[0].Final) || post.Results[0].Step != 3 {
		t.Errorf("Post-Norm came to %+v", post)
	}
	if hybrid.Title != "HybridNorm" || hybrid.Final != (Spread{2.5, 2, 3, 2}) || hybrid.Best != hybrid.Final ||
		hybrid.Diverged != 0 || hybrid.Train != (Spread{4, 3.5, 4.5, 2}) || hybrid.TokensPerSec.Mean != 1000 {
		t.Errorf("HybridNorm came to %+v", hybrid)
	}
	// The mean of the one seed that Post-Norm finished is lower, and yet it does not win.
	if first := snap.Ranked()[0]; first.Variant != "hybrid" {
		t.Errorf("%s is ranked first", first.Variant)
	}
}

func TestProgressAndETA(t *testing.T) {
	s := raceOf(t, []string{"pre", "post"}, 2, 10)
	s.run(10, 2, trainer.Done)
	j := <-s.jobs
	before := s.Changes()
	for range 4 {
		j.step(3, math.NaN())
	}
	if s.Changes() == before {
		t.Error("Changes does not move with the job")
	}
	snap := s.Snapshot()
	// 6 s of this run are left and two runs of 10 steps at a second each.
	if snap.Step != 14 || snap.Steps != 40 || snap.ETA != 26*time.Second || snap.Now != 1 || snap.State != Running {
		t.Errorf("%d of %d steps, ETA %s, run %d, %s", snap.Step, snap.Steps, snap.ETA, snap.Now, snap.State)
	}
	if r := snap.Ranked(); r[0].Variant != "pre" || r[1].Finished != 0 || !math.IsNaN(r[1].Final.Mean) {
		t.Errorf("half way the ranks are %+v", r)
	}
	s.Cancel()
	s.Cancel()
	<-s.Done()
	snap = s.Snapshot()
	if snap.State != Cancelled || j.stopped != 1 || snap.Runs[2].Begun || snap.Cancelling {
		t.Errorf("after Cancel: %s, stopped %d times, third run begun: %v", snap.State, j.stopped, snap.Runs[2].Begun)
	}
}

// TestCancelBeforeTheJobIsThere: Cancel comes while a run is being started.
func TestCancelBeforeTheJobIsThere(t *testing.T) {
	begin, cancelled := make(chan struct{}), make(chan struct{})
	var job *scripted
	r, err := Start(Plan{Base: trainer.DefaultConfig(), Variants: []string{"pre"}, Seeds: 2},
		func(c trainer.Config) (Job, error) {
			close(begin)
			<-cancelled
			job = newScripted(c)
			return job, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	<-begin
	r.Cancel()
	if !r.Snapshot().Cancelling {
		t.Error("the snapshot does not say that the race is being cancelled")
	}
	close(cancelled)
	<-r.Done()
	if s := r.Snapshot(); s.State != Cancelled || job.stopped != 1 {
		t.Errorf("%s, the job was stopped %d times", s.State, job.stopped)
	}
}

// TestStopOfARunEndsTheRace: whoever stops the run by hand does not want the rest.
func TestStopOfARunEndsTheRace(t *testing.T) {
	s := raceOf(t, []string{"pre", "post"}, 1, 5)
	(<-s.jobs).Stop()
	<-s.Done()
	if snap := s.Snapshot(); snap.State != Cancelled {
		t.Errorf("the race is %s", snap.State)
	}
}

func TestFailures(t *testing.T) {
	s := raceOf(t, []string{"pre", "post"}, 1, 5)
	s.run(2, 3, trainer.Failed)
	<-s.Done()
	if snap := s.Snapshot(); snap.State != Failed || snap.Reason != "the reason" || snap.Runs[1].Begun {
		t.Errorf("after a failed run: %s, %q", snap.State, snap.Reason)
	}
	r, err := Start(Plan{Base: trainer.DefaultConfig(), Variants: []string{"pre"}, Seeds: 1},
		func(trainer.Config) (Job, error) { return nil, errors.New("no disk") })
	if err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	if snap := r.Snapshot(); snap.State != Failed || snap.Reason != "no disk" {
		t.Errorf("after a failed start: %s, %q", snap.State, snap.Reason)
	}
}

// TestRacesForReal trains two variants with two seeds on the same data and keeps four runs.
func TestRacesForReal(t *testing.T) {
	c := trainer.DefaultConfig()
	c.Preset = ""
	c.Model.Layers, c.Model.D, c.Model.Heads, c.Model.FFN, c.Model.Seq = 2, 16, 2, 16, 16
	c.Batch, c.DataBytes, c.Device, c.Threads = 2, 40_000, "cpu", 1
	c.EvalEvery, c.EvalBatches, c.SampleEvery, c.CheckpointEvery = 10, 1, 0, 0
	root := t.TempDir()
	r, err := Start(Plan{Base: c, Variants: []string{"pre", "hybrid_star"}, Seeds: 2, Steps: 20},
		func(c trainer.Config) (Job, error) {
			j, err := trainer.Start(c, trainer.Options{Root: root})
			if err != nil {
				return nil, err
			}
			return j, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	snap := r.Snapshot()
	if snap.State != Done || snap.Step != 80 || snap.Elapsed <= 0 {
		t.Fatalf("%s %q, %d steps in %s", snap.State, snap.Reason, snap.Step, snap.Elapsed)
	}
	for _, row := range snap.Standings() {
		if row.Finished != 2 || row.Final.N != 2 || !(row.Final.Low < row.Final.High) || !(row.Best.Mean <= row.Final.Mean) ||
			!(row.TokensPerSec.Mean > 0) {
			t.Errorf("%s came to %+v", row.Title, row)
		}
	}
	kept, err := runs.List(root)
	if err != nil || len(kept) != 4 {
		t.Fatalf("%d run folders are kept, %v", len(kept), err)
	}
	for _, k := range kept {
		if k.DatasetSHA256 == "" || k.DatasetSHA256 != kept[0].DatasetSHA256 || k.Status != runs.Done {
			t.Errorf("%s is %s on data %q", k.Path, k.Status, k.DatasetSHA256)
		}
	}
}
