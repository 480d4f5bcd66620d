package cli

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

var trainCommand = &command{
	name: "train", summary: "train a model and keep it as a run folder",
	more: `Without flags it trains HybridNorm* on the generated toy language, about a minute on two cores.
Flags are the keys of a config file. Later sources win: defaults, --preset, --config, other flags.
The first Ctrl-C finishes the step, writes a checkpoint and ends with status 1; the second leaves at once.

  evenkeel train
  evenkeel train --variant pre --data opticks --tokenizer bpe --steps 600
  evenkeel train --preset deep --variant hybrid --init normal --seed 3
  evenkeel train --config runs/some-run/config.yaml --seed 2
  evenkeel train --config 1.2B-dense-HybriedNorm.yaml --layers 4 --d 256 --heads 4 --kv_heads 2 --ffn 640 --seq 256 \
    --vocab 0 --batch 8 --micro 1 --steps 500 --warmup 50`,
	run: runTrain,
}

func runTrain(e *env, args []string) error {
	f := e.flags()
	c := f.config()
	root := f.runsDir()
	if _, err := e.parse(f, args, 0, 0); err != nil {
		return err
	}
	cfg, err := c.build()
	e.explainImport(*c.file, c.imported)
	if err != nil {
		return err
	}
	if err := e.announce(&cfg); err != nil {
		return err
	}
	job, err := trainer.Start(cfg, trainer.Options{Root: *root})
	if err != nil {
		return err
	}
	return e.attend(job)
}

var resumeCommand = &command{
	name: "resume", args: "[RUN]", summary: "continue a run from its newest checkpoint",
	more: `RUN is a run folder, the name of one in the folder of runs, or the beginning of such a name; the
newest run when not given.

  evenkeel resume runs/20260102-hybrid_star-1a2b --steps 1000

With another number of steps the cosine of the learning rate is drawn anew to the new end, so a run that was
done begins again at a higher rate. Without --steps a resumed run repeats the unbroken one bit for bit.`,
	run: runResume,
}

func runResume(e *env, args []string) error {
	f := e.flags()
	steps := f.number("steps", 0, "N|new total of steps; 0 keeps the planned one")
	root := f.runsDir()
	pos, err := e.parse(f, args, 0, 1)
	if err != nil {
		return err
	}
	if *steps < 0 {
		return usagef("--steps is %d; it must be at least 0", *steps)
	}
	path, err := findRun(*root, pos)
	if err != nil {
		return err
	}
	if err := stepsLeft(path, *steps); err != nil {
		return err
	}
	job, err := trainer.Resume(path, *steps, trainer.Options{Root: *root})
	if err != nil {
		return err
	}
	cfg := job.Config()
	if err := e.announce(&cfg); err != nil {
		job.Stop()
		return errors.Join(err, job.Wait())
	}
	return e.attend(job)
}

// stepsLeft refuses to continue a run that has nothing left to do.
func stepsLeft(path string, steps int) error {
	run, err := runs.Open(path)
	if err != nil {
		return err
	}
	defer run.Close()
	ck, err := run.Latest()
	if errors.Is(err, runs.ErrNoCheckpoint) {
		return nil // Resume tells whether it was killed before its first, and starts over, or has lost them
	}
	if err != nil {
		return err
	}
	if steps == 0 {
		cfg, err := readConfig(run)
		if err != nil {
			return err
		}
		steps = cfg.Steps
	}
	if ck.Step >= int64(steps) {
		return fmt.Errorf("run %q has done %d of %d steps; give --steps with a larger number to go on",
			path, ck.Step, steps)
	}
	return nil
}

