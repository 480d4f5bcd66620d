package trainer

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// tiny is a job that takes about a second. The reference device has no place here: its steps are slow.
func tiny(t *testing.T) Config {
	t.Helper()
	c := DefaultConfig()
	c.Preset = ""
	c.Model.Layers, c.Model.D, c.Model.Heads, c.Model.FFN, c.Model.Seq = 3, 32, 2, 48, 32
	c.Batch, c.Steps, c.LR, c.DataBytes, c.Device = 4, 40, 3e-3, 60_000, "cpu"
	c.EvalEvery, c.EvalBatches, c.SampleEvery, c.SampleTokens, c.CheckpointEvery = 10, 2, 20, 8, 10
	return c
}

func start(t *testing.T, c Config, root string) *Job {
	t.Helper()
	j, err := Start(c, Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// weights returns the bytes of the newest checkpoint's parameters and moments.
func weights(t *testing.T, run string) []byte {
	t.Helper()
	ck, err := findCheckpoint(run)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range []string{fileModel, fileOptim} {
		b, err := os.ReadFile(ck.File(name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func TestTrainingLowersTheLoss(t *testing.T) {
	c := tiny(t)
	j := start(t, c, t.TempDir())
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	s := j.Snapshot()
	if s.State != Done || s.Step != 40 {
		t.Fatalf("ended in state %s at step %d", s.State, s.Step)
	}
	steps, loss := j.History().Column(KeyLoss, 0)
	if len(steps) != 40 || loss[39] > loss[0]-1 {
		t.Fatalf("%d steps, loss from %.3f to %.3f; it must fall by over one nat", len(steps), loss[0], loss[len(loss)-1])
	}
	if vs, v := j.History().Column(KeyValLoss, 0); len(vs) != 4 || v[3] >= v[0] {
		t.Errorf("validation losses %v at %v", v, vs)
	}
	if s.Floor <= 0 || s.Floor > loss[39] {
		t.Errorf("loss floor %g, final loss %g", s.Floor, loss[39])
	}
	for i := range c.Model.Layers {
		if _, g := j.History().Column(KeyLayerNorm(i), 0); len(g) != 40 || !(g[0] > 0) {
			t.Errorf("block %d has gradient norms %v", i, g)
		}
	}
	if s.Sample.Step != 40 || s.Sample.Text == "" {
		t.Errorf("the last sample is %+v", s.Sample)
	}
}

func TestPauseContinueStopResume(t *testing.T) {
	root := t.TempDir()
	c := tiny(t)
	whole := start(t, c, root)
	if err := whole.Wait(); err != nil {
		t.Fatal(err)
	}
	c.Steps, c.SampleEvery = 40, 0
	j := start(t, c, root)
	waitFor(t, j, func(s Snapshot) bool { return s.Step >= 3 })
	j.Pause()
	waitFor(t, j, func(s Snapshot) bool { return s.State == Paused || s.State == Done })
	if j.Snapshot().State == Paused {
		at := j.Snapshot().Step
		if ck, err := findCheckpoint(j.Snapshot().RunPath); err != nil || ck.Step < at {
			t.Errorf("paused at step %d with checkpoint %d: %v", at, ck.Step, err)
		}
		if _, err := Resume(j.Snapshot().RunPath, 0, Options{}); !errors.Is(err, runs.ErrInUse) {
			t.Errorf("a second owner got %v", err)
		}
	}
	j.Continue()
	waitFor(t, j, func(s Snapshot) bool { return s.State == Running || s.State == Done })
	j.Stop()
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	path := j.Snapshot().RunPath
	again, err := Resume(path, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Wait(); err != nil {
		t.Fatal(err)
	}
	if string(weights(t, path)) != string(weights(t, whole.Snapshot().RunPath)) {
		t.Error("a paused, stopped and resumed run has other weights than an unbroken one")
	}
	if n := again.History().Len(); n != 40 {
		t.Errorf("the resumed history has %d rows", n)
	}
}

func waitFor(t *testing.T, j *Job, ok func(Snapshot) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(j.Snapshot()); {
		if time.Now().After(deadline) {
			t.Fatalf("the job stands at %+v", j.Snapshot())
		}
		time.Sleep(time.Millisecond)
	}
}

func TestDivergenceKeepsTheLastGoodCheckpoint(t *testing.T) {
	c := tiny(t)
	c.LR, c.Warmup, c.MaxNorm, c.Steps = 1e30, 0, 0, 200
	j := start(t, c, t.TempDir())
	err := j.Wait()
	var d *DivergedError
	if !errors.As(err, &d) {
		t.Fatalf("a learning rate of 1e30 gave %v", err)
	}
	if !strings.Contains(d.Reason, "block") && !strings.Contains(d.Reason, "loss") {
		t.Errorf("the reason names no place: %s", d.Reason)
	}
	ck, err := findCheckpoint(j.Snapshot().RunPath)
	if err != nil || ck.Step >= d.Step {
		t.Errorf("checkpoint %d after divergence at %d: %v", ck.Step, d.Step, err)
	}
	m, err := OpenModel(t.Context(), j.Snapshot().RunPath, DeviceOptions{Name: "cpu", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Sample(t.Context(), SampleOptions{Prompt: "The", Tokens: 4, Temperature: 1}, nil); err != nil {
		t.Errorf("the kept checkpoint does not work: %v", err)
	}
}

// childEnv makes the test binary a training process: root of runs, or a run folder to resume.
const childEnv = "EVENKEEL_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(child(job))
	}
	os.Exit(m.Run())
}

func child(job string) int {
	verb, path, _ := strings.Cut(job, " ")
	var j *Job
	var err error
	if verb == "start" {
		j, err = Start(killConfig(), Options{Root: path})
	} else {
		j, err = Resume(path, 0, Options{})
	}
	if err == nil {
		err = j.Wait()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func killConfig() Config {
	c := tiny(&testing.T{})
	c.Model.Layers, c.Model.Seq, c.Batch, c.Steps = 2, 16, 2, 6000
	c.EvalEvery, c.SampleEvery, c.CheckpointEvery = 100, 0, 20
	return c
}

// A run killed with SIGKILL at 20 random moments must resume every time and end with the weights,
// moments and metrics of an unbroken one.
func TestKillNine(t *testing.T) {
	whole := start(t, killConfig(), t.TempDir())
	if err := whole.Wait(); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	job := "start " + root
	kills, during := 0, 0
	for kills < 20 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+job)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() { cmd.Process.Kill() })
		said, _ := bufio.NewReader(out).ReadString('\n')
		err = cmd.Wait()
		var exit *exec.ExitError
		if err == nil {
			break // it finished before all the kills: counted below
		}
		if !errors.As(err, &exit) || exit.Exited() {
			t.Fatalf("after %d kills the run did not resume: %v %s", kills, err, said)
		}
		kills++
		if paths, _ := filepath.Glob(filepath.Join(root, "*", "run.json")); len(paths) > 0 {
			job = "resume " + filepath.Dir(paths[0])
			during++
		}
	}
	if kills < 20 {
		t.Fatalf("the run ended after %d kills only; make it longer", kills)
	}
	if during < 10 {
		t.Fatalf("only %d of %d kills hit a run in progress", during, kills)
	}
	path := strings.TrimPrefix(job, "resume ")
	last, err := Resume(path, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := last.Wait(); err != nil {
		t.Fatal(err)
	}
	if string(weights(t, path)) != string(weights(t, whole.Snapshot().RunPath)) {
		t.Error("final weights differ from those of the unbroken run")
	}
	_, a := whole.History().Column(KeyLoss, 0)
	_, b := last.History().Column(KeyLoss, 0)
	if len(a) != len(b) {
		t.Fatalf("%d loss rows, the unbroken run has %d", len(b), len(a))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("loss of step %d is %v, in the unbroken run %v", i+1, b[i], a[i])
		}
	}
}

// A model that the machine cannot hold is refused in a sentence, before any memory is taken.
func TestTooLargeForTheMachine(t *testing.T) {
	c := DefaultConfig()
	c.Preset, c.Data, c.DataBytes, c.Device, c.Batch = "", "toy", 2_000_000, "cpu", 1
	m := &c.Model
	m.Layers, m.D, m.Heads, m.Seq, m.Vocab = 30, 65536, 16, 64, 384
	j, err := Start(c, Options{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Wait(); err == nil || !strings.Contains(err.Error(), "GB of memory and this machine has") {
		t.Errorf("the job ends with %v", err)
	}
}
