package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// cli runs a command line in process.
func cli(t *testing.T, stdin string, args ...string) (status int, out, err string) {
	t.Helper()
	return cliIn(t.Context(), stdin, args...)
}

func cliIn(ctx context.Context, stdin string, args ...string) (status int, out, err string) {
	var o, e bytes.Buffer
	status = Main(ctx, args, strings.NewReader(stdin), &o, &e)
	return status, o.String(), e.String()
}

// must runs a command line that has to succeed and returns its output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	status, out, err := cli(t, "", args...)
	if status != exitOK {
		t.Fatalf("evenkeel %s ended with status %d:\n%s%s", strings.Join(args, " "), status, out, err)
	}
	return out
}

// small is a job of a fraction of a second.
var small = []string{
	"--layers", "2", "--d", "16", "--heads", "2", "--ffn", "32", "--seq", "16", "--batch", "2",
	"--data_bytes", "40000", "--eval_every", "5", "--eval_batches", "2", "--sample_every", "10",
	"--sample_tokens", "8", "--threads", "1",
}

// trained gives a folder of runs that holds one finished run, made once for all tests.
var trained = sync.OnceValues(func() (string, string) {
	dir, err := os.MkdirTemp("", "evenkeel-cli-test-")
	if err != nil {
		panic(err)
	}
	args := append([]string{"train", "--runs", dir, "--steps", "20", "--prompt", "Ann "}, small...)
	status, out, errText := cliIn(context.Background(), "", args...)
	if status != exitOK {
		panic(out + errText)
	}
	return dir, out
})

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	dir, _ := trained()
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

func theRun(t *testing.T, dir string) string {
	t.Helper()
	list, err := runs.List(dir)
	if err != nil || len(list) == 0 {
		t.Fatalf("no run in %s: %v", dir, err)
	}
	return list[0].Path
}

func wants(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s lacks %q:\n%s", what, p, text)
		}
	}
}

func TestTrainTellsCostsProgressAndResults(t *testing.T) {
	dir, out := trained()
	run := theRun(t, dir)
	wants(t, "the output of train", out,
		"HybridNorm*, megatron init, seed 1", "parameters", "FLOPs a token", "memory", "device", "loss floor",
		"run folder  "+run, "100 %  step 20/20", "Done: 20 steps", "Sample at step 20:\n  Ann ",
		"evenkeel sample "+run)
	for _, kind := range []string{"loss", "gradients", "layers"} {
		path := filepath.Join(run, "charts", kind+".png")
		wants(t, "the output of train", out, path)
		drawn(t, path)
	}
	if strings.ContainsAny(out, "\r\x1b") {
		t.Error("the output of train has terminal codes though it is not a terminal")
	}
}

// drawn checks that a file is a PNG wide enough for print with several colours on it.
func drawn(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, format, err := image.Decode(f)
	if err != nil || format != "png" {
		t.Fatalf("%s is not a PNG: %v", path, err)
	}
	colors := map[[3]uint32]bool{}
	for y := 0; y < img.Bounds().Dy(); y += 3 {
		for x := 0; x < img.Bounds().Dx(); x += 3 {
			r, g, b, _ := img.At(x, y).RGBA()
			colors[[3]uint32{r, g, b}] = true
		}
	}
	if img.Bounds().Dx() < 1950 || len(colors) < 10 {
		t.Errorf("%s is %v with %d colours", path, img.Bounds(), len(colors))
	}
}

func TestUseOfARun(t *testing.T) {
	dir, _ := trained()
	run := theRun(t, dir)
	wants(t, "eval", must(t, "eval", run), "nats a token (floor", "perplexity", "bits a byte", "step 20")
	wants(t, "eval by name", must(t, "eval", "--runs", dir, filepath.Base(run)[:12], "--batches", "1"), "perplexity")
	same := must(t, "sample", run, "--tokens", "12", "--prompt", "Bob ")
	if !strings.HasPrefix(same, "Bob ") || len(same) < 6 {
		t.Errorf("sample wrote %q", same)
	}
	if again := must(t, "sample", "--prompt", "Bob ", "--tokens", "12", run); again != same {
		t.Errorf("the same seed wrote %q, then %q", same, again)
	}
	status, out, _ := cli(t, "from a pipe\n", "sample", run, "--prompt", "-", "--tokens", "3")
	if status != exitOK || !strings.HasPrefix(out, "from a pipe") {
		t.Errorf("status %d, sample wrote %q", status, out)
	}
	wants(t, "runs", must(t, "runs", "--runs", dir), filepath.Base(run), "done", "20/20")
}

