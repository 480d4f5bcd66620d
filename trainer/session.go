package trainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer/atomicfile"
	"github.com/evenkeel/evenkeel/trainer/data"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// session is the working half of a job: data, engine and run folder. Only the job's goroutine
// touches it.
type session struct {
	j    *Job
	cfg  Config
	data *data.Dataset
	run  *runs.Run
	log  *slog.Logger
	ask  bool // a person decides what happens when the GPU fails

	spec   *model.Spec
	schema *graph.Schema
	dev    device.Device
	print  fingerprint // of dev
	eng    *Engine

	sched   Schedule
	peaks   []Peak // of lr_at
	step    int64  // steps done
	written int64  // step of the newest checkpoint, -1 before the first
	watch   watch
	clock   stopwatch
	valLoss float64 // the last that was finite, NaN before the first
	row     []float32
	ids     []int32 // the step's whole batch
	targets []int32
	sampler *sampler
	paused  bool
	mark    float64  // validation loss since the last checkpoint, NaN when none
	notes   []string // what happened to the device
	steered []string // what changed as the run went on
	pace    pace
	back    rollback
	trouble trouble
	// The newest steps whose row was recorded and whose text was sampled: steps that are run again
	// after a failure do neither a second time.
	recorded, sampled int64
}

// newSession prepares a run from nothing. The folder is made last, so that bad input leaves none.
func newSession(ctx context.Context, j *Job, opt Options) (*session, error) {
	s := &session{j: j, cfg: j.cfg, ask: opt.Ask, written: -1, valLoss: math.NaN(), mark: math.NaN()}
	if err := s.prepare(ctx, opt); err != nil {
		s.release()
		return nil, err
	}
	if err := s.create(opt); err != nil {
		s.release()
		return nil, err
	}
	if err := s.eng.InitParams(s.cfg.Seed); err != nil {
		return nil, errors.Join(err, s.close(err))
	}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, s.close(err))
	}
	if err := s.checkpoint(); err != nil {
		return nil, errors.Join(err, s.close(err))
	}
	return s, nil
}

// resumeSession prepares a run from its folder; see RollBack for a factor above 0.
func resumeSession(ctx context.Context, j *Job, run *runs.Run, factor float64, opt Options) (*session, error) {
	s := &session{j: j, cfg: j.cfg, run: run, ask: opt.Ask, written: -1, valLoss: math.NaN(), mark: math.NaN()}
	err := s.prepare(ctx, opt)
	if err == nil {
		err = s.restore(ctx, factor)
	}
	if err == nil {
		err = s.begin()
	}
	if err == nil && s.written < 0 { // it starts over, and must be able to again
		err = s.checkpoint()
	}
	if err != nil {
		if ctx.Err() == nil {
			run.AddEvent("resume_failed", 0, err.Error(), nil)
		}
		run.Close()
		s.run = nil
		s.release()
		return nil, err
	}
	return s, nil
}

