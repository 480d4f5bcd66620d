package trainer

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/assets"
	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/trainer/data"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// renew is what to do when the runs that come with the app do not fit the app any more.
const renew = "tools/example.sh makes them anew"

// example unpacks the runs that come with the app.
func example(t *testing.T) []runs.Summary {
	t.Helper()
	root := t.TempDir()
	if err := assets.Example(root); err != nil {
		t.Fatal(err)
	}
	list, err := runs.List(root)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d runs come with the app, want 3: %v", len(list), err)
	}
	return list
}

// TestExample holds the runs that come with the app to what this version makes of them: they are whole, their
// configs build, the text is the one that is generated today, and their weights lose on it what was measured
// when they were trained.
func TestExample(t *testing.T) {
	var variants []string
	var configs []Config
	for _, s := range example(t) {
		variants = append(variants, s.Variant)
		if s.Status != runs.Done || !slices.Contains(s.About.Tags, "example") || !strings.Contains(s.About.Notes, "CPU") ||
			filepath.Base(s.Path) != s.ID {
			t.Errorf("%s: %+v", s.Path, s)
		}
		c, err := LoadConfig(filepath.Join(s.Path, "config.yaml"))
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			t.Fatalf("%s: %v; %s", s.Name, err, renew)
		}
		one := c
		one.Model.Variant = ""
		if configs = append(configs, one); fmt.Sprint(one) != fmt.Sprint(configs[0]) {
			t.Errorf("%s differs from the others in more than its variant: %+v, %+v", s.Name, one, configs[0])
		}
		exampleMetrics(t, &s, &c)
		exampleModel(t, &s, &c)
	}
	if want := []string{"hybrid_star", "pre", "post"}; !slices.Equal(variants, want) {
		t.Errorf("the runs are of %v, newest first; want %v", variants, want)
	}
}

// exampleMetrics checks that charts, samples and log of a run have something to show.
func exampleMetrics(t *testing.T, s *runs.Summary, c *Config) {
	t.Helper()
	run, err := runs.Open(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := run.Metrics()
	if err != nil || len(m.Steps) != c.Steps || c.Steps < 200 || m.Steps[0] != 1 {
		t.Fatalf("%s has %d rows of %d: %v", s.Name, len(m.Steps), c.Steps, err)
	}
	for _, key := range MetricKeys(c.Model.Layers, c.Model.Experts) {
		values := m.Column(key)
		for i, v := range values {
			if math.IsNaN(float64(v)) != (key == KeyValLoss && (i+1)%c.EvalEvery != 0) {
				t.Errorf("%s: %s is %v at step %d; %s", s.Name, key, v, i+1, renew)
				break
			}
		}
		if len(values) != c.Steps {
			t.Errorf("%s has %d values of %s; %s", s.Name, len(values), key, renew)
		}
	}
	events, err := run.Events()
	samples := 0
	for _, e := range events {
		if e.Kind == "sample" {
			samples++
		}
	}
	if err != nil || samples < 4 {
		t.Errorf("%s has %d samples: %v", s.Name, samples, err)
	}
}

// exampleModel opens the checkpoint and measures it again.
func exampleModel(t *testing.T, s *runs.Summary, c *Config) {
	t.Helper()
	ctx := context.Background()
	ck, err := findCheckpoint(s.Path)
	if err == nil {
		err = runs.Verify(ctx, ck.Path)
	}
	if err != nil {
		t.Fatal(err)
	}
	set, err := data.Prepare(ctx, data.Options{Corpus: c.Data, Tokenizer: c.Tokenizer, T: c.Model.Seq, B: c.Batch,
		Seed: c.Seed, ValPerMille: c.heldOut(), Cache: cacheDir()})
	if err != nil {
		t.Fatal(err)
	}
	if set.Fingerprint != s.DatasetSHA256 || fmt.Sprint(set.FloorPerToken) != s.Info["loss_floor"] {
		t.Errorf("%s was trained on another toy language; %s", s.Name, renew)
	}
	m, err := OpenModel(ctx, s.Path, DeviceOptions{Name: metal.CPU})
	if err != nil {
		t.Fatalf("%s: %v; %s", s.Name, err, renew)
	}
	defer m.Close()
	r, err := m.Evaluate(ctx, "", c.EvalBatches*c.Batch/evalB, nil)
	if want := float64(s.Last[KeyValLoss]); err != nil || !(math.Abs(r.Loss-want) < 1e-4) {
		t.Errorf("%s: the weights lose %v, its metrics say %v: %v", s.Name, r.Loss, want, err)
	}
	if text, err := m.Sample(ctx, SampleOptions{Tokens: 16, Temperature: 0.8, Seed: 1}, func(string) {}); err != nil || text == "" {
		t.Errorf("%s writes %q: %v", s.Name, text, err)
	}
	if _, err := Resume(s.Path, c.Steps+10, Options{}); err == nil || !strings.Contains(err.Error(), "start a new run") {
		t.Errorf("going on with %s: %v", s.Name, err)
	}
}

// TestExampleNamesNoMachine: nothing that comes with the app says where it was made.
func TestExampleNamesNoMachine(t *testing.T) {
	place := regexp.MustCompile(`"?(/|[A-Z]:\\)(home|root|tmp|var|work|Users|mnt|opt|usr)\b|host`)
	for _, s := range example(t) {
		err := filepath.WalkDir(s.Path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) == ".safetensors" {
				return err
			}
			b, err := os.ReadFile(path)
			if found := place.Find(b); found != nil {
				t.Errorf("%s says %q", path, found)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if s.Hardware["device"] != "CPU" {
			t.Errorf("%s names the device %q", s.Name, s.Hardware["device"])
		}
	}
}
