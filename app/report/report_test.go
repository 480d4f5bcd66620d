package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/race"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// steps of the runs below; far more than a chart has columns of pixels.
const steps = 6000

// finished is a race of three variants and two seeds: the last seed of Post-Norm diverged half way.
func finished() *race.Snapshot {
	base := trainer.DefaultConfig()
	base.Model.Layers, base.Steps, base.EvalEvery = 2, steps, 1000
	p := race.Plan{Base: base, Variants: []string{"post", "hybrid_star", "pre"}, Seeds: 2}
	list, err := p.Configs()
	if err != nil {
		panic(err)
	}
	s := &race.Snapshot{State: race.Done, Plan: p, Now: len(list)}
	for i, c := range list {
		r := race.Run{Config: c, Begun: true, History: trainer.NewHistory(trainer.MetricKeys(2, 0))}
		r.State, r.Step, r.Steps, r.Floor, r.TokensPerSec = trainer.Done, steps, steps, 1.3127, 12400
		r.Elapsed, r.RunPath, r.Device = time.Minute, "/home/ada/runs/run-"+strconv.Itoa(i), "CPU, 2 threads"
		level := 2 + map[string]float64{"post": 0.3, "hybrid_star": -0.2}[c.Model.Variant] + 0.05*float64(c.Seed)
		last := steps
		if c.Model.Variant == "post" && c.Seed == 2 {
			last = steps / 2
			r.State, r.Step = trainer.Diverged, int64(last)
			r.Reason = "The loss became NaN at step 3000, in the output head."
		}
		for t := 1; t <= last; t++ {
			x := float64(t)
			l := level + 4*math.Exp(-x/600) + 0.05*math.Sin(x)
			val := runs.Missing
			if t%1000 == 0 {
				val = float32(l)
			}
			if last < steps && t == last {
				l = math.NaN()
			}
			r.History.Append(int64(t), []float32{float32(l), val, 1e-3, float32(0.5 + 0.1*math.Cos(x)), 1, 12400,
				float32(0.1 * x / steps), 0.2, 1, 1.3, 2, 2.1, 0.4})
		}
		s.Runs = append(s.Runs, r)
		s.Step, s.Steps, s.Elapsed = s.Step+r.Step, s.Steps+r.Step, s.Elapsed+time.Minute
	}
	return s
}

func options() Options {
	return Options{When: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Version: "test"}
}

func TestWholeReport(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing for print is slow under the race detector, and Write starts no goroutine")
	}
	dir := filepath.Join(t.TempDir(), "sub", "race")
	o := options()
	var written []string
	o.Progress = func(done, total int, name string) { written = append(written, name) }
	s := finished()
	if err := Write(t.Context(), dir, s, o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Race of Post-Norm, HybridNorm\\* and Pre-Norm\n", "1 March 2026", "6 runs of 6,000 steps", "| 2 of 2 | 1 |",
		"seed 2, diverged at step 3,000: The loss became NaN", "lower loss than 1.3127",
		"--variants post,hybrid_star,pre --seeds 2 -o", "`run-5`", " parameters, megatron init",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("report.md lacks %q", want)
		}
	}
	if strings.Contains(string(text), "/home/ada") {
		t.Error("report.md tells whose machine it was")
	}
	// The best comes first, what diverged last.
	star, pre, post := bytes.Index(text, []byte("| HybridNorm\\* | 1.")), bytes.Index(text, []byte("| Pre-Norm | 2.")),
		bytes.Index(text, []byte("| Post-Norm | 2."))
	if !(0 < star && star < pre && pre < post) {
		t.Errorf("the order of the table is wrong: %d, %d, %d\n%s", star, pre, post, text)
	}
	for _, c := range []string{"loss", "validation", "gradient-norm", "tokens", "gradients-by-block"} {
		if !strings.Contains(string(text), "(charts/"+c+".png)") {
			t.Errorf("report.md does not show %s", c)
		}
		f, err := os.Open(filepath.Join(dir, "charts", c+".png"))
		if err != nil {
			t.Error(err)
			continue
		}
		if c, err := png.DecodeConfig(f); err != nil || c.Width < 1950 {
			t.Errorf("a chart of %d pixels, %v", c.Width, err)
		}
		f.Close()
	}
	if len(written) != 10 || written[0] != "report.md" {
		t.Errorf("progress named %q", written)
	}
	if err := Write(t.Context(), dir, s, options()); err == nil || !strings.Contains(err.Error(), "holds files already") {
		t.Errorf("a second report into the same folder: %v", err)
	}
}

