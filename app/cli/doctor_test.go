package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doctor.md")
	out := must(t, "doctor", "--device", "cpu", "--quick", "--threads", "1", "--report", file)
	wants(t, "doctor", out,
		"== cpu: ", "norm/rms", "attention_grad", "Everything can be trained on it.", " passed; ", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "the report", string(text),
		"# Evenkeel doctor", "system    ", "go        go", "## cpu: ", "### Summary", "lm_loss/")
	if n := strings.Count(string(text), "```"); n == 0 || n%2 != 0 {
		t.Errorf("the report opens or closes %d blocks of text", n)
	}
}

func TestDoctorRefuses(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none", "doctor.md")
	for line, says := range map[string]string{
		"doctor --report " + nowhere: "--report",
		"doctor --device cup":        `"cup"`,
	} {
		status, _, text := cli(t, "", strings.Fields(line)...)
		if status != exitFailed || !strings.Contains(text, says) {
			t.Errorf("evenkeel %s: status %d, want 1 and %q; it says\n%s", line, status, says, text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, _, text := cliIn(ctx, "", "doctor", "--quick")
	if status != exitFailed || !strings.Contains(text, "interrupted") {
		t.Errorf("interrupted doctor: status %d, %s", status, text)
	}
}
