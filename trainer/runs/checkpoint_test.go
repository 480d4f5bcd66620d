package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

var ctx = context.Background()

func TestCheckpoint(t *testing.T) {
	r := newRun(t)
	if _, err := r.Latest(); !errors.Is(err, ErrNoCheckpoint) || !strings.Contains(err.Error(),
		r.Path()) {
		t.Errorf("without any: %v", err)
	}
	path, err := r.WriteCheckpoint(1000, func(w *CheckpointWriter) error {
		return errors.Join(fillWith(1000, 50_000)(w), w.File("config.yaml", []byte("seed: 1\n")),
			w.Stream("empty", func(io.Writer) error { return nil }))
	})
	must(t, err)
	if want := filepath.Join(r.Path(), "ckpt", "step-00001000"); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	c, err := r.Latest()
	must(t, err, checkWeights(c, 50_000))
	if c.Step != 1000 || c.Path != path || c.ValidationLoss != 10.0/1001 || c.Pinned ||
		len(c.Files) != 5 || c.Files["empty"].Size != 0 || c.Files["config.yaml"] != (FileInfo{8,
		"adf0396d435b4047092c20dada268d22d8db7f192fe2a8a9a283c9e9dea6af54"}) {
		t.Errorf("latest %+v", c)
	}
	var total int64
	for name := range c.Files {
		total += first(os.Stat(c.File(name))).Size()
	}
	if c.Size() != total {
		t.Errorf("size %d, files have %d", c.Size(), total)
	}
	var m map[string]any
	must(t, json.Unmarshal(first(os.ReadFile(c.File(manifestName))), &m))
	if m["step"] != 1000.0 || len(m["files"].(map[string]any)) != 5 {
		t.Errorf("manifest %v", m)
	}
	if latest := first(os.ReadFile(filepath.Join(r.Path(), "ckpt/latest"))); string(latest) !=
		"step-00001000\n" {
		t.Errorf("latest says %q", latest)
	}
	if h := hidden(t, r); h != nil {
		t.Errorf("left behind: %v", h)
	}
	events, err := r.Events()
	must(t, err)
	if len(events) != 1 || events[0].Kind != "checkpoint" || events[0].Step != 1000 {
		t.Errorf("events %v", events)
	}

	// The same step again replaces it.
	_, err = r.WriteCheckpoint(1000, func(w *CheckpointWriter) error {
		w.SetValidationLoss(math.NaN())
		return w.File("other", []byte("x"))
	})
	must(t, err)
	c, err = r.Latest()
	must(t, err, Verify(ctx, c.Path))
	if len(c.Files) != 1 || !math.IsNaN(c.ValidationLoss) || hidden(t, r) != nil {
		t.Errorf("replaced %+v, hidden %v", c, hidden(t, r))
	}
}

// TestFailedFill: whatever goes wrong in the caller's part, nothing is left and nothing is lost.
func TestFailedFill(t *testing.T) {
	r := newRun(t)
	checkpointAt(t, r, 1)
	boom := errors.New("the device went away")
	short := safetensors.Tensor{Name: "w", DType: safetensors.F32, Shape: []int{2},
		Write: func(w io.Writer) error { return boom }}
	for name, c := range map[string]struct {
		fill func(w *CheckpointWriter) error
		want string
	}{
		"error": {func(w *CheckpointWriter) error { return boom }, boom.Error()},
		"tensor": {func(w *CheckpointWriter) error {
			return w.Safetensors("model.safetensors", []safetensors.Tensor{short}, nil)
		}, `step-00000002/model.safetensors": tensor "w" could not be written: the device went`},
		"ignored": {func(w *CheckpointWriter) error {
			w.Stream("a", func(io.Writer) error { return boom })
			w.File("b", nil)
			return nil
		}, boom.Error()},
		"twice": {func(w *CheckpointWriter) error {
			return errors.Join(w.File("a", nil), w.File("a", nil))
		}, `"a" was added to the checkpoint twice`},
		"escape":   {func(w *CheckpointWriter) error { return w.File("../a", nil) }, "cannot be a file"},
		"hidden":   {func(w *CheckpointWriter) error { return w.File(".a", nil) }, "cannot be a file"},
		"manifest": {func(w *CheckpointWriter) error { return w.File(manifestName, nil) }, "cannot be"},
		"json":     {func(w *CheckpointWriter) error { return w.JSON("a", math.NaN()) }, "unsupported"},
	} {
		for _, step := range []int64{2, 1} { // a new one and one that would replace
			path, err := r.WriteCheckpoint(step, c.fill)
			want := strings.ReplaceAll(c.want, "00000002", fmt.Sprintf("%08d", step))
			if err == nil || path != "" || !strings.Contains(err.Error(), want) ||
				!strings.Contains(err.Error(), fmt.Sprintf("step %d was not written; the "+
					"checkpoint of step 1 is intact", step)) {
				t.Errorf("%s: %q, %v", name, path, err)
			}
		}
	}
	func() {
		defer func() { recover() }()
		r.WriteCheckpoint(2, func(w *CheckpointWriter) error {
			must(t, w.File("a", nil))
			panic("in fill")
		})
	}()
	if _, err := r.WriteCheckpoint(-1, fillWith(1, 1)); err == nil {
		t.Error("a negative step has a checkpoint")
	}
	last, err := r.Latest()
	must(t, err, checkWeights(last, 100))
	if !slices.Equal(steps(t, r), []int64{1}) || hidden(t, r) != nil {
		t.Errorf("steps %v, hidden %v", steps(t, r), hidden(t, r))
	}
}

