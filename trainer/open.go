package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer/data"
	"github.com/evenkeel/evenkeel/trainer/runs"
	"github.com/evenkeel/evenkeel/trainer/tokenizer"
)

// Model is a checkpoint opened for use. Not for concurrent use.
type Model struct {
	Config     Config
	Step       int64
	Checkpoint string // folder it came from

	dataset string // fingerprint of what it was trained on, empty when its checkpoint does not tell
	tok     *tokenizer.Tokenizer
	dev     device.Device
	eng     *Engine
	sampler *sampler
}

// OpenModel opens the newest checkpoint of a run folder, or the checkpoint folder itself, on a device.
func OpenModel(ctx context.Context, path string, o DeviceOptions) (*Model, error) {
	ck, err := findCheckpoint(path)
	if err != nil {
		return nil, err
	}
	if err := ck.Verify(ctx, fileModel, fileTokenizer, fileConfig); err != nil {
		return nil, err
	}
	m := &Model{Step: ck.Step, Checkpoint: ck.Path}
	if m.Config, err = readConfig(ck); err != nil {
		return nil, err
	}
	if m.tok, err = tokenizer.Load(ck.File(fileTokenizer)); err != nil {
		return nil, err
	}
	if st, err := readState(ck); err == nil { // weights alone are enough for everything else
		m.dataset = st.Dataset
	}
	spec, err := m.Config.Model.Resolve()
	if err != nil {
		return nil, err
	}
	err = withDevice(ctx, o, func(d device.Device) error {
		m.dev, m.eng = d, &Engine{Spec: spec, Schema: spec.Schema(1), B: 1, T: spec.T, Micro: 1, Device: d}
		err := m.load(ctx, ck, &o)
		if err != nil {
			m.Close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// load fills the parameters and makes what evaluating and sampling need, so that a GPU which cannot do it
// says so now.
func (m *Model) load(ctx context.Context, ck runs.Checkpoint, o *DeviceOptions) error {
	var graphs [3]*graph.Graph
	var errs [3]error
	graphs[0], errs[0] = m.eng.Spec.Evaluate(m.eng.Schema, evalB, m.eng.T)
	graphs[1], errs[1] = m.eng.Spec.Decode(m.eng.Schema, 1)
	graphs[2], errs[2] = m.eng.Spec.Prefill(m.eng.Schema, 1, min(prefillTokens, m.eng.T))
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	for _, g := range graphs {
		if err := o.build(ctx, m.dev, g); err != nil {
			return err
		}
	}
	var err error
	if m.eng.State, err = m.dev.NewState(m.eng.Schema); err != nil {
		return err
	}
	return m.eng.load(ck.File(fileModel), map[device.Arena]string{device.Params: ""})
}

// findCheckpoint reads a path that is a run folder or a checkpoint folder.
func findCheckpoint(path string) (runs.Checkpoint, error) {
	if _, err := os.Stat(filepath.Join(path, "MANIFEST.json")); err == nil {
		return runs.ReadCheckpoint(path)
	}
	run, err := runs.Open(path)
	if err != nil {
		return runs.Checkpoint{}, err
	}
	defer run.Close()
	return run.Latest()
}

// Close frees the device.
func (m *Model) Close() error {
	if m.sampler != nil {
		m.sampler.Close()
	}
	m.eng.Close()
	return m.dev.Close()
}

// Sample generates text; see sampler.Generate for emit.
func (m *Model) Sample(ctx context.Context, o SampleOptions, emit func(string)) (string, error) {
	if m.sampler == nil {
		var err error
		if m.sampler, err = newSampler(m.eng, m.tok); err != nil {
			return "", err
		}
	}
	return m.sampler.Generate(ctx, o, emit)
}

// evalB is how many sequences Evaluate takes at a time.
const evalB = 8

// EvalResult is how well a model predicts a text.
type EvalResult struct {
	Loss        float64 // nats a token
	Perplexity  float64
	BitsPerByte float64
	Tokens      int     // targets measured
	Floor       float64 // nats a token no model can beat, NaN when unknown
	// Warning, when not empty, is a sentence on why the text may not be what was held out in training.
	Warning string
}

// Evaluate measures the model on held-out text of a corpus, its own run's when corpus is empty, at
// most batches batches of up to 8 sequences (0: all). Of its own corpus that is the text the run validated
// on, none other was held out; a warning tells when the corpus has changed since.
func (m *Model) Evaluate(ctx context.Context, corpus string, batches int, progress func(done, total int)) (EvalResult, error) {
	c := &m.Config
	o := data.Options{Corpus: corpus, Tokenizer: filepath.Join(m.Checkpoint, fileTokenizer),
		T: m.eng.T, B: 1, Seed: c.Seed, ValPerMille: c.ValPerMill, Cache: cacheDir()}
	own := corpus == "" || corpus == c.Data
	if own {
		corpus = c.Data
		o.Corpus, o.MaxBytes, o.B, o.ValPerMille = c.Data, c.DataBytes, c.Batch, c.heldOut()
		if o.ValPerMille == data.NoValidation {
			return EvalResult{}, fmt.Errorf("the run was trained on all of %q (val_permille 0), so none of it was held out "+
				"to measure on; name a corpus it has not seen", corpus)
		}
	}
	ds, err := data.Prepare(ctx, o)
	if err != nil {
		return EvalResult{}, err
	}
	B := max(1, min(evalB, ds.ValBatches(1)))
	n := ds.ValBatches(B)
	if batches > 0 {
		n = min(n, batches)
	}
	if n == 0 {
		return EvalResult{}, fmt.Errorf("corpus %q holds no validation text of %d tokens; use a larger corpus", corpus, m.eng.T)
	}
	var sum float64
	var r EvalResult
	if own && m.dataset != "" && m.dataset != ds.Fingerprint {
		r.Warning = fmt.Sprintf("Corpus %q is not what this run was trained on, it has changed since; "+
			"what is measured may not be text that was held out.", corpus)
	}
	for i := range n {
		if ctx.Err() != nil {
			return EvalResult{}, ctx.Err()
		}
		loss, targets, err := m.eng.Evaluate(B, 1, func(_ int, ids, targets []int32) { ds.ValBatch(i, B, ids, targets) })
		if err != nil {
			return EvalResult{}, err
		}
		sum += loss * float64(targets)
		r.Tokens += targets
		if progress != nil {
			progress(i+1, n)
		}
	}
	r.Loss = sum / float64(r.Tokens)
	r.Perplexity = math.Exp(r.Loss)
	r.BitsPerByte = r.Loss / math.Ln2 / ds.BytesPerToken
	r.Floor = ds.FloorPerToken
	return r, nil
}