// TestPointsAreAll counts and compares every measured point in both files.
func TestPointsAreAll(t *testing.T) {
	s := finished()
	rows, err := csv.NewReader(bytes.NewReader(pointsCSV(s))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + 5*steps + steps/2; len(rows) != want {
		t.Fatalf("%d lines of CSV, want %d", len(rows), want)
	}
	loss, val := slices.Index(rows[0], "loss"), slices.Index(rows[0], "val_loss")
	o := options()
	text, err := pointsJSON(s, &o)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Standings []struct {
			Variant string
			Final   struct{ Mean, Low, High *float64 } `json:"final_val_loss"`
		}
		Runs []struct {
			Variant string
			Seed    int
			State   string
			Steps   []int64          `json:"step_column"`
			Columns map[string][]any `json:"columns"`
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	line := 1
	for i, r := range doc.Runs {
		history := s.Runs[i].History
		_, raw := history.Column(trainer.KeyLoss, 0)
		if r.Variant != s.Runs[i].Config.Model.Variant || len(r.Steps) != len(raw) || len(r.Columns) != len(history.Keys()) {
			t.Fatalf("run %d of the JSON: %s, %d steps, %d columns", i, r.Variant, len(r.Steps), len(r.Columns))
		}
		for k, want := range raw {
			row := rows[line]
			line++
			if row[0] != r.Variant || row[1] != strconv.Itoa(r.Seed) || row[2] != strconv.FormatInt(r.Steps[k], 10) {
				t.Fatalf("line %d of the CSV is %q", line, row[:4])
			}
			got, err := strconv.ParseFloat(row[loss], 32)
			cell := r.Columns["loss"][k]
			if math.IsNaN(want) {
				if !math.IsNaN(got) || cell != "NaN" {
					t.Fatalf("step %d: NaN became %v and %v", r.Steps[k], got, cell)
				}
			} else if err != nil || float32(got) != float32(want) || float32(cell.(float64)) != float32(want) {
				t.Fatalf("step %d: %v became %v and %v", r.Steps[k], want, got, cell)
			}
			if measured := r.Steps[k]%1000 == 0; measured != (row[val] != "") || measured != (r.Columns["val_loss"][k] != nil) {
				t.Fatalf("step %d: validation is %q and %v", r.Steps[k], row[val], r.Columns["val_loss"][k])
			}
		}
	}
	if first := doc.Standings[0]; first.Variant != "hybrid_star" || *first.Final.Low >= *first.Final.High {
		t.Errorf("the first standing is %+v", first)
	}
	if got := strings.Count(string(runsCSV(s)), "\n"); got != 7 {
		t.Errorf("runs.csv has %d lines, want 7", got)
	}
}

// TestFigures checks what a figure of a race holds before anything is drawn.
func TestFigures(t *testing.T) {
	s := finished()
	src := Source{Race: s, Slots: []int{4, 5, 6}}
	f := src.Lines(Metrics()[0], 0.9, false)
	if len(f.Lines) != 3 || f.Lines[0].Name != "Post-Norm (1 of 2 diverged)" || f.Lines[1].Slot != 5 ||
		len(f.Lines[2].Seeds) != 2 || f.XMax != steps || len(f.References) != 1 {
		t.Errorf("the figure is %+v", f)
	}
	if n := f.Lines[0].Seeds[1].Len(); n != steps/2 {
		t.Errorf("the diverged run has %d points", n)
	}
	b := src.Blocks()
	if len(b.Panels) != 2 {
		t.Fatalf("%d panels", len(b.Panels))
	}
	s.Runs = s.Runs[:1]
	s.Runs[0].Begun, s.Runs[0].Step = false, 0
	if f := src.Lines(Metrics()[0], 0, false); f.Lines[0].Seeds == nil || len(f.Lines[0].Seeds) != 0 || src.Blocks() != nil {
		t.Error("a race that has not begun shows something")
	}
}

// TestNothingIsLeft: a report that cannot be finished leaves no folder.
func TestNothingIsLeft(t *testing.T) {
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	o := options()
	o.Progress = func(done, _ int, _ string) {
		if done == 1 {
			cancel()
		}
	}
	if err := Write(ctx, filepath.Join(parent, "r"), finished(), o); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("%d things are left", len(left))
	}
	if err := Write(t.Context(), filepath.Join(parent, "r"), &race.Snapshot{}, o); err == nil {
		t.Error("an empty race has a report")
	}
}