// TestBrokenCheckpoints damages checkpoints in every way and asks for the newest good one.
func TestBrokenCheckpoints(t *testing.T) {
	cases := map[string]struct {
		damage func(c Checkpoint) error
		listed bool // found by Checkpoints; otherwise by Verify only
		kind   error
		want   string
	}{
		"no manifest": {func(c Checkpoint) error { return os.Remove(c.File(manifestName)) },
			true, ErrDamaged, "never finished"},
		"bad manifest": {func(c Checkpoint) error { return os.Truncate(c.File(manifestName), 9) },
			true, ErrDamaged, "damaged MANIFEST.json"},
		"other version": {func(c Checkpoint) error {
			return os.WriteFile(c.File(manifestName), []byte(`{"format":9}`), 0o644)
		}, true, ErrDamaged, "format 9"},
		"other step": {func(c Checkpoint) error {
			return os.WriteFile(c.File(manifestName), []byte(`{"format":1,"step":3}`), 0o644)
		}, true, ErrDamaged, "holds step 3"},
		"escape": {func(c Checkpoint) error {
			return os.WriteFile(c.File(manifestName),
				[]byte(`{"format":1,"step":30,"files":{"../../run.json":{}}}`), 0o644)
		}, true, ErrDamaged, "impossible file name"},
		"lost file": {func(c Checkpoint) error { return os.Remove(c.File("state.json")) },
			true, ErrDamaged, `lacks its file "state.json"`},
		"truncated": {func(c Checkpoint) error { return os.Truncate(c.File("model.safetensors"), 99) },
			true, ErrTruncated, "bytes expected, 99 found"},
		"longer": {func(c Checkpoint) error { return os.Truncate(c.File("model.safetensors"), 9999) },
			true, ErrDamaged, "has 9999 bytes"},
		"one bit": {func(c Checkpoint) error {
			b := first(os.ReadFile(c.File("optim.safetensors")))
			b[len(b)-1] ^= 1
			return os.WriteFile(c.File("optim.safetensors"), b, 0o644)
		}, false, ErrDamaged, "SHA-256"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRun(t)
			checkpointAt(t, r, 10, 20, 30)
			newest, err := r.Latest()
			must(t, err, c.damage(newest))
			valid, broken, err := r.Checkpoints()
			must(t, err)
			if c.listed != (len(valid) == 2) || c.listed != (len(broken) == 1) {
				t.Fatalf("valid %v, broken %v", valid, broken)
			}
			err = Verify(ctx, newest.Path)
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), newest.Path) {
				t.Errorf("Verify: %v, want %q", err, c.want)
			}
			good, passed, err := r.LatestVerified(ctx, nil)
			must(t, err)
			if good.Step != 20 || len(passed) != 1 || passed[0].Path != newest.Path {
				t.Errorf("the newest good one is %d, passed over %v", good.Step, passed)
			}
			must(t, r.RemoveBroken())
			if c.listed != slices.Equal(steps(t, r), []int64{10, 20}) || hidden(t, r) != nil {
				t.Errorf("after RemoveBroken: %v %v", steps(t, r), hidden(t, r))
			}
		})
	}
}

