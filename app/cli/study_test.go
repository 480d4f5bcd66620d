package cli

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/studies"
)

func TestStudyDrawsAndJudges(t *testing.T) {
	s := studies.Figure2Setting()
	s.Layers, s.D, s.Heads, s.FFN, s.Seq, s.Batch = 3, 16, 2, 16, 16, 2
	s.Data, s.DataBytes, s.Steps, s.Late, s.Warmup, s.Seeds, s.Device = "toy", 40000, 20, 10, 2, 2, "cpu"
	var out bytes.Buffer
	e := &env{ctx: t.Context(), out: &out, err: &out}
	path := filepath.Join(t.TempDir(), "figure2.png")
	if err := e.study(s, path); err != nil && err != errSaid {
		t.Fatal(err)
	}
	drawn(t, path)
	wants(t, "the study", out.String(), "s1 b0", "s10 b2", "Post-Norm", "HybridNorm*", "must be at least 2.50", path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.ctx = ctx
	if err := e.study(s, path); err != context.Canceled {
		t.Errorf("a cancelled study ends with %v", err)
	}
}
