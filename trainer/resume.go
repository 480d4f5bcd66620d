package trainer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// runConfig reads the config a run folder keeps.
func runConfig(run *runs.Run) (Config, error) {
	text, err := run.Config()
	if err != nil {
		return Config{}, err
	}
	return storedConfig(text, filepath.Join(run.Path(), fileConfig))
}

// readConfig reads the config a checkpoint was written with.
func readConfig(ck runs.Checkpoint) (Config, error) {
	text, err := os.ReadFile(ck.File(fileConfig))
	if err != nil {
		return Config{}, fmt.Errorf("checkpoint %s has no readable config: %w", ck.Path, err)
	}
	return storedConfig(text, ck.File(fileConfig))
}

// storedConfig reads a config that was written whole. Keys that did not exist then have their defaults.
func storedConfig(text []byte, from string) (Config, error) {
	cfg := DefaultConfig()
	cfg.Preset = ""
	return cfg, ParseConfig(text, from, &cfg)
}

// resumable tells why a run cannot go on, as far as that shows before the data is read: its config makes no
// sense or is not the one it was trained with, or there is nothing to go on from. What else may be wrong
// with checkpoints is found when they are read. back is set when the run may start over.
func resumable(run *runs.Run, cfg *Config, back bool) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if _, err := cfg.ExpectedSpec(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(run.Path(), fileConfig), err)
	}
	ck, err := run.Latest()
	if errors.Is(err, runs.ErrNoCheckpoint) {
		untouched, uerr := run.Untouched()
		if back || untouched {
			return nil
		}
		return errors.Join(uerr, err)
	}
	if err != nil {
		return err
	}
	// One kept for its weights alone, as in the example that comes with the app.
	if ck.Holds(fileOptim) != nil {
		return fmt.Errorf("run %s keeps the weights of step %d without the optimizer's moments, so that it can write "+
			"text but cannot be trained further; start a new run with its settings", run.Path(), ck.Step)
	}
	return trainedWith(run, cfg)
}

// trainedWith holds the config of a run to that of its newest checkpoint whose config is whole.
func trainedWith(run *runs.Run, cfg *Config) error {
	valid, _, err := run.Checkpoints()
	if err != nil {
		return err
	}
	for _, ck := range slices.Backward(valid) {
		if ck.Verify(context.Background(), fileConfig) != nil {
			continue
		}
		was, err := readConfig(ck)
		if err != nil {
			return err
		}
		key, now, before := firstDifference(*cfg, was)
		if key == "" {
			return nil
		}
		return fmt.Errorf("%s gives %s %s, but the checkpoint of step %d was trained with %s; put that back to go on, "+
			"or start a new run with the changed config", filepath.Join(run.Path(), fileConfig), key, now, ck.Step, before)
	}
	return nil
}

// free are the keys that may change while a run is interrupted. Data and tokenizer are held to the
// fingerprint of the dataset instead, because a corpus may have moved.
var free = []string{
	"name", "preset", "steps", "lr_at", "device", "threads", "micro",
	"data", "data_bytes", "tokenizer", "bpe_vocab", "val_permille",
	"eval_every", "eval_batches", "sample_every", "sample_tokens", "prompt",
	"checkpoint_every", "keep_checkpoints", "stop_on_rise",
}

// firstDifference names the first key in which two configs train differently, with its values in both, all
// empty when there is none.
func firstDifference(a, b Config) (key, inA, inB string) {
	b.Steps = a.Steps // a warmup that is counted from them is the same
	skip := free
	ra, unusedA, errA := a.Resolved()
	rb, unusedB, errB := b.Resolved()
	if errA == nil && errB == nil {
		a, b = ra, rb
		for _, k := range unusedA {
			if slices.Contains(unusedB, k) {
				skip = append(skip[:len(skip):len(skip)], k)
			}
		}
	}
	va, vb := a.values(), b.values()
	for _, k := range Keys() {
		x, y := shown(va[k]), shown(vb[k])
		if x != y && !slices.Contains(skip, k) {
			return k, x, y
		}
	}
	return "", "", ""
}

// values gives the config by its keys.
func (c *Config) values() map[string]yaml.Node {
	values := map[string]yaml.Node{}
	if text, err := c.YAML(); err != nil || yaml.Unmarshal(text, &values) != nil {
		panic("trainer: a config does not read back") // it is made of plain values
	}
	return values
}

// shown is a value as it stands in a config file, a nested one in a line of its own.
func shown(n yaml.Node) string {
	switch n.Kind {
	case 0:
		return "nothing"
	case yaml.ScalarNode:
		return n.Value
	}
	n.Style = yaml.FlowStyle
	text, _ := yaml.Marshal(&n)
	return strings.TrimSpace(string(text))
}
