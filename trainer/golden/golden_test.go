package golden

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
)

// ours holds the few cases that are kept with the code: HybridNorm with a first block of its own,
// Mix-LN, Magneto (LayerNorm, biases, GELU, no positions) and a training run of HybridNorm*.
const ours = "testdata"

func open(t *testing.T, name string) device.Device {
	t.Helper()
	d, err := metal.Open(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOurCases(t *testing.T) {
	for _, name := range []string{"reference", "cpu"} {
		var out bytes.Buffer
		passed, failed, err := Verify(context.Background(), ours, open(t, name), false, &out)
		if err != nil || passed != 8 || failed != 0 {
			t.Errorf("%s: %d passed, %d failed, %v\n%s", name, passed, failed, err, &out)
		}
		if !strings.HasSuffix(out.String(), "\n8 passed, 0 failed\n") {
			t.Errorf("%s: the last line is not the count:\n%s", name, &out)
		}
	}
}

func TestAllCases(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole set of golden cases is left to the long tests")
	}
	dir := os.Getenv("EVENKEEL_GOLDEN")
	if dir == "" {
		t.Skip("EVENKEEL_GOLDEN names no folder with the whole set of golden cases")
	}
	for _, name := range []string{"reference", "cpu"} {
		var out bytes.Buffer
		passed, failed, err := Verify(context.Background(), dir, open(t, name), true, &out)
		if err != nil || passed < 48 || failed != 0 {
			t.Errorf("%s: %d passed, %d failed, %v\n%s", name, passed, failed, err, &out)
		}
	}
}

// Mistakes that a device or a builder could make must show: each is made in the case's own model.
func TestMistakesFail(t *testing.T) {
	if testing.Short() {
		t.Skip("the mistakes run on the reference device alone, which has no goroutines to race")
	}
	swap := func(c *canon, a, b string) {
		for i := range c.Blocks {
			x, y := fmt.Sprintf("blocks.%d.%s.w", i, a), fmt.Sprintf("blocks.%d.%s.w", i, b)
			c.Tensors[x], c.Tensors[y] = c.Tensors[y], c.Tensors[x]
		}
	}
	rename := func(c *canon, block int, from, to string) {
		sites := c.Blocks[block].Sites
		for i, s := range sites {
			if s == from {
				sites[i] = to
			}
		}
		for _, suffix := range []string{".g", ".b"} {
			old := fmt.Sprintf("blocks.%d.norm.%s%s", block, from, suffix)
			if t, ok := c.Tensors[old]; ok {
				delete(c.Tensors, old)
				c.Tensors[fmt.Sprintf("blocks.%d.norm.%s%s", block, to, suffix)] = t
			}
		}
	}
	for _, m := range []struct {
		name, on string
		make     func(*canon)
	}{
		{"eps 1e-6 for 1e-5", "hybrid_first_qkv_pre", func(c *canon) { c.Model.Eps = 1e-6 }},
		{"eps 1e-6 for 1e-5 in training", "train_hybrid_star", func(c *canon) { c.Model.Eps = 1e-6 }},
		{"RoPE theta", "hybrid_first_qkv_pre", func(c *canon) { c.Model.Rope.Theta = 10000 }},
		{"RoPE pairs", "llama_mix_ln", func(c *canon) { c.Model.Rope.Pairing = "interleaved" }},
		{"RoPE where there is none", "ts_magneto", func(c *canon) {
			c.Model.Rope = &canonRope{Theta: 10000, Pairing: "halves"}
		}},
		{"gate and up swapped", "hybrid_first_qkv_pre", func(c *canon) { swap(c, "gate", "up") }},
		{"k and v swapped", "train_hybrid_star", func(c *canon) { swap(c, "k", "v") }},
		{"first block ignored", "hybrid_first_qkv_pre", func(c *canon) { rename(c, 0, "ffn_in", "s2") }},
		{"residual before the norm", "hybrid_first_qkv_pre", func(c *canon) { rename(c, 2, "s2", "ffn_in") }},
		{"Pre for Post blocks", "llama_mix_ln", func(c *canon) {
			rename(c, 0, "s2", "attn_in")
			rename(c, 0, "s3", "ffn_in")
		}},
		{"RMSNorm for LayerNorm", "ts_magneto", func(c *canon) {
			c.Model.Norm = "rms"
			for name := range c.Tensors {
				if strings.HasSuffix(name, ".b") && strings.Contains(name, "norm.") || name == "final.b" {
					delete(c.Tensors, name)
				}
			}
		}},
		{"residual factor", "ts_magneto", func(c *canon) { c.Blocks[1].Alpha = 1.001 }},
		{"gate on the stream", "llama_deepnorm_gpas", func(c *canon) {
			stream := "stream"
			for i := range c.Blocks {
				c.Blocks[i].Gate = &stream
			}
		}},
		{"gate missing in one block", "llama_deepnorm_gpas", func(c *canon) {
			c.Blocks[2].Gate = nil
			delete(c.Tensors, "blocks.2.gpas")
		}},
		{"scale of the second stream", "residual", func(c *canon) { c.Model.Dual.Scale = 0.999 }},
		{"first stream left out", "residual", func(c *canon) { c.Model.Dual.Alpha = 0 }},
		{"eps of the last norm", "residual", func(c *canon) { c.Model.Dual.Eps = 1e-3 }},
		{"GELU for ReLU", "residual", func(c *canon) { c.Model.Act = "gelu" }},
		{"embedding without its factor", "residual", func(c *canon) { c.Model.EmbScale = 1 }},
		{"one expert fewer", "train_moe_hybrid", func(c *canon) { c.Model.MoE.TopK-- }},
		{"no balance loss", "train_moe_hybrid", func(c *canon) { c.Model.MoE.Balance = 0 }},
		{"no z loss", "train_moe_hybrid", func(c *canon) { c.Model.MoE.Z = 0 }},
		{"RoPE pairs of MLA", "mla", func(c *canon) { c.Model.Rope.Pairing = "halves" }},
		{"RoPE theta of MLA", "mla", func(c *canon) { c.Model.Rope.Theta = 20000 }},
		{"input factor", "llama_mix_ln", func(c *canon) { c.Blocks[3].InScale = 0.999 }},
	} {
		c, ck := ourCase(t, m.on)
		m.make(c)
		err := c.run(context.Background(), filepath.Join(ours, m.on), reference.New(), ck)
		if err != nil {
			t.Errorf("%s on %s did not run: %v", m.name, m.on, err)
		} else if ck.ok() {
			t.Errorf("%s on %s is not noticed: %s", m.name, m.on, ck)
		}
	}
}

func ourCase(t *testing.T, name string) (*canon, *check) {
	t.Helper()
	var c canon
	if err := readJSON(filepath.Join(ours, name), canonName, true, &c); err != nil {
		t.Fatal(err)
	}
	return &c, &check{slack: 1}
}

// other is the reference under another kind, as a GPU would be.
type other struct{ device.Device }

func (o other) Info() device.Info {
	i := o.Device.Info()
	i.Kind = "gpu"
	return i
}

func TestOtherDevicesGetFiveTimesTheLimits(t *testing.T) {
	var out bytes.Buffer
	one := filepath.Join(ours, "ts_magneto")
	_, failed, err := Verify(context.Background(), one, other{reference.New()}, false, &out)
	if err != nil || failed != 0 {
		t.Fatalf("%d failed, %v\n%s", failed, err, &out)
	}
	if !strings.Contains(out.String(), "5 times the limits") {
		t.Errorf("the output does not say that limits are wider:\n%s", &out)
	}
}

// write makes a folder with one case whose canon.json is edited.
func write(t *testing.T, edit func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "case"), os.DirFS(filepath.Join(ours, "ts_magneto"))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "case", canonName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := edit(string(text))
	if edited == string(text) {
		t.Fatal("the edit changed nothing")
	}
	if err := os.WriteFile(path, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestUnsupported(t *testing.T) {
	for what, edit := range map[string][2]string{
		"pnorm": {`"norm": "ln"`, `"norm": "pnorm"`},
		"tanh":  {`"act": "gelu"`, `"act": "tanh"`},
	} {
		dir := write(t, func(s string) string { return strings.Replace(s, edit[0], edit[1], 1) })
		for _, supportedOnly := range []bool{false, true} {
			var out bytes.Buffer
			passed, failed, err := Verify(context.Background(), dir, reference.New(), supportedOnly, &out)
			wantFailed := 1
			if supportedOnly {
				wantFailed = 0
			}
			if err != nil || passed != 0 || failed != wantFailed || !strings.Contains(out.String(), what) {
				t.Errorf("%s, supported only %t: %d passed, %d failed, %v\n%s",
					what, supportedOnly, passed, failed, err, &out)
			}
		}
	}
}

// What a case says and this version does not know must never be passed over, not even with
// supportedOnly.
func TestDamagedCasesFail(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"unknown property": func(s string) string {
			return strings.Replace(s, `"recentre"`, `"softcap": 30, "recentre"`, 1)
		},
		"unknown site":   func(s string) string { return strings.Replace(s, `"ffn_inner"`, `"ffn_outer"`, 1) },
		"missing tensor": func(s string) string { return strings.Replace(s, `"final.g"`, `"finally.g"`, 1) },
		"no JSON":        func(s string) string { return s[:len(s)/2] },
	} {
		var out bytes.Buffer
		passed, failed, err := Verify(context.Background(), write(t, edit), reference.New(), true, &out)
		if err != nil || passed != 0 || failed != 1 {
			t.Errorf("%s: %d passed, %d failed, %v\n%s", name, passed, failed, err, &out)
		}
	}
}

func TestNoCases(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		if _, _, err := Verify(context.Background(), dir, reference.New(), false, &bytes.Buffer{}); err == nil {
			t.Errorf("folder %q without cases is no error", dir)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	passed, failed, err := Verify(ctx, ours, reference.New(), false, &bytes.Buffer{})
	if err == nil || passed+failed != 0 {
		t.Errorf("after cancelling: %d passed, %d failed, %v", passed, failed, err)
	}
}
