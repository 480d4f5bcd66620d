package trainer

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/model"
)

// preLN trains a small Pre-LN model for some steps, so that gains and biases have moved.
func preLN(t *testing.T, root string) string {
	t.Helper()
	c := DefaultConfig()
	c.Preset, c.Data, c.DataBytes, c.Steps, c.Batch, c.LR = "", "toy", 40000, 12, 4, 5e-3
	c.EvalEvery, c.SampleEvery, c.CheckpointEvery, c.Device, c.Warmup = 0, 0, 0, "cpu", 2
	m := &c.Model
	m.Variant, m.Norm, m.Act, m.Layers, m.D, m.Heads, m.FFN, m.Seq = "pre", "ln", model.GELU, 3, 24, 2, 40, 16
	j, err := Start(c, Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	return j.Snapshot().RunPath
}

// logits gives the logits of one sequence.
func logits(t *testing.T, path string) []float32 {
	t.Helper()
	m, err := OpenModel(context.Background(), path, DeviceOptions{Name: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g, err := m.eng.Spec.Logits(m.eng.Schema, 1, m.eng.T, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.dev.Compile(g, m.eng.State)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ids := make([]int32, m.eng.T)
	for i := range ids {
		ids[i] = int32(i * 37 % 256)
	}
	ticket, err := p.Submit(ids, nil)
	if err == nil {
		err = p.Wait(ticket, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, len(ids)*m.eng.Spec.V)
	if err := p.Output(model.OutLogits, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A trained Pre-LN model keeps its logits as Pre-RMSNorm and as Pre-CRMSNorm, the second made from
// either, and trains on.
func TestConvert(t *testing.T) {
	root := t.TempDir()
	source := preLN(t, root)
	rms, err := Convert(source, ToPreRMS, root)
	if err != nil {
		t.Fatal(err)
	}
	crms, err := Convert(source, ToPreCRMS, root)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Convert(rms, ToPreCRMS, root)
	if err != nil {
		t.Fatal(err)
	}
	want := logits(t, source)
	for _, path := range []string{rms, crms, twice} {
		worst := 0.0
		for i, v := range logits(t, path) {
			worst = math.Max(worst, math.Abs(float64(v-want[i])))
		}
		t.Logf("%s: logits within %.1e", filepath.Base(path), worst)
		if !(worst <= 1e-5) {
			t.Errorf("%s: logits differ by %g", path, worst)
		}
		j, err := Resume(path, 15, Options{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Wait(); err != nil {
			t.Fatal(err)
		}
		if s := j.Snapshot(); s.Step != 15 || !finite(s.Loss) {
			t.Errorf("%s trained on to step %d, loss %g", path, s.Step, s.Loss)
		}
	}
}

func TestConvertRefuses(t *testing.T) {
	root := t.TempDir()
	source := preLN(t, root)
	if _, err := Convert(source, "post", root); err == nil || !strings.Contains(err.Error(), "pre-rms or pre-crms") {
		t.Errorf("an unknown form: %v", err)
	}
	crms, err := Convert(source, ToPreCRMS, root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Convert(crms, ToPreRMS, root); err == nil || !strings.Contains(err.Error(), "norm is crms") {
		t.Errorf("a converted model again: %v", err)
	}
	if _, err := Convert(filepath.Join(root, "nothing"), ToPreRMS, root); err == nil {
		t.Error("a run that is not there")
	}
}

// Runs of a mixture of experts record what their routers did.
func TestExpertsAreRecorded(t *testing.T) {
	c := DefaultConfig()
	c.Preset, c.Data, c.DataBytes, c.Steps, c.Batch, c.Micro = "", "toy", 40000, 4, 4, 2
	c.EvalEvery, c.SampleEvery, c.CheckpointEvery, c.Device = 2, 0, 0, "cpu"
	m := &c.Model
	m.Layers, m.D, m.Heads, m.FFN, m.Seq, m.Experts, m.TopK = 2, 16, 2, 24, 16, 4, 2
	j, err := Start(c, Options{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	h := j.History()
	for i := range 2 {
		var sum, most float64
		for e := range 4 {
			n := float64(last(t, h, KeyMoELoad(i, e)))
			sum, most = sum+n, math.Max(most, n)
		}
		if sum != 4*16*2 {
			t.Errorf("block %d: %g choices, there are 4 x 16 tokens with 2 each", i, sum)
		}
		if got := float64(last(t, h, KeyMoEBusiest(i))); math.Abs(got-most/sum) > 1e-6 {
			t.Errorf("block %d: the busiest expert got %g, the loads say %g", i, got, most/sum)
		}
		if got := last(t, h, KeyMoEEntropy(i)); !(got > 0.5 && got <= float32(math.Log(4))+1e-5) {
			t.Errorf("block %d: the router's entropy is %g nats", i, got)
		}
		if b, z := last(t, h, KeyMoEBalance(i)), last(t, h, KeyMoEZ(i)); !(b > 0) || !(z > 0) {
			t.Errorf("block %d: losses %g and %g", i, b, z)
		}
	}
}

// last is the newest value of a column.
func last(t *testing.T, h *History, key string) float32 {
	t.Helper()
	_, values := h.Column(key, 0)
	if len(values) == 0 {
		t.Fatalf("there is no column %q", key)
	}
	return float32(values[len(values)-1])
}
