package cli

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

var benchCommand = &command{
	name: "bench", summary: "time training steps on random tokens, or predict them",
	more: `Prints one line: medians over the steps, and the best of five square products of the same matrix library in
the same process. --arch llama is RMSNorm, rotary positions, SwiGLU and an untied head; --arch gpt2 is LayerNorm,
learned positions, GELU, biases and a tied head. sgemm values are 0 on a device without a matrix library.

With --plan nothing runs: it prints what every dispatch of the step would ask of a Mac's GPU, and the time that
peaks and bandwidths from published tables allow.

  evenkeel bench --arch llama --d 256 --layers 6 --heads 4 --seq 256 --batch 8 --vocab 4096 --ffn 640
  evenkeel bench --plan --chip m2 --preset medium
  evenkeel bench --plan --chip m1,m2,m3,m4max --preset tiny,bench,medium`,
	run: runBench,
}

func runBench(e *env, args []string) error {
	f := e.flags()
	def := trainer.DefaultBench()
	o := trainer.BenchOptions{}
	f.StringVar(&o.Arch, "arch", def.Arch, "ARCH|llama or gpt2")
	f.declared("arch")
	f.StringVar(&o.Variant, "variant", "pre", "ID|norm variant; its own norm kind and activation hold")
	f.declared("variant")
	for _, n := range []struct {
		to    *int
		name  string
		def   int
		usage string
	}{
		{&o.D, "d", def.D, "N|width"},
		{&o.Layers, "layers", def.Layers, "N|blocks"},
		{&o.Heads, "heads", def.Heads, "N|heads"},
		{&o.Seq, "seq", def.Seq, "N|tokens a sequence"},
		{&o.Batch, "batch", def.Batch, "N|sequences a step"},
		{&o.Vocab, "vocab", def.Vocab, "N|vocabulary"},
		{&o.FFN, "ffn", def.FFN, "N|inner width of the FFN; 0: 8/3 d rounded down to 64 (llama) or 4 d (gpt2)"},
		{&o.Experts, "experts", 0, "N|experts of every FFN, each of width ffn; 0: one dense FFN"},
		{&o.TopK, "topk", 2, "N|experts a token goes to"},
		{&o.Steps, "steps", def.Steps, "N|steps that are timed, after two that are not"},
	} {
		f.IntVar(n.to, n.name, n.def, n.usage)
		f.declared(n.name)
	}
	device, threads := f.device()
	plan := f.plan()
	if _, err := e.parse(f, args, 0, 0); err != nil {
		return err
	}
	if err := oneOf("arch", o.Arch, []string{"llama", "gpt2"}); err != nil {
		return err
	}
	if o.Batch < 1 || o.Seq < 2 || o.Vocab < 2 || o.Steps < 1 || o.FFN < 0 || *threads < 0 {
		return usagef("--batch and --steps must be at least 1, --seq and --vocab at least 2, " +
			"--ffn and --threads at least 0")
	}
	if _, err := model.Find(o.Variant); err != nil {
		return usagef("%v", err)
	}
	if o.Experts < 0 || o.Experts > 0 && (o.TopK < 1 || o.TopK > o.Experts) {
		return usagef("--topk is %d; with %d experts it must be 1 to %d", o.TopK, o.Experts, o.Experts)
	}
	if err := plan.check(f); err != nil {
		return err
	}
	if *plan.plan {
		return runPlan(e, plan, o)
	}
	o.Device, o.Threads = *device, *threads
	o.Say = func(text string) { fmt.Fprintln(e.err, text) }
	r, err := trainer.Bench(e.ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "step_ms=%.2f tokens/s=%.0f gflops=%.2f sgemm_gflops=%.2f sgemm_pct=%.1f peak_mb=%d\n",
		r.StepMS, r.TokensPerSec, r.GFLOPS, r.SgemmGFLOPS, r.SgemmPct, r.PeakMB)
	return nil
}
