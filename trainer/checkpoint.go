package trainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer/runs"
	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// Files of a checkpoint.
const (
	fileModel     = "model.safetensors"
	fileOptim     = "optim.safetensors"
	fileState     = "state.json"
	fileTokenizer = "tokenizer.json"
	fileConfig    = "config.yaml"
)

// trainState is state.json: what a resumed run needs besides weights and moments. Data order and
// sampling are functions of seed and step and need no state of their own.
type trainState struct {
	Step        int64         `json:"step"`
	Tokens      int64         `json:"tokens"`
	Elapsed     time.Duration `json:"elapsed_ns"`
	Watch       watch         `json:"watch"`
	ValLoss     *float64      `json:"val_loss"` // last measured, null before the first
	Dataset     string        `json:"dataset_sha256"`
	Tokenizer   string        `json:"tokenizer_sha256"`
	Fingerprint fingerprint   `json:"backend"`
}

// fingerprint is what bits depend on.
type fingerprint struct {
	Device  string `json:"device"`
	Kernels string `json:"kernels"`
	Threads int    `json:"threads,omitempty"` // only where bits depend on it
	Go      string `json:"go"`
}

func fingerprintOf(d device.Device) fingerprint {
	i := d.Info()
	f := fingerprint{Device: i.Name, Kernels: i.Detail, Go: runtime.Version()}
	if !i.SameBits {
		f.Threads = i.Threads
	}
	return f
}

// checkpoint writes weights, moments and state of the steps done so far.
func (s *session) checkpoint() error { return s.checkpointOf(s.eng.State) }

// source is where a checkpoint takes weights and moments from.
type source interface {
	Read(a device.Arena, param int, dst []float32) error
}

// checkpointOf is checkpoint with weights and moments from elsewhere than the device.
func (s *session) checkpointOf(from source) error {
	text, err := s.cfg.YAML()
	if err != nil {
		return err
	}
	st := trainState{
		Step: s.step, Tokens: s.step * int64(s.cfg.Batch) * int64(s.spec.T), Elapsed: s.clock.elapsed(), Watch: s.watch,
		Dataset: s.data.Fingerprint, Tokenizer: s.data.Tokenizer.SHA256(), Fingerprint: s.print,
	}
	if !math.IsNaN(s.valLoss) {
		st.ValLoss = &s.valLoss
	}
	path, err := s.run.WriteCheckpoint(s.step, func(w *runs.CheckpointWriter) error {
		if !math.IsNaN(s.mark) {
			w.SetValidationLoss(s.mark)
		}
		meta := map[string]string{"format": "pt", "step": fmt.Sprint(s.step)}
		return errors.Join(
			w.Safetensors(fileModel, tensors(s.schema, from, device.Params, ""), meta),
			w.Safetensors(fileOptim, append(tensors(s.schema, from, device.Moment1, ".exp_avg"),
				tensors(s.schema, from, device.Moment2, ".exp_avg_sq")...), meta),
			w.JSON(fileState, st),
			w.File(fileTokenizer, s.data.Tokenizer.JSON()),
			w.File(fileConfig, text),
		)
	})
	if err != nil {
		return err
	}
	s.mark, s.written = math.NaN(), s.step
	if _, err := s.run.Prune(s.cfg.KeepCheckpoints); err != nil {
		return err
	}
	s.j.publish(func(p *Snapshot) { p.Checkpoint, p.Step, p.Saved = path, s.step, p.Saved+1 })
	return nil
}

// tensors lists an arena of a state for a checkpoint, each streamed through one buffer.
func tensors(sc *graph.Schema, from source, a device.Arena, suffix string) []safetensors.Tensor {
	var buf []float32
	list := make([]safetensors.Tensor, len(sc.Params))
	for i := range sc.Params {
		p := &sc.Params[i]
		list[i] = safetensors.Tensor{
			Name: p.Name + suffix, DType: safetensors.F32, Shape: p.Shape,
			Write: func(w io.Writer) error {
				if len(buf) < p.Len() {
					buf = make([]float32, p.Len())
				}
				v := buf[:p.Len()]
				if err := from.Read(a, i, v); err != nil {
					return err
				}
				_, err := w.Write(unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), 4*len(v)))
				return err
			},
		}
	}
	return list
}