func TestExportIsEveryPoint(t *testing.T) {
	dir, _ := trained()
	file := filepath.Join(t.TempDir(), "points.csv")
	must(t, "export", theRun(t, dir), "--csv", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 21 || strings.Join(rows[0][:4], ",") != "step,wall_s,loss,val_loss" {
		t.Fatalf("%d rows, the first is %v", len(rows), rows[0])
	}
	for i, row := range rows[1:] {
		validated := (i+1)%5 == 0
		if row[0] == "" || row[2] == "" || (row[3] != "") != validated {
			t.Errorf("row %d is %v", i+1, row)
		}
	}
	if out := must(t, "export", theRun(t, dir), "--csv", "-"); out != string(text) {
		t.Error("--csv - writes something else than the file")
	}
}

func TestChartsOfSeveralRuns(t *testing.T) {
	dir, _ := trained()
	run := theRun(t, dir)
	out := t.TempDir()
	for _, c := range [][]string{
		{"-o", filepath.Join(out, "loss.png"), run, run},
		{"-o", filepath.Join(out, "bars.png"), "--kind", "gradients", "--step", "1", run, run, "--dark"},
		{"-o", filepath.Join(out, "layers.png"), "--kind", "layers", run, run},
		{"-o", filepath.Join(out, "heat.png"), "--kind", "heatmap", run},
	} {
		must(t, append([]string{"chart"}, c...)...)
		drawn(t, c[1])
	}
	for name, begins := range map[string]string{"a.svg": "<?xml", "a.pdf": "%PDF"} {
		path := filepath.Join(out, name)
		must(t, "chart", "-o", path, run)
		if text, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(text, []byte(begins)) {
			t.Errorf("%s does not begin with %q: %v", name, begins, err)
		}
	}
}

func TestStopAndResume(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	watch := &interrupter{at: "step ", stop: cancel}
	args := append([]string{"train", "--runs", dir, "--steps", "1000000"}, small...)
	if status := Main(ctx, args, nil, watch, watch); status != exitFailed {
		t.Fatalf("an interrupted train ends with status %d:\n%s", status, watch.String())
	}
	run := theRun(t, dir)
	wants(t, "the output of train", watch.String(),
		"Stopping after this step", "Stopped at step ", "evenkeel resume "+run)
	opened, err := runs.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	ck, err := opened.Latest()
	if err != nil || opened.Status() != runs.Stopped {
		t.Fatalf("status %s, checkpoint %v", opened.Status(), err)
	}
	status, _, text := cli(t, "", "resume", run, "--steps", "1")
	if status != exitFailed || !strings.Contains(text, "--steps") {
		t.Errorf("resume of a run with nothing left: status %d, %s", status, text)
	}
	out := must(t, "resume", "--runs", dir, "--steps", itoa(ck.Step+5))
	wants(t, "the output of resume", out, "Done: ", "step "+itoa(ck.Step+5)+"/"+itoa(ck.Step+5))
}

// A run that is asked to stop before it began has kept nothing, and says so to a script too; a resumed one
// keeps what it had.
func TestStoppedBeforeTheFirstStep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	status, out, _ := cliIn(ctx, "", append([]string{"train", "--runs", dir, "--steps", "1000000"}, small...)...)
	if status != exitFailed || !strings.Contains(out, "nothing was kept") {
		t.Errorf("train: status %d\n%s", status, out)
	}
	kept, _ := trained()
	if err := os.CopyFS(dir, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	status, out, _ = cliIn(ctx, "", "resume", "--runs", dir, "--steps", "1000000")
	if status != exitFailed || strings.Contains(out, "device      \n") || !strings.Contains(out, "evenkeel resume ") {
		t.Errorf("resume: status %d\n%s", status, out)
	}
}

// TestDamagedCheckpoint: an older checkpoint is used, and the person told.
func TestDamagedCheckpoint(t *testing.T) {
	dir := t.TempDir()
	must(t, append([]string{"train", "--runs", dir, "--steps", "6", "--checkpoint_every", "3"}, small...)...)
	run := theRun(t, dir)
	if err := os.Truncate(filepath.Join(run, "ckpt", "step-00000006", "model.safetensors"), 10); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{{"sample", run, "--tokens", "2"}, {"eval", run, "--batches", "1"}} {
		status, _, says := cli(t, "", line...)
		if status != exitOK || !strings.Contains(says, "checkpoint of step 3 is used") {
			t.Errorf("%s: status %d, %q", line[0], status, says)
		}
	}
}

// A resumed run that diverges before it writes a checkpoint still has the older one.
func TestKeptCheckpoint(t *testing.T) {
	dir, _ := trained()
	for _, c := range []struct {
		s    trainer.Snapshot
		want string
	}{
		{trainer.Snapshot{RunPath: theRun(t, dir)}, filepath.Join("ckpt", "step-00000020")},
		{trainer.Snapshot{RunPath: theRun(t, dir), Checkpoint: "own"}, "kept: own"},
		{trainer.Snapshot{RunPath: t.TempDir()}, "no good checkpoint"},
	} {
		if got := keptCheckpoint(&c.s); !strings.HasSuffix(strings.TrimSuffix(got, "."), c.want) {
			t.Errorf("got %q, want the end %q", got, c.want)
		}
	}
}

// TestRunsMove: a run is measured and resumed from another folder than it was started in.
func TestRunsMove(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	text := strings.Repeat("A run finds its corpus from any folder.\n\n", 200)
	if err := os.WriteFile("corpus.txt", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, append([]string{"train", "--runs", dir, "--steps", "2", "--data", "corpus.txt", "--val_permille", "100"}, small...)...)
	t.Chdir(t.TempDir())
	must(t, "eval", "--runs", dir, "--batches", "1")
	wants(t, "resume", must(t, "resume", "--runs", dir, "--steps", "3"), "Done: 3 steps")
}

// interrupter is an output that ends a context once a text was written to it.
type interrupter struct {
	bytes.Buffer
	at   string
	stop func()
}

func (w *interrupter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.at)) {
		w.stop()
	}
	return w.Buffer.Write(p)
}

