package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// TestRaceCommand races two variants with two seeds and looks at what is left.
func TestRaceCommand(t *testing.T) {
	root, out := t.TempDir(), filepath.Join(t.TempDir(), "report")
	line := append([]string{"race", "--variants", "hybrid_star,pre", "--seeds", "2", "--steps", "12", "-o", out,
		"--runs", root}, small...)
	text := must(t, line...)
	wants(t, "race", text, "4 runs of 12 steps", "run 1/4  HybridNorm*, seed 1: done at step 12", "run 4/4  Pre-Norm, seed 2: done",
		"Final validation loss", filepath.Join(out, "report.md"))
	list, err := runs.List(root)
	if err != nil || len(list) != 4 {
		t.Errorf("%d runs are kept, %v", len(list), err)
	}
	for _, file := range []string{"config.yaml", "data/points.csv", "data/points.json", "data/runs.csv", "charts/loss.png"} {
		if info, err := os.Stat(filepath.Join(out, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	if status, _, says := cli(t, "", line...); status != exitFailed || !strings.Contains(says, "holds files already") {
		t.Errorf("a second race into the same folder: status %d, %s", status, says)
	}
}

// TestRaceDiverges: the race goes on, and its status is that of a success.
func TestRaceDiverges(t *testing.T) {
	out := filepath.Join(t.TempDir(), "report")
	line := append([]string{"race", "--variants", "post,pre", "--seeds", "1", "--steps", "8", "-o", out, "--lr", "1e30",
		"--warmup", "0", "--max_norm", "0", "--runs", t.TempDir()}, small...)
	text := must(t, line...)
	wants(t, "race", text, "diverged at step", "run 2/2")
	report, err := os.ReadFile(filepath.Join(out, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "report.md", string(report), "| yes |", "## What happened")
}

// TestRaceInterrupted writes the report of what there is, or nothing when there is nothing.
func TestRaceInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "report")
	line := append([]string{"race", "--steps", "100000", "-o", out, "--runs", t.TempDir()}, small...)
	status, text, says := cliIn(ctx, "", line...)
	if status != exitFailed || !strings.Contains(text, "The race was stopped") {
		t.Errorf("status %d\n%s%s", status, text, says)
	}
}

func TestRaceUsage(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"race --variants hybrid,prre", `did you mean "pre"`},
		{"race --variants a,b,c,d,e,f,g", "at most 6"},
		{"race --variants pre,pre", "twice"},
		{"race --seeds 0", "0 seeds"},
		{"race --variant pre", "--variants"},
		{"race --heads 5", "heads"},
	} {
		status, _, text := cli(t, "", strings.Fields(c.line)...)
		if status != exitUsage || !strings.Contains(text, c.says) {
			t.Errorf("evenkeel %s: status %d, want 2 and %q; it says\n%s", c.line, status, c.says, text)
		}
	}
}
