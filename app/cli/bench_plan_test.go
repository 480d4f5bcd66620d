package cli

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
)

var tinyPlan = []string{"bench", "--plan", "--d", "32", "--layers", "1", "--heads", "2", "--seq", "16",
	"--batch", "2", "--vocab", "64"}

func with(args []string, more ...string) []string {
	return append(append([]string{}, args...), more...)
}

func TestBenchPlan(t *testing.T) {
	out := must(t, with(tinyPlan, "--chip", "m2")...)
	wants(t, "plan", out, "on M2: family 8, 10 cores, 3.6 TFLOPS", "matmul_direct", "attention_dkv_32", "adamw",
		"tokens/s", "% of peak", "messages", "Predicted, not measured")
	all := must(t, with(tinyPlan, "--all")...)
	if len(all) <= len(out) {
		t.Errorf("--all prints %d bytes, groups take %d", len(all), len(out))
	}
	file := filepath.Join(t.TempDir(), "plan.csv")
	wants(t, "plans", must(t, with(tinyPlan, "--chip", "m1,m4max", "--preset", "bench,tiny", "--csv", file)...),
		"M4 Max", "tiny", "bench", "Predicted, not measured")
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 200 || rows[0][5] != "kernel" {
		t.Errorf("the table has %d rows: %v", len(rows), err)
	}
}

func TestBenchPlanRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{with(tinyPlan, "--chip", "m9"), "m4max"},
		{with(tinyPlan, "--preset", "tyni"), `did you mean "tiny"`},
		{with(tinyPlan, "--steps", "3"), "--steps does not go with --plan"},
		{with(tinyPlan, "--micro", "-1"), "--micro"},
		{with(tinyPlan, "--all", "--chip", "m1,m2"), "--all takes one preset and one chip"},
		{[]string{"bench", "--chip", "m1"}, "--chip goes with --plan"},
	} {
		status, _, err := cli(t, "", c.args...)
		if status != exitUsage {
			t.Errorf("%v ended with status %d: %s", c.args, status, err)
		}
		wants(t, "refusal", err, c.want)
	}
}