func TestAllBroken(t *testing.T) {
	r := newRun(t)
	checkpointAt(t, r, 1)
	c, err := r.Latest()
	must(t, err, os.Truncate(c.File("state.json"), 1))
	_, _, err = r.LatestVerified(ctx, nil)
	if !errors.Is(err, ErrNoCheckpoint) || !strings.Contains(err.Error(), "is truncated") {
		t.Errorf("%v", err)
	}
	if over, err := r.Untouched(); over || err != nil {
		t.Errorf("a run with a checkpoint that is broken counts as untouched: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	checkpointAt(t, r, 2)
	if _, _, err := r.LatestVerified(done, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestUntouched: rows, or checkpoints that are not just put aside, are something to lose.
func TestUntouched(t *testing.T) {
	r := newRun(t)
	untouched := func(want bool, when string) {
		t.Helper()
		if over, err := r.Untouched(); over != want || err != nil {
			t.Errorf("%s: %v, %v", when, over, err)
		}
	}
	untouched(true, "new")
	must(t, r.SetKeys([]string{"loss"}), r.Append(1, 0, []float32{1}))
	untouched(false, "with a row")
	checkpointAt(t, r, 1)
	first(r.ResumeAt(0))
	untouched(true, "taken back to the start")
	if _, err := r.Latest(); !errors.Is(err, ErrNoCheckpoint) || strings.Contains(err.Error(), "broken") {
		t.Errorf("what was put aside is told as broken: %v", err)
	}
	checkpointAt(t, r, 0)
	untouched(false, "with a checkpoint")
}

// TestLatestVerifiedAsks: good checkpoints can be passed over in silence or as damaged, and those put aside
// are not among them.
func TestLatestVerifiedAsks(t *testing.T) {
	r := newRun(t)
	checkpointAt(t, r, 10, 20, 30, 40, 50)
	first(r.ResumeAt(40))
	c, passed, err := r.LatestVerified(ctx, func(c Checkpoint) (bool, error) {
		if c.Step == 30 {
			return true, errors.New("not this one")
		}
		return c.Step < 40, nil
	})
	must(t, err)
	if c.Step != 20 || len(passed) != 1 || passed[0].Path != c.Path[:len(c.Path)-2]+"30" {
		t.Errorf("step %d, passed over %v", c.Step, passed)
	}
	if err := c.Verify(ctx, "state.json", "other.json"); !errors.Is(err, ErrDamaged) ||
		!strings.Contains(err.Error(), "holds no other.json") {
		t.Errorf("a file that the checkpoint does not hold: %v", err)
	}
}

// TestStaleLatest: the newest valid checkpoint wins over whatever ckpt/latest says.
func TestStaleLatest(t *testing.T) {
	r := newRun(t)
	checkpointAt(t, r, 10, 20, 99_999_999, 100_000_000)
	path := filepath.Join(r.Path(), ckptName, latestName)
	for _, text := range []string{"step-00000010\n", "step-77777777\n", "", "../../.."} {
		must(t, os.WriteFile(path, []byte(text), 0o644))
		if c, err := r.Latest(); err != nil || c.Step != 100_000_000 {
			t.Errorf("with %q: %v, %v", text, c.Step, err)
		}
	}
	must(t, os.Remove(path))
	if c, err := r.Latest(); err != nil || c.Step != 100_000_000 {
		t.Errorf("without latest: %v, %v", c.Step, err)
	}
}

func TestPrune(t *testing.T) {
	r := newRun(t)
	for step, loss := range []float64{math.NaN(), 3, 1, 1, 5, 6, math.NaN()} {
		_, err := r.WriteCheckpoint(int64(step), func(w *CheckpointWriter) error {
			w.SetValidationLoss(loss)
			return w.File("a", nil)
		})
		must(t, err)
	}
	must(t, r.Pin(1, true), r.Pin(1, true), r.Pin(4, true), r.Pin(4, false), r.Pin(4, false))
	if err := r.Pin(77, true); !errors.Is(err, ErrDamaged) {
		t.Errorf("pinned nothing: %v", err)
	}
	gone, err := r.Prune(2)
	must(t, err)
	if want := []int64{1, 3, 5, 6}; len(gone) != 3 || !slices.Equal(steps(t, r), want) {
		t.Errorf("%d gone, %v stay, want %v", len(gone), steps(t, r), want)
	}
	if _, err := r.Prune(0); err != nil || !slices.Equal(steps(t, r), []int64{1, 3, 6}) {
		t.Errorf("keeping none keeps one: %v, %v", steps(t, r), err)
	}
	valid, broken, err := r.Checkpoints()
	must(t, err)
	if !valid[0].Pinned || valid[1].Pinned || broken != nil || hidden(t, r) != nil {
		t.Errorf("valid %v, broken %v", valid, broken)
	}
}

// TestSupersede: going back in a run puts later checkpoints aside, keeps them, and lets the run
// write those steps again.
func TestSupersede(t *testing.T) {
	r := newRun(t)
	checkpointAt(t, r, 10, 20, 30)
	must(t, r.Pin(30, true))
	if _, err := r.ResumeAt(10); err != nil {
		t.Fatal(err)
	}
	latest := filepath.Join(r.Path(), ckptName, latestName)
	if text := first(os.ReadFile(latest)); string(text) != "step-00000010\n" {
		t.Errorf("latest says %q", text)
	}
	_, broken, err := r.Checkpoints()
	must(t, err)
	if !slices.Equal(steps(t, r), []int64{10}) || len(broken) != 2 {
		t.Fatalf("steps %v, broken %v", steps(t, r), broken)
	}
	for _, b := range broken {
		must(t, Verify(ctx, b.Path))
	}
	checkpointAt(t, r, 20)
	_, err = r.Prune(5)
	must(t, err)
	if _, b, _ := r.Checkpoints(); !slices.Equal(steps(t, r), []int64{10, 20}) || len(b) != 2 {
		t.Errorf("steps %v, broken %v", steps(t, r), b)
	}
	must(t, r.RemoveBroken())
	if _, b, _ := r.Checkpoints(); !slices.Equal(steps(t, r), []int64{10, 20}) || len(b) != 0 {
		t.Errorf("steps %v, broken %v", steps(t, r), b)
	}
	if _, err := r.ResumeAt(0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(latest); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("latest stays with no checkpoint: %v", err)
	}
}

// TestRecover opens folders as a crash leaves them.
func TestRecover(t *testing.T) {
	r := newRun(t)
	checkpointAt(t, r, 10, 20)
	dir := filepath.Join(r.Path(), ckptName)
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, r.Close(),
		// Caught between the two renames of a replacement.
		os.Rename(at("step-00000020"), at(".step-00000020.old")),
		// Replaced, the old one not yet deleted.
		os.CopyFS(at(".step-00000010.old"), os.DirFS(at("step-00000010"))),
		// In the works, and half deleted.
		os.Mkdir(at(".step-00000030.tmp"), 0o755),
		os.WriteFile(at(".step-00000030.tmp/model.safetensors"), []byte("half"), 0o644),
		os.Mkdir(at(".step-00000005.del"), 0o755),
		os.WriteFile(at("notes.txt"), nil, 0o644),
		os.Mkdir(at("my own folder"), 0o755))

	reader, err := Open(r.Path())
	must(t, err)
	_, broken, err := reader.Checkpoints()
	must(t, err)
	if !slices.Equal(steps(t, reader), []int64{10, 20}) || len(broken) != 3 {
		t.Errorf("a reader sees %v, broken %v", steps(t, reader), broken)
	}
	c, err := reader.Latest()
	must(t, err, checkWeights(c, 100))

	w, err := OpenForWriting(r.Path())
	must(t, err)
	defer w.Close()
	if hidden(t, w) != nil || !slices.Equal(steps(t, w), []int64{10, 20}) {
		t.Errorf("after opening: %v, hidden %v", steps(t, w), hidden(t, w))
	}
	if _, broken, err := w.Checkpoints(); err != nil || broken != nil {
		t.Errorf("broken %v, %v", broken, err)
	}
	if _, err := os.Stat(at("my own folder")); err != nil {
		t.Error(err)
	}
}
