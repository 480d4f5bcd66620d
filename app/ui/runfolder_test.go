package ui

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// madeRun is a run folder that a test wants.
type madeRun struct {
	name, variant string
	status        runs.Status
	steps         int     // rows
	shift         float64 // added to its losses
	lr            float64
	metrics       string // a file to share instead of writing rows
}

// makeRun writes a run folder as a trainer leaves it, begun some hours after the first of February.
func makeRun(t testing.TB, root string, hours int, m madeRun) string {
	t.Helper()
	c := pictureConfig()
	c.Model.Variant, c.Steps = m.variant, m.steps
	if m.lr > 0 {
		c.LR = m.lr
	}
	created := time.Date(2025, 2, 1, hours, 0, 0, 0, time.UTC)
	meta := runs.Meta{
		Format: 1, ID: fmt.Sprintf("%s-%s-%04x", created.Format("20060102T150405Z"), m.variant, hours), Name: m.name,
		Variant: m.variant, Status: m.status, Created: created,
		Info: map[string]string{"steps": fmt.Sprint(m.steps), "loss_floor": "1.3127"},
	}
	path := filepath.Join(root, meta.ID)
	config, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	about, err := json.Marshal(meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "ckpt"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"config.yaml": config, "run.json": about} {
		if err := os.WriteFile(filepath.Join(path, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if m.metrics != "" {
		if err := os.Link(m.metrics, filepath.Join(path, "metrics.jsonl")); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run, err := runs.OpenForWriting(path)
	if err != nil {
		t.Fatal(err)
	}
	keys := trainer.MetricKeys(c.Model.Layers, 0)
	if err := run.SetKeys(keys); err != nil {
		t.Fatal(err)
	}
	row := make([]float32, len(keys))
	for s := 1; s <= m.steps; s++ {
		x := float64(s)
		for i := range row {
			row[i] = float32(0.5 + 0.1*math.Sin(x+float64(i)))
		}
		loss := 1.42 + m.shift + 3.9*math.Exp(-x*5/float64(m.steps)) + 0.08*math.Sin(x*12.9898)*math.Cos(x*4.1414)
		row[0], row[1], row[2], row[5] = float32(loss), runs.Missing, float32(c.LR), 12400
		if s%25 == 0 {
			row[1] = float32(loss + 0.04)
		}
		if err := run.Append(int64(s), x/8, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.AddEvent("sample", int64(m.steps), "the boat turns .", map[string]any{"prompt": "the"}); err != nil {
		t.Fatal(err)
	}
	if err := run.AddEvent("pause", 5, "Paused on request.", nil); err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// newLibrary is a fixture over a folder of runs.
func newLibrary(t *testing.T, a Appearance, list ...madeRun) *fixture {
	t.Helper()
	f := newFixture(t, a)
	for i, m := range list {
		makeRun(t, f.opt.RunsDir, i, m)
	}
	f.relist(len(list))
	return f
}

// relist looks at the folder again until the window knows some number of runs.
func (f *fixture) relist(n int) {
	f.t.Helper()
	f.scan()
	f.loop.until(f.t, fmt.Sprintf("%d runs are listed", n), func() bool {
		return !f.lib.scanning && len(f.lib.runs) == n
	})
}

// shownRun checks a run and waits for its metrics.
func (f *fixture) shownRun(i int) *run {
	f.t.Helper()
	r := f.lib.runs[i]
	f.showRun(r, true)
	f.loop.until(f.t, r.title+" is read", func() bool { return r.hasData() && f.enrolled(r) })
	return r
}

var threeRuns = []madeRun{
	{name: "Pre-Norm, seed 1", variant: "pre", status: runs.Done, steps: 100},
	{name: "HybridNorm*, seed 1", variant: "hybrid_star", status: runs.Done, steps: 200, shift: -0.1, lr: 1e-3},
	{name: "HybridNorm*, seed 1", variant: "hybrid_star", status: runs.Running, steps: 60, shift: 0.2},
}

// titles lists the rows.
func (f *fixture) titles() []string {
	var all []string
	for _, r := range f.runs.rows {
		all = append(all, r.title)
	}
	return all
}