func TestTables(t *testing.T) {
	wants(t, "variants", must(t, "variants"), "hybrid_star", "post_classic", "pre_qkv_pre", "FLOPs/token")
	wants(t, "variants mix_ln", must(t, "variants", "mix_ln", "--preset", "deep"),
		"s2 s3", "attn_in ffn_in", "Li 2412.13795")
	wants(t, "presets", must(t, "presets", "--variant", "hybrid"), "151,399,872", "1,276,941,312")
	wants(t, "devices", must(t, "devices"), "cpu", "reference")
	wants(t, "help", must(t, "help"), "train", "study")
	wants(t, "help bench", must(t, "help", "bench"), "--arch ARCH")
	wants(t, "version", must(t, "--version"), "evenkeel ")
	wants(t, "help version", must(t, "help", "version"), "Print the version.")
}

func TestVerify(t *testing.T) {
	golden := filepath.Join("..", "..", "trainer", "golden", "testdata")
	out := must(t, "verify", "--golden", golden, "--device", "cpu", "--supported-only")
	if !strings.HasSuffix(out, "\n8 passed, 0 failed\n") {
		t.Errorf("the last line of verify is not the count:\n%s", out)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "x"), os.DirFS(filepath.Join(golden, "ts_magneto"))); err != nil {
		t.Fatal(err)
	}
	canon := filepath.Join(dir, "x", "canon.json")
	text, err := os.ReadFile(canon)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"alpha": 1.0`), []byte(`"alpha": 1.5`), 1)
	if err := os.WriteFile(canon, text, 0o644); err != nil {
		t.Fatal(err)
	}
	status, out, _ := cli(t, "", "verify", "--golden", dir)
	if status != exitFailed || !strings.HasSuffix(out, "\n0 passed, 1 failed\n") {
		t.Errorf("a wrong case: status %d\n%s", status, out)
	}
}

func TestBenchIsOneLine(t *testing.T) {
	for _, arch := range []string{"llama", "gpt2"} {
		out := must(t, "bench", "--arch", arch, "--d", "16", "--layers", "1", "--heads", "2", "--seq", "8", "--batch", "1",
			"--vocab", "32", "--ffn", "32", "--steps", "1", "--threads", "1", "--device", "reference")
		fields := strings.Fields(out)
		if strings.Count(out, "\n") != 1 || len(fields) != 6 {
			t.Fatalf("bench wrote %q", out)
		}
		for i, key := range []string{"step_ms=", "tokens/s=", "gflops=", "sgemm_gflops=", "sgemm_pct=", "peak_mb="} {
			value, ok := strings.CutPrefix(fields[i], key)
			if !ok || value == "" || strings.Trim(value, "0123456789.") != "" {
				t.Errorf("field %d of bench is %q, want %s and plain digits", i, fields[i], key)
			}
		}
	}
}