// announce prints what is about to be trained and what it costs.
func (e *env) announce(cfg *trainer.Config) error {
	n, err := cfg.Estimate()
	if err != nil {
		return usagef("%v", err)
	}
	s, err := cfg.ExpectedSpec()
	if err != nil {
		return usagef("%v", err)
	}
	v, err := cfg.Model.Row()
	if err != nil {
		return usagef("%v", err)
	}
	row := func(name, format string, args ...any) {
		fmt.Fprintf(e.out, "  %-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(e.out, "%s, %s init, seed %d\n", v.Title, s.Init, cfg.Seed)
	row("model", "%d blocks, d %d, %d heads, FFN %d (%s), vocabulary %d, %d tokens a sequence",
		len(s.Blocks), s.D, s.H, s.F, s.Act, s.V, s.T)
	row("data", "%s, tokenizer %s", cfg.Data, cfg.Tokenizer)
	row("parameters", "%s, of them %s in norms of the blocks",
		chart.FormatCount(float64(n.Params)), chart.FormatCount(float64(n.BlockNorms)))
	row("work", "%sFLOPs a token; %s steps of %s tokens", unit(n.FLOPs),
		chart.FormatCount(float64(cfg.Steps)), chart.FormatCount(float64(cfg.Batch*s.T)))
	row("memory", "%sB: %sB parameters, gradients and moments, %sB activations",
		unit(float64(n.Bytes())), unit(float64(n.StateBytes)), unit(float64(n.ArenaBytes)))
	for _, w := range cfg.Warnings() {
		row("warning", "%s", w)
	}
	return nil
}

// unit is short with the space behind it that a unit needs.
func unit(x float64) string {
	s := short(x)
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s // the prefix belongs to the unit
	}
	return s + " "
}

// look is how often a job is looked at.
const look = 50 * time.Millisecond

// attend watches a job to its end, stops it when the person asks, and reports what it left behind.
func (e *env) attend(job *trainer.Job) error {
	p := newProgress(e.out)
	tick := time.NewTicker(look)
	defer tick.Stop()
	asked := e.ctx.Done()
	introduced, notes := false, 0
	for over := false; !over; {
		select {
		case <-job.Done():
			over = true
		case <-asked:
			asked = nil
			p.note("Stopping after this step, with a checkpoint. Ctrl-C again leaves at once.")
			job.Stop()
		case <-tick.C:
		}
		s := job.Snapshot()
		if !introduced && s.RunPath != "" && s.Device != "" { // a resumed run has its folder before its device
			introduced, notes = true, len(s.Notes)
			e.introduce(p, job, &s)
		}
		for ; introduced && notes < len(s.Notes); notes++ {
			p.note("%s", s.Notes[notes])
		}
		switch {
		case over:
		case s.State == trainer.Preparing:
			p.show(share(s.Progress), share(1), time.Now(), func() string { return s.Reason })
		case s.Step > 0:
			p.show(s.Step, s.Steps, time.Now(), func() string { return stepLine(&s) })
		}
	}
	s := ended(job)
	p.clear()
	if s.Step > 0 && s.State != trainer.Failed {
		p.finish(s.Step, s.Steps, stepLine(&s))
	}
	return e.conclude(job)
}

// share turns a progress in [0, 1] into thousandths; a negative one, of unknown length, into none.
func share(x float64) int64 { return int64(math.Round(1000 * max(x, 0))) }

// introduce prints what is known once data and device are ready, except what announce said already.
func (e *env) introduce(p *progress, job *trainer.Job, s *trainer.Snapshot) {
	p.clear()
	fmt.Fprintf(e.out, "  %-11s %s\n", "device", s.Device)
	if !math.IsNaN(s.Floor) {
		fmt.Fprintf(e.out, "  %-11s %.4f nats a token: no model can do better on this corpus\n", "loss floor", s.Floor)
	}
	cfg := job.Config()
	said := map[string]bool{}
	for _, w := range cfg.Warnings() {
		said[w] = true
	}
	for _, n := range s.Notes {
		if !said[n] {
			fmt.Fprintf(e.out, "  %-11s %s\n", "note", n)
		}
	}
	fmt.Fprintf(e.out, "  %-11s %s\n", "run folder", s.RunPath)
}

// ended gives the snapshot of a job that has ended, at the last step it measured.
func ended(job *trainer.Job) trainer.Snapshot {
	s := job.Snapshot()
	h := job.History()
	if steps, losses := h.Column(trainer.KeyLoss, max(0, h.Len()-1)); len(steps) > 0 && steps[0] > s.Step {
		s.Step, s.Loss = steps[0], losses[0]
	}
	return s
}

func stepLine(s *trainer.Snapshot) string {
	line := fmt.Sprintf("step %d/%d  loss %s", s.Step, s.Steps, nats(s.Loss))
	if !math.IsNaN(s.ValLoss) {
		line += "  val " + nats(s.ValLoss)
	}
	line += "  " + rate(s.TokensPerSec)
	if s.ETA > 0 {
		line += "  ETA " + clock(s.ETA)
	}
	return line
}

// conclude says how the job ended, draws its charts, and tells what can be done next.
func (e *env) conclude(job *trainer.Job) error {
	err := job.Wait()
	s := ended(job)
	if s.RunPath == "" || s.State == trainer.Failed {
		if err == nil {
			fmt.Fprintln(e.out, "Stopped before the first step; nothing was kept.")
			return errSaid
		}
		if err != nil && s.RunPath != "" {
			fmt.Fprintf(e.out, "The run is kept in %s\n", s.RunPath)
		}
		return err
	}
	switch s.State {
	case trainer.Done:
		fmt.Fprintf(e.out, "Done: %d steps in %s.\n", s.Step, clock(s.Elapsed))
	case trainer.Stopped:
		if s.Step == 0 {
			fmt.Fprintf(e.out, "Stopped before a step was done. Continue with:\n  evenkeel resume %s\n", quote(s.RunPath))
			return errSaid
		}
		fmt.Fprintf(e.out, "Stopped at step %d of %d; the checkpoint is kept. Continue with:\n  evenkeel resume %s\n",
			s.Step, s.Steps, quote(s.RunPath))
	case trainer.Diverged:
		fmt.Fprintf(e.out, "Diverged. %s\n", keptCheckpoint(&s))
	}
	if s.Step > 0 {
		if cerr := e.keepCharts(s.RunPath, s.Floor); cerr != nil {
			return errors.Join(err, cerr)
		}
	}
	if s.Sample.Step > 0 {
		fmt.Fprintf(e.out, "Sample at step %d:\n%s\n", s.Sample.Step, indent(e.shown(s.Sample.Prompt+s.Sample.Text)))
	}
	if s.State != trainer.Diverged {
		fmt.Fprintf(e.out, "Write more with:\n  evenkeel sample %s\n", quote(s.RunPath))
	}
	if err == nil && s.State == trainer.Stopped && s.Step < s.Steps {
		return errSaid // a script must not take a part for the whole
	}
	return err
}

// keptCheckpoint says which checkpoint a run that diverged has left. A resumed one may have written none
// itself.
func keptCheckpoint(s *trainer.Snapshot) string {
	path := s.Checkpoint
	if path == "" {
		if run, err := runs.Open(s.RunPath); err == nil {
			defer run.Close()
			if ck, err := run.Latest(); err == nil {
				path = ck.Path
			}
		}
	}
	if path == "" {
		return "There is no good checkpoint."
	}
	return "The last good checkpoint is kept: " + path
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}