// load fills an arena from a safetensors file, after checking that every tensor fits.
func (e *Engine) load(path string, arenas map[device.Arena]string) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var want []safetensors.Spec
	for _, suffix := range arenas {
		want = append(want, specs(e.Schema, suffix)...)
	}
	if err := f.Match(want, true); err != nil {
		return err
	}
	for a, suffix := range arenas {
		for i := range e.Schema.Params {
			v, err := f.Float32s(e.Schema.Params[i].Name + suffix)
			if err != nil {
				return err
			}
			if err := e.State.Write(a, i, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func specs(sc *graph.Schema, suffix string) []safetensors.Spec {
	list := make([]safetensors.Spec, len(sc.Params))
	for i := range sc.Params {
		list[i] = safetensors.Spec{Name: sc.Params[i].Name + suffix, DType: safetensors.F32, Shape: sc.Params[i].Shape}
	}
	return list
}

// restore takes the run back to its newest checkpoint, or to step 0 when it was killed before its
// first. A factor above 0 takes it back to the newest from before the loss rose, to step 0 if there is none,
// and multiplies the peak of the learning rate. Checkpoints that cannot be read are no reason to start over,
// because that would give up what was measured.
func (s *session) restore(ctx context.Context, factor float64) error {
	ck, st, passed, err := s.newest(ctx, factor > 0)
	for _, b := range passed {
		text := fmt.Sprintf("Checkpoint %s was passed over: %v", b.Path, b.Reason)
		if !s.told(text) {
			s.run.AddEvent("damaged", 0, text, nil)
		}
		s.steered = append(s.steered, text)
	}
	if err == nil {
		err = s.read(ck, &st)
	} else if errors.Is(err, runs.ErrNoCheckpoint) {
		over, uerr := s.run.Untouched()
		if uerr != nil {
			return uerr
		}
		if over || factor > 0 && len(passed) == 0 {
			err = s.eng.InitParams(s.cfg.Seed)
		}
	}
	if err != nil {
		return err
	}
	last := int64(0)
	if factor > 0 {
		if last, err = s.lastStep(); err != nil {
			return err
		}
	}
	if _, err := s.run.ResumeAt(st.Step); err != nil {
		return err
	}
	if factor > 0 {
		s.lower(last, factor)
	}
	if err := s.saveConfig(); err != nil {
		return err
	}
	err = s.run.Update(func(m *runs.Meta) {
		if m.Info != nil {
			m.Info["steps"] = fmt.Sprint(s.cfg.Steps)
		}
	})
	if err != nil {
		return err
	}
	return s.replay()
}

// told tells whether an event of the run says a text already.
func (s *session) told(text string) bool {
	events, err := s.run.Events()
	return err == nil && slices.ContainsFunc(events, func(e runs.Event) bool { return e.Text == text })
}

// read loads weights and moments of a checkpoint and takes over its state.
func (s *session) read(ck runs.Checkpoint, st *trainState) error {
	if st.Dataset != s.data.Fingerprint {
		return fmt.Errorf("run %s was trained on other data than %q holds now; restore the corpus, or start a new run",
			s.run.Path(), s.cfg.Data)
	}
	if int64(s.cfg.Steps) < st.Step {
		return fmt.Errorf("run %s has done %d steps already; give it more than that to go on, not %d",
			s.run.Path(), st.Step, s.cfg.Steps)
	}
	if err := s.eng.load(ck.File(fileModel), map[device.Arena]string{device.Params: ""}); err != nil {
		return err
	}
	err := s.eng.load(ck.File(fileOptim), map[device.Arena]string{device.Moment1: ".exp_avg", device.Moment2: ".exp_avg_sq"})
	if err != nil {
		return err
	}
	s.step, s.written, s.clock.before, s.watch = st.Step, st.Step, st.Elapsed, st.Watch
	if st.ValLoss != nil {
		s.valLoss = *st.ValLoss
	}
	if now := s.print; now != st.Fingerprint {
		s.run.AddEvent("backend_changed", st.Step, fmt.Sprintf(
			"The device or its kernels changed (%+v, now %+v): the run goes on, but not bit for bit as before.",
			st.Fingerprint, now), nil)
	}
	return nil
}

// replay reads the kept metrics rows into the history.
func (s *session) replay() error {
	m, err := s.run.Metrics()
	if err != nil {
		return err
	}
	keys := s.j.history.Keys()
	cols := make([][]float32, len(keys))
	for i, k := range keys {
		cols[i] = m.Column(k)
	}
	row := make([]float32, len(keys))
	for r, step := range m.Steps {
		for i, c := range cols {
			row[i] = runs.Missing
			if r < len(c) {
				row[i] = c[r]
			}
		}
		s.j.history.Append(step, row)
	}
	return nil
}

// cacheDir is where trained tokenizers and token shards are kept between runs; empty when the
// system names no place.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "evenkeel")
}
