package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// folder writes a run folder as a trainer leaves it; texts replace those it has.
func folder(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"run.json": `{"id": "r-1", "name": "HybridNorm*, seed 1", "variant": "hybrid_star", "status": "done",
			"created": "2025-03-01T12:00:00Z", "hardware": {"device": "Acme 9 \"Turbo\"", "system": "linux/amd64"}}`,
		"config.yaml": "layers: 12\n", "metrics.jsonl": "[1,0.167,6.008692]\n", "events.jsonl": "{}\n",
		"log.jsonl":   `{"device":"Acme 9 \"Turbo\"","threads":2}` + "\n",
		"ckpt/latest": "step-00000300\n",
		"ckpt/step-00000300/MANIFEST.json": `{"step": 300, "validation_loss": 0.6434058842696543, "files": {
			"state.json": {"size": 1}, "model.safetensors": {"size": 1}, "optim.safetensors": {"size": 1}}}`,
		"ckpt/step-00000300/state.json":        `{"backend": {"device": "Acme 9 \"Turbo\""}}`,
		"ckpt/step-00000300/model.safetensors": "weights of box",
		"ckpt/step-00000300/optim.safetensors": "moments",
	} {
		if other, ok := texts[name]; ok {
			text = other
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var machine = []*regexp.Regexp{regexp.MustCompile(`\bbox\b`)}

// contents reads an archive.
func contents(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%+v: %v", h, err)
		}
		files[h.Name] = string(b)
	}
}

// TestPack: what was measured goes in untouched, the device's make and the moments do not, and the manifest is
// of what went in.
func TestPack(t *testing.T) {
	archive, err := pack([]string{folder(t, nil)}, machine)
	if err != nil {
		t.Fatal(err)
	}
	files := contents(t, archive)
	if files["r-1/metrics.jsonl"] != "[1,0.167,6.008692]\n" || files["r-1/config.yaml"] != "layers: 12\n" {
		t.Errorf("metrics %q, config %q", files["r-1/metrics.jsonl"], files["r-1/config.yaml"])
	}
	for name, text := range files {
		if strings.Contains(text, "Acme") || strings.Contains(name, "optim") || strings.Contains(text, "optim.safetensors") {
			t.Errorf("%s says %q", name, text)
		}
	}
	if text := files["r-1/log.jsonl"]; text != `{"device":"CPU","threads":2}`+"\n" {
		t.Errorf("the log says %q", text)
	}
	var about struct {
		Name, Notes string
		Tags        []string
		Color       int
	}
	if err := json.Unmarshal([]byte(files["r-1/about.json"]), &about); err != nil {
		t.Fatal(err)
	}
	if about.Name != "HybridNorm* example" || len(about.Tags) != 1 || about.Color != 3 || !strings.Contains(about.Notes, "(linux/amd64)") {
		t.Errorf("%+v", about)
	}
	var manifest struct {
		Loss  json.Number `json:"validation_loss"`
		Files map[string]struct {
			Size   int
			SHA256 string
		}
	}
	if err := json.Unmarshal([]byte(files["r-1/ckpt/step-00000300/MANIFEST.json"]), &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest.Files) != 2 || manifest.Loss != "0.6434058842696543" {
		t.Errorf("%+v", manifest)
	}
	for name, f := range manifest.Files {
		b := files["r-1/ckpt/step-00000300/"+name]
		if sum := sha256.Sum256([]byte(b)); f.Size != len(b) || f.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: the manifest says %+v of %q", name, f, b)
		}
	}
}

// TestPackRefuses what is not done, and what names the machine.
func TestPackRefuses(t *testing.T) {
	for want, texts := range map[string]map[string]string{
		`events.jsonl says "box"`: {"events.jsonl": `{"text":"kept on box"}`},
		`status is running`:       {"run.json": `{"id": "r", "status": "running", "hardware": {"device": "a"}}`},
		`unexpected EOF`:          {"ckpt/step-00000300/MANIFEST.json": `{`},
	} {
		_, err := pack([]string{folder(t, texts)}, machine)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := pack(nil, nil); err == nil {
		t.Error("an archive of nothing was made")
	}
	if list := secrets(); len(list) < 2 {
		t.Errorf("the machine is known by %v", list)
	}
}