// prepare reads the data, opens the device and takes all memory.
func (s *session) prepare(ctx context.Context, opt Options) error {
	s.log = opt.Log
	if s.log == nil {
		s.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	c := &s.cfg
	var err error
	s.data, err = data.Prepare(ctx, data.Options{
		Corpus: c.Data, MaxBytes: c.DataBytes, Tokenizer: c.tokenizer(), Vocab: c.BPEVocab, T: c.Model.Seq,
		B: c.Batch, Seed: c.Seed, ValPerMille: c.heldOut(), Cache: cacheDir(),
		Progress: s.preparing,
	})
	if err != nil {
		return err
	}
	rows := s.data.Tokenizer.EmbeddingRows()
	if c.Model.Vocab == 0 {
		c.Model.Vocab = rows
	}
	if c.Model.Vocab < s.data.Tokenizer.VocabSize() {
		return fmt.Errorf("vocab is %d but the tokenizer has %d tokens; set vocab to at least that, or to 0",
			c.Model.Vocab, s.data.Tokenizer.VocabSize())
	}
	if s.spec, err = c.Model.Resolve(); err != nil {
		return err
	}
	s.schema = s.spec.Schema(1)
	if err = s.settle(ctx); err != nil {
		return err
	}
	s.ids, s.targets = make([]int32, c.Batch*s.spec.T), make([]int32, c.Batch*s.spec.T)
	s.sched = c.schedule(int64(c.Batch) * int64(s.spec.T))
	s.peaks, err = c.Peaks()
	return err
}

// preparing publishes what is being prepared and how far that is; total is 0 when its length is unknown.
func (s *session) preparing(stage string, done, total int64) {
	s.j.publish(func(p *Snapshot) {
		if p.State == Running {
			return // the device is opened anew; people see steps
		}
		p.Reason, p.Progress = stage, -1
		if total > 0 {
			p.Progress = float64(done) / float64(total)
		}
	})
}

// create makes the run folder.
func (s *session) create(opt Options) error {
	root := opt.Root
	var err error
	if root == "" {
		if root, err = runs.DefaultRoot(); err != nil {
			return err
		}
	}
	text, err := s.cfg.YAML()
	if err != nil {
		return err
	}
	device := s.dev.Info()
	info := map[string]string{"preset": s.cfg.Preset, "steps": fmt.Sprint(s.cfg.Steps)}
	if f := s.data.FloorPerToken; !math.IsNaN(f) {
		info["loss_floor"] = fmt.Sprint(f)
	}
	s.run, err = runs.Create(root, s.cfg.Model.Variant, runs.Meta{
		Name: s.cfg.Title(), Variant: s.cfg.Model.Variant, Status: runs.Preparing, AppVersion: Version,
		Hardware:      map[string]string{"device": device.Name, "kernels": device.Detail, "system": runtime.GOOS + "/" + runtime.GOARCH},
		DatasetSHA256: s.data.Fingerprint,
		Info:          info,
	}, text)
	return err
}

// begin publishes what is known before the first step.
func (s *session) begin() error {
	if err := s.run.SetKeys(s.j.history.Keys()); err != nil {
		return err
	}
	s.row = make([]float32, len(s.j.history.Keys()))
	if err := s.run.SetStatus(runs.Running, ""); err != nil {
		return err
	}
	s.log = slog.New(fanout{s.run.LogHandler(slog.LevelInfo), s.log.Handler()})
	info := s.dev.Info()
	s.log.Info("training", "variant", s.cfg.Model.Variant, "device", info.Name, "kernels", info.Detail,
		"threads", info.Threads, "from_step", s.step, "steps", s.cfg.Steps)
	for _, n := range s.data.Notes {
		s.log.Info("data", "note", n)
	}
	for _, n := range s.notes {
		s.run.AddEvent("device", s.step, n, nil)
	}
	s.recorded, s.sampled = s.step, s.step
	s.j.publish(func(p *Snapshot) {
		p.State, p.Reason, p.Progress = Running, "", 0
		p.Step, p.Steps, p.Floor, p.MemoryBytes = s.step, int64(s.cfg.Steps), s.data.FloorPerToken, s.eng.memory()
		p.RunPath, p.Notes = s.run.Path(), slices.Concat(s.cfg.Warnings(), s.data.Notes, s.notes, s.steered)
		p.Elapsed = s.clock.elapsed()
		p.From, p.Peak, p.LRAt = s.step, s.cfg.peakAt(s.peaks, s.step+1), s.cfg.LRAt
		p.Device, p.ValLoss, p.Vocab = info.Name+", "+info.Detail, s.valLoss, s.spec.V
		p.OnGPU = info.Kind == "gpu"
	})
	return nil
}

// saveConfig rewrites config.yaml after a resume changed it.
func (s *session) saveConfig() error {
	text, err := s.cfg.YAML()
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(s.run.Path(), "config.yaml"), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// close stores how the run ended and frees everything. cause is why the loop returned.
func (s *session) close(cause error) error {
	status, reason := runs.Done, ""
	var diverged *DivergedError
	switch {
	case cause == nil:
	case errors.Is(cause, errStopped), errors.Is(cause, context.Canceled):
		status = runs.Stopped
	case errors.As(cause, &diverged):
		status, reason = runs.Diverged, diverged.Reason
		s.run.AddEvent("diverged", diverged.Step, reason, nil)
	default:
		status, reason = runs.Failed, cause.Error()
		s.run.AddEvent("failed", s.step, reason, nil)
	}
	s.log.Info("ended", "status", string(status), "reason", reason, "step", s.step)
	err := errors.Join(s.run.SetStatus(status, reason), s.run.Close())
	s.release()
	return err
}

func (s *session) release() {
	s.closeEngine()
	if s.dev != nil {
		s.dev.Close()
		s.dev = nil
	}
}

// closeEngine frees what the run holds on its device.
func (s *session) closeEngine() {
	if s.sampler != nil {
		s.sampler.Close()
		s.sampler = nil
	}
	if s.eng != nil {
		s.eng.Close()
		s.eng = nil
	}
}

// fanout sends log records to two handlers.
type fanout struct{ a, b slog.Handler }

func (f fanout) Enabled(ctx context.Context, l slog.Level) bool {
	return f.a.Enabled(ctx, l) || f.b.Enabled(ctx, l)
}

func (f fanout) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	for _, h := range []slog.Handler{f.a, f.b} {
		if h.Enabled(ctx, r.Level) {
			errs = append(errs, h.Handle(ctx, r.Clone()))
		}
	}
	return errors.Join(errs...)
}

func (f fanout) WithAttrs(a []slog.Attr) slog.Handler {
	return fanout{f.a.WithAttrs(a), f.b.WithAttrs(a)}
}

func (f fanout) WithGroup(n string) slog.Handler { return fanout{f.a.WithGroup(n), f.b.WithGroup(n)} }
