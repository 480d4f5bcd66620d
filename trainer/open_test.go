package trainer

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// open opens a model on the CPU.
func open(t *testing.T, path string) *Model {
	t.Helper()
	m, err := OpenModel(t.Context(), path, DeviceOptions{Name: "cpu", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Evaluate measures on the text that the run held out, and a run that held none out has none.
func TestEvaluateOnHeldOutText(t *testing.T) {
	var text strings.Builder
	rng := rand.New(rand.NewPCG(1, 1))
	for d := range 300 { // so small documents that the split by document is too small for a batch of 16
		fmt.Fprintf(&text, "{\"text\": \"%d", d)
		for range 60 {
			text.WriteString([]string{" sun", " moon", " river", " stone"}[rng.IntN(4)])
		}
		text.WriteString("\"}\n")
	}
	corpus := filepath.Join(t.TempDir(), "docs.jsonl")
	if err := os.WriteFile(corpus, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c := quick(t)
	c.Data, c.DataBytes, c.Batch, c.Model.Seq, c.Steps, c.EvalEvery, c.EvalBatches = corpus, 0, 16, 64, 4, 4, 0
	j := start(t, c, t.TempDir())
	s := finish(t, j)
	m := open(t, s.RunPath)
	for _, name := range []string{"", corpus} {
		r, err := m.Evaluate(t.Context(), name, 0, nil)
		if err != nil || !(math.Abs(r.Loss-s.ValLoss) < 1e-4) {
			t.Errorf("corpus %q: loss %v, the run validated to %v: %v", name, r.Loss, s.ValLoss, err)
		}
		if r.Warning != "" {
			t.Errorf("corpus %q, unchanged: %s", name, r.Warning)
		}
	}
	edit(t, corpus, func(b []byte) []byte { return bytes.Replace(b, []byte("sun"), []byte("sum"), 1) })
	if r, err := m.Evaluate(t.Context(), "", 1, nil); err != nil || !strings.Contains(r.Warning, "has changed since") {
		t.Errorf("a changed corpus gives the warning %q: %v", r.Warning, err)
	}
	if r, err := m.Evaluate(t.Context(), "toy", 1, nil); err != nil || r.Warning != "" {
		t.Errorf("another corpus gives the warning %q: %v", r.Warning, err)
	}
	c.ValPerMill, c.EvalEvery = 0, 0
	all := open(t, finish(t, start(t, c, t.TempDir())).RunPath)
	if r, err := all.Evaluate(t.Context(), "", 0, nil); err == nil || !strings.Contains(err.Error(), "trained on all of") {
		t.Errorf("a run trained on everything reports %v: %v", r.Loss, err)
	}
	if _, err := all.Evaluate(t.Context(), "toy", 1, nil); err != nil {
		t.Error(err)
	}
}

// A checkpoint that is not as it was written is neither opened nor converted.
func TestOpenDamaged(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{fileModel, fileConfig, fileTokenizer} {
		path := preLN(t, root)
		ck, err := findCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		edit(t, ck.File(name), flipLast)
		if _, err := OpenModel(t.Context(), path, DeviceOptions{Name: "cpu"}); !errors.Is(err, runs.ErrDamaged) ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%s: opened: %v", name, err)
		}
		if _, err := Convert(path, ToPreRMS, root); !errors.Is(err, runs.ErrDamaged) {
			t.Errorf("%s: converted: %v", name, err)
		}
	}
}

// A final norm with an eps of its own has no place in the converted row.
func TestConvertRefusesAnotherEps(t *testing.T) {
	c := quick(t)
	c.Model.Variant, c.Steps = "own", 2
	c.Model.Custom = &model.Custom{ID: "own", Norm: "ln", Bias: true, FinalEps: 0.5,
		Rows: []model.CustomRow{{Blocks: "0:L", Sites: []string{"attn_in", "ffn_in"}}}}
	path := finish(t, start(t, c, t.TempDir())).RunPath
	if _, err := Convert(path, ToPreRMS, t.TempDir()); err == nil || !strings.Contains(err.Error(), "an eps of its own, 0.5") {
		t.Errorf("converted: %v", err)
	}
}
