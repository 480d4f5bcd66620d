package runs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultRoot(t *testing.T) {
	for _, c := range []struct{ system, home, data, want string }{
		{"darwin", "/Users/ada", "/x", "/Users/ada/Library/Application Support/Evenkeel/runs"},
		{"linux", "/home/ada", "", "/home/ada/.local/share/evenkeel/runs"},
		{"linux", "/home/ada", "relative", "/home/ada/.local/share/evenkeel/runs"},
		{"linux", "/home/ada", "/data", "/data/evenkeel/runs"},
	} {
		if got := defaultRoot(c.system, c.home, c.data); got != c.want {
			t.Errorf("%v: %s", c, got)
		}
	}
}

func TestCleanSlug(t *testing.T) {
	for in, want := range map[string]string{
		"HybridNorm* 1M": "hybridnorm-1m", "": "run", "../../etc": "etc", "***": "run",
		"é à": "run", strings.Repeat("ab-", 40): "ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-a",
	} {
		if got := cleanSlug(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestCreateAndOpen(t *testing.T) {
	root := filepath.Join(t.TempDir(), "deep", "runs")
	config := []byte("seed: 1 # café\n")
	meta := Meta{Variant: "hybrid_star", AppVersion: "0.1", DatasetSHA256: "ab",
		Hardware: map[string]string{"device": "cpu"}, Info: map[string]string{"preset": "1m"},
		Parent: &Parent{"other", 7, "fork"}}
	r, err := Create(root, "HybridNorm* 1M", meta, config)
	if err != nil {
		t.Fatal(err)
	}
	id := filepath.Base(r.Path())
	if !regexp.MustCompile(`^\d{8}T\d{6}Z-hybridnorm-1m-[0-9a-f]{4}$`).MatchString(id) {
		t.Errorf("folder %q", id)
	}
	if r.Status() != Preparing {
		t.Errorf("status %s", r.Status())
	}
	if err := r.SetStatus(Running, ""); err != nil {
		t.Fatal(err)
	}
	err = r.Update(func(m *Meta) { m.ID, m.Created = "x", time.Time{}; m.Info["loss"] = "2.1" })
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetStatus(Interrupted, ""); err == nil {
		t.Error("a run could be set to interrupted")
	}

	reader, err := Open(r.Path())
	if err != nil {
		t.Fatal(err)
	}
	got := reader.Meta()
	if time.Since(got.Created) > time.Hour || got.Created.IsZero() {
		t.Errorf("created %v", got.Created)
	}
	want := meta
	want.Format, want.ID, want.Name, want.Status, want.Created = 1, id, "HybridNorm* 1M", Running,
		got.Created
	want.Info = map[string]string{"preset": "1m", "loss": "2.1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if b, err := reader.Config(); !bytes.Equal(b, config) {
		t.Errorf("config %q, %v", b, err)
	}
	if reader.Status() != Running {
		t.Errorf("a live run reads as %s", reader.Status())
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if reader.Status() != Interrupted {
		t.Errorf("a run left running reads as %s", reader.Status())
	}
	if dir, err := reader.Dir("charts"); err != nil || filepath.Dir(dir) != r.Path() {
		t.Error(dir, err)
	}
}

// TestReadOnly: a run open for reading refuses every change.
func TestReadOnly(t *testing.T) {
	w := newRun(t)
	r, err := Open(w.Path())
	if err != nil {
		t.Fatal(err)
	}
	_, resume := r.ResumeAt(0)
	_, prune := r.Prune(1)
	_, checkpoint := r.WriteCheckpoint(1, fillWith(1, 1))
	for i, err := range []error{r.SetKeys([]string{"a"}), r.Append(1, 0, nil), resume, prune,
		checkpoint, r.SetStatus(Done, ""), r.AddEvent("note", 0, "", nil), r.Pin(1, true),
		r.RemoveBroken()} {
		if err == nil || !strings.Contains(err.Error(), "reading only") {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestNotRuns(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if text != "" {
			if err := os.WriteFile(filepath.Join(path, metaName), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	for path, want := range map[string]string{
		write("empty", ""):                "holds no run.json",
		write("damaged", "{"):             "damaged",
		write("newer", `{"format":2}`):    "format 2",
		filepath.Join(dir, "nothing", ""): "there is no run folder",
	} {
		for _, open := range []func(string) (*Run, error){Open, OpenForWriting} {
			_, err := open(path)
			if err == nil || !strings.Contains(err.Error(), want) ||
				!strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v", path, err)
			}
		}
		if _, err := os.Stat(filepath.Join(path, lockName)); err == nil {
			t.Errorf("a lock file was left in %s", path)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	list, broken, err := ListAll(dir)
	if err != nil || len(list) != 0 {
		t.Errorf("list of no runs: %v, %v", list, err)
	}
	var names []string
	for _, b := range broken {
		names = append(names, filepath.Base(b.Path))
		if !strings.Contains(b.Reason.Error(), b.Path) {
			t.Errorf("%v does not name %s", b.Reason, b.Path)
		}
	}
	if want := []string{"damaged", "newer"}; !slices.Equal(names, want) {
		t.Errorf("broken are %q, want %q", names, want)
	}
	if list, err := List(filepath.Join(dir, "nothing")); err != nil || list != nil {
		t.Errorf("list of no folder: %v, %v", list, err)
	}
}

func TestList(t *testing.T) {
	root := t.TempDir()
	want := map[string]struct {
		status Status
		step   int64
	}{}
	for i, set := range []Status{Preparing, Running, Paused, Diverged, Failed, Done, Stopped} {
		r, err := Create(root, string(set), Meta{Variant: "pre"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		shown, last := set, int64(-1)
		if set == Preparing || set == Running {
			shown = Interrupted
		}
		if i > 0 {
			// Rows of 3,000 keys are longer than the first look at the end of the file.
			keys := make([]string, 3000)
			for k := range keys {
				keys[k] = fmt.Sprintf("key%d", k)
			}
			if err := r.SetKeys(keys); err != nil {
				t.Fatal(err)
			}
			for s := range int64(i) {
				last = s
				if err := r.Append(s, 0, make([]float32, len(keys))); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.SetStatus(set, "because"); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		want[r.Path()] = struct {
			status Status
			step   int64
		}{shown, last}
	}
	live, err := Create(root, "live", Meta{Status: Running}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	want[live.Path()] = struct {
		status Status
		step   int64
	}{Running, -1}
	if err := os.Mkdir(filepath.Join(root, "holiday photos"), 0o755); err != nil {
		t.Fatal(err)
	}

	list, err := List(root)
	if err != nil || len(list) != len(want) {
		t.Fatalf("%d runs, %v", len(list), err)
	}
	for i, s := range list {
		if w := want[s.Path]; s.Status != w.status || s.LastStep != w.step {
			t.Errorf("%s is %s at step %d, want %v", s.ID, s.Status, s.LastStep, w)
		}
		if i > 0 && s.Created.After(list[i-1].Created) {
			t.Errorf("%s is newer than the run before it", s.ID)
		}
	}
}

// TestNewestOfASecond: runs made right after one another are told apart, and those of earlier versions,
// which kept whole seconds, stay in the order of their names.
func TestNewestOfASecond(t *testing.T) {
	root := t.TempDir()
	var want []string
	for _, id := range []string{"b", "c", "a"} {
		path := filepath.Join(root, id)
		text := `{"format":1,"id":"` + id + `","status":"done","created":"2025-01-02T03:04:05Z"}`
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, metaName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want = append(want, "c", "b", "a")
	for range 8 {
		r, err := Create(root, "x", Meta{Status: Done}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		want = slices.Insert(want, 0, r.Meta().ID)
	}
	list, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("newest first are %q, want %q", got, want)
	}
}

// TestLock: a folder held by another process names it; its death by kill -9 frees the folder.
func TestLock(t *testing.T) {
	r := newRun(t)
	path := r.Path()
	if err := r.SetStatus(Running, ""); err != nil {
		t.Fatal(err)
	}
	var busy *InUseError
	if _, err := OpenForWriting(path); !errors.As(err, &busy) || busy.PID != os.Getpid() {
		t.Errorf("held by this process: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	cmd := child("hold", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // the child waits for its end
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	_, err = OpenForWriting(path)
	if !errors.Is(err, ErrInUse) || !strings.Contains(fmt.Sprint(err),
		fmt.Sprintf("in use by process %d;", cmd.Process.Pid)) {
		t.Errorf("held by a child: %v", err)
	}
	reader, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := reader.Status(); s != Running {
		t.Errorf("status while held is %s", s)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if s := reader.Status(); s != Interrupted {
		t.Errorf("status after the death of the owner is %s", s)
	}
	// The number of a living process in the file does not make it the owner.
	record := fmt.Sprintf("%d %s\n", os.Getpid(), first(os.Hostname()))
	if err := os.WriteFile(filepath.Join(path, lockName), []byte(record), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := reader.Status(); s != Interrupted {
		t.Errorf("status with a recycled process number is %s", s)
	}
	again, err := OpenForWriting(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func first[T any](v T, _ error) T { return v }

func childHold(path string) error {
	r, err := OpenForWriting(path)
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, err = os.Stdin.Read(make([]byte, 1))
	return errors.Join(err, r.Close())
}

func TestEventsAndLog(t *testing.T) {
	r := newRun(t)
	err := r.AddEvent("diverged", 12, `Loss is not finite in "blocks.3".`,
		map[string]any{"loss": math.NaN(), "norm": float32(math.Inf(1)), "lr": 0.5, "layer": 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AddEvent("bad", 1, "", map[string]any{"f": func() {}}); err == nil {
		t.Error("a function was written as JSON")
	}
	log := slog.New(r.LogHandler(slog.LevelInfo))
	log.Debug("hidden")
	log.Info("shown", "step", 3)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	events := filepath.Join(r.Path(), eventsName)
	appendText(t, events, "not an event\n"+`{"kind":"torn","st`)
	got, err := r.Events()
	if err != nil || len(got) != 1 || time.Since(got[0].Time) > time.Hour {
		t.Fatalf("events %v, %v", got, err)
	}
	got[0].Time = time.Time{}
	want := Event{Kind: "diverged", Step: 12, Text: `Loss is not finite in "blocks.3".`,
		Fields: map[string]any{"loss": "NaN", "norm": "+Inf", "lr": 0.5, "layer": 3.0}}
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Error(d)
	}
	text := string(first(os.ReadFile(filepath.Join(r.Path(), logName))))
	if strings.Contains(text, "hidden") || strings.Count(text, "\n") != 1 ||
		!strings.Contains(text, `"msg":"shown","step":3}`) {
		t.Errorf("log %q", text)
	}

	again, err := OpenForWriting(r.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.AddEvent("note", 13, "Hello.", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Events(); err != nil || len(got) != 2 || got[1].Kind != "note" {
		t.Errorf("events after a torn line %v, %v", got, err)
	}
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
