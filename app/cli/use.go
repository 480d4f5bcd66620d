package cli

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

var evalCommand = &command{
	name: "eval", args: "[RUN]", summary: "measure a trained model on held-out text",
	more: `RUN is a run or one of its checkpoint folders; the newest run when not given.

  evenkeel eval
  evenkeel eval runs/some-run --data other.txt`,
	run: runEval,
}

func runEval(e *env, args []string) error {
	f := e.flags()
	corpus := f.text("data", "", "CORPUS|toy, opticks, a file or a folder; the run's own when not given")
	batches := f.number("batches", 0, "N|at most so many batches of 8 sequences; 0: all")
	device, threads := f.device()
	root := f.runsDir()
	pos, err := e.parse(f, args, 0, 1)
	if err != nil {
		return err
	}
	if *batches < 0 {
		return usagef("--batches is %d; it must be at least 0", *batches)
	}
	path, err := findRun(*root, pos)
	if err != nil {
		return err
	}
	p := newProgress(e.err)
	m, err := e.openModel(p, path, *device, *threads)
	if err != nil {
		return err
	}
	defer m.Close()
	r, err := m.Evaluate(e.ctx, *corpus, *batches, func(done, total int) {
		if p.live {
			p.show(int64(done), int64(total), time.Now(), func() string { return fmt.Sprintf("batch %d/%d", done, total) })
		}
	})
	p.clear()
	if err != nil {
		return err
	}
	if r.Warning != "" {
		p.note("%s", r.Warning)
	}
	floor := ""
	if !math.IsNaN(r.Floor) {
		floor = fmt.Sprintf(" (floor %.4f)", r.Floor)
	}
	fmt.Fprintf(e.out, "%s, step %d\n", m.Config.Title(), m.Step)
	fmt.Fprintf(e.out, "loss          %.4f nats a token%s\n", r.Loss, floor)
	fmt.Fprintf(e.out, "perplexity    %.4f\n", r.Perplexity)
	fmt.Fprintf(e.out, "bits a byte   %.4f\n", r.BitsPerByte)
	fmt.Fprintf(e.out, "tokens        %d\n", r.Tokens)
	return nil
}

// openModel opens a trained model, and shows what a device needs before its first use.
func (e *env) openModel(p *progress, path, device string, threads int) (*trainer.Model, error) {
	defer p.clear()
	m, err := trainer.OpenModel(e.ctx, path, trainer.DeviceOptions{
		Name: device, Threads: threads,
		Say: func(text string) { p.note("%s", text) },
		Progress: func(stage string, done, total int) {
			if p.live {
				p.show(int64(done), int64(total), time.Now(), func() string { return stage })
			}
		},
	})
	if err == nil {
		e.tellDamaged(p, path, m)
	}
	return m, err
}

// tellDamaged names the checkpoints of the run at path that are newer than the one m was read from. A
// checkpoint folder has none.
func (e *env) tellDamaged(p *progress, path string, m *trainer.Model) {
	run, err := runs.Open(path)
	if err != nil {
		return
	}
	defer run.Close()
	_, broken, err := run.Checkpoints()
	if err != nil {
		return
	}
	for _, b := range broken {
		var step int64
		n, _ := fmt.Sscanf(filepath.Base(b.Path), "step-%d", &step)
		if n == 1 && !b.Aside && step > m.Step {
			p.note("The checkpoint of step %d is used, because a newer one is damaged: %v", m.Step, b.Reason)
		}
	}
}

var sampleCommand = &command{
	name: "sample", args: "[RUN]", summary: "let a trained model write text",
	more: `RUN is a run or one of its checkpoint folders; the newest run when not given. --prompt - reads the
prompt from standard input.

  evenkeel sample --prompt "The rays of light" --tokens 300 --temperature 0.7`,
	run: runSample,
}

func runSample(e *env, args []string) error {
	f := e.flags()
	prompt := f.text("prompt", "", "TEXT|text to go on from; - reads it from standard input")
	tokens := f.number("tokens", 200, "N|at most so many new tokens")
	temperature := f.float("temperature", 0.8, "X|spread of choices; 0 always takes the likeliest token")
	topK := f.number("top_k", 0, "N|choose among the N likeliest tokens; 0: all")
	topP := f.float("top_p", 0.95, "X|choose among the likeliest tokens that reach this probability together")
	seed := f.number("seed", 1, "N|seed")
	device, threads := f.device()
	root := f.runsDir()
	pos, err := e.parse(f, args, 0, 1)
	if err != nil {
		return err
	}
	if *tokens < 1 || !(*temperature >= 0) || math.IsInf(*temperature, 0) || *topK < 0 || !(*topP >= 0 && *topP <= 1) || *seed < 0 {
		return usagef("--tokens must be at least 1, --temperature, --top_k and --seed at least 0, --top_p between 0 and 1")
	}
	path, err := findRun(*root, pos)
	if err != nil {
		return err
	}
	if *prompt == "-" {
		text, err := io.ReadAll(e.in)
		if err != nil {
			return fmt.Errorf("the prompt cannot be read: %w", err)
		}
		*prompt = strings.TrimRight(string(text), "\n")
	}
	m, err := e.openModel(newProgress(e.err), path, *device, *threads)
	if err != nil {
		return err
	}
	defer m.Close()
	fmt.Fprint(e.out, e.shown(*prompt))
	_, err = m.Sample(e.ctx, trainer.SampleOptions{
		Prompt: *prompt, Tokens: *tokens, Temperature: *temperature, TopK: *topK, TopP: *topP, Seed: uint64(*seed),
	}, func(text string) { fmt.Fprint(e.out, e.shown(text)) })
	fmt.Fprintln(e.out)
	return err
}
