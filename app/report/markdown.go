package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// loss writes a loss, a dash where there is none.
func loss(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.4f", v)
}

// span writes a range, a dash for a single seed.
func span(s race.Spread) string {
	if s.N < 2 {
		return "–"
	}
	return loss(s.Low) + " to " + loss(s.High)
}

func count(v float64) string {
	if !(v > 0) {
		return "–"
	}
	return chart.FormatCount(math.Round(v))
}

// Head names the columns of the result table.
var Head = []string{"Variant", "Final validation loss", "Range over seeds", "Best", "Training loss at the end",
	"Tokens/s", "Seeds that ended", "Diverged"}

// Cells is a row of the result table.
func Cells(r *race.Standing) []string {
	return []string{r.Title, loss(r.Final.Mean), span(r.Final), loss(r.Best.Low), loss(r.Train.Mean),
		count(r.TokensPerSec.Mean), fmt.Sprintf("%d of %d", r.Finished+r.Diverged, len(r.Results)), diverged(r)}
}

// diverged says how many seeds of a variant diverged.
func diverged(r *race.Standing) string {
	switch {
	case r.Finished+r.Diverged == 0:
		return "–"
	case r.Diverged == 0:
		return "no"
	case len(r.Results) == 1:
		return "yes"
	}
	return fmt.Sprint(r.Diverged)
}

// stateWord says how a run ended.
func stateWord(o *race.Result) string {
	if o.State == "" {
		return "not run"
	}
	return string(o.State)
}

// folder is the name of the run's folder, which says nothing of whose machine it was.
func folder(o *race.Result) string {
	if o.RunPath == "" {
		return ""
	}
	return filepath.Base(o.RunPath)
}

// markdown writes report.md.
func markdown(s *race.Snapshot, charts []picture, o *Options) []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	rows := s.Ranked()
	p("# Race of %s\n\n", titles(s))
	p("%s, Evenkeel %s. %s\n\n## Result\n\n", o.When.Format("2 January 2006, 15:04"), o.Version, outcome(s))
	rule := make([]string, len(Head))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	line := func(cells []string) { p("| %s |\n", strings.Join(cells, " | ")) }
	line(Head)
	line(rule)
	for i := range rows {
		cells := Cells(&rows[i])
		cells[0] = escape(cells[0])
		line(cells)
	}
	p("\nLosses are nats a token; lower is better. Means are over the seeds that ran all their steps, the range is "+
		"from the least to the largest of them, and Best is the lowest validation loss of any of these runs. "+
		"Training loss at the end is the mean of the last %d steps. Variants of which fewer seeds diverged come "+
		"first.\n", race.LastSteps)
	if f := floor(s); !math.IsNaN(f) {
		p("\nNo model can have a lower loss than %s on this corpus.\n", loss(f))
	}
	happened(&b, s)
	p("\n## Figures\n")
	for _, c := range charts {
		p("\n### %s\n\n![%s](charts/%s)\n\n%s\n", c.title, c.title, c.file, c.text)
	}
	settings(&b, s)
	runsTable(&b, s)
	p("\n## Files\n\n- `config.yaml`: the settings; only variant and seed differ between runs.\n" +
		"- `data/points.csv`: every measured point, a row a step of a run, not smoothed and not thinned. What was " +
		"not measured at a step is empty.\n- `data/points.json`: the same with the results.\n" +
		"- `data/runs.csv`: a row a run.\n")
	return b.Bytes()
}

// escape keeps the asterisk of HybridNorm* and bars from being read as markup.
func escape(s string) string { return strings.NewReplacer("*", `\*`, "|", `\|`).Replace(s) }

func titles(s *race.Snapshot) string {
	var list []string
	for _, r := range s.Standings() {
		list = append(list, escape(r.Title))
	}
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return list[0]
}

// outcome says how the race ended.
func outcome(s *race.Snapshot) string {
	ended := 0
	for i := range s.Runs {
		if st := s.Runs[i].State; st == trainer.Done || st == trainer.Diverged {
			ended++
		}
	}
	n := len(s.Runs)
	all := fmt.Sprintf("%d runs of %s steps, one after another", n, chart.FormatCount(float64(s.Runs[0].Config.Steps)))
	if n == 1 {
		all = fmt.Sprintf("1 run of %s steps", chart.FormatCount(float64(s.Runs[0].Config.Steps)))
	}
	took := ", " + s.Elapsed.Round(time.Second).String() + " of training"
	switch s.State {
	case race.Done:
		return all + took + "."
	case race.Running:
		return fmt.Sprintf("%s%s so far; %d of them had ended when this was written.", all, took, ended)
	case race.Failed:
		return fmt.Sprintf("%s%s; ended after %d of them: %s", all, took, ended, s.Reason)
	}
	return fmt.Sprintf("%s%s; cancelled after %d of them.", all, took, ended)
}

// floor is the loss floor of the corpus, NaN when unknown.
func floor(s *race.Snapshot) float64 {
	for i := range s.Runs {
		if r := &s.Runs[i]; r.Begun && r.Floor > 0 {
			return r.Floor
		}
	}
	return math.NaN()
}

// happened says why runs diverged, and what was changed by hand while a run trained.
func happened(b *bytes.Buffer, s *race.Snapshot) {
	var lines []string
	for i := range s.Runs {
		r := &s.Runs[i]
		o := r.Result()
		if o.State == trainer.Diverged {
			lines = append(lines, fmt.Sprintf("- %s, seed %d, diverged at step %s: %s", escape(o.Title), o.Seed,
				chart.FormatCount(float64(o.Step)), o.Reason))
		}
		if r.Begun && r.LRAt != r.Config.LRAt {
			lines = append(lines, fmt.Sprintf("- %s, seed %d: the learning rate was changed while it trained (%s), so it "+
				"is not comparable with the others.", escape(o.Title), o.Seed, r.LRAt))
		}
	}
	if lines != nil {
		fmt.Fprintf(b, "\n## What happened\n\n%s\n", strings.Join(lines, "\n"))
	}
}

// settings writes what all runs share.
func settings(b *bytes.Buffer, s *race.Snapshot) {
	c := &s.Runs[0].Config
	p := &s.Plan
	row := func(name, format string, args ...any) {
		fmt.Fprintf(b, "| %s | %s |\n", escape(name), escape(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintf(b, "\n## Settings\n\n| | |\n| --- | --- |\n")
	row("model", "%d blocks, width %d, %d heads, %d tokens a sequence", c.Model.Layers, c.Model.D, c.Model.Heads, c.Model.Seq)
	for _, id := range p.Variants {
		v := *c
		for i := range s.Runs {
			if s.Runs[i].Variant() == id {
				v = s.Runs[i].Config
			}
		}
		spec, err := v.ExpectedSpec()
		n, nerr := v.Estimate()
		if r, rerr := v.Model.Row(); err == nil && nerr == nil && rerr == nil {
			row(r.Title, "%s parameters, %s init", chart.FormatCount(float64(n.Params)), spec.Init)
		}
	}
	row("data", "%s, tokenizer %s", corpus(c.Data), filepath.Base(c.Tokenizer))
	row("batch", "%d sequences, %s tokens a step", c.Batch, chart.FormatCount(float64(c.Batch*c.Model.Seq)))
	row("steps", "%s", chart.FormatCount(float64(c.Steps)))
	row("learning rate", "peak %g, down to %g of it; weight decay %g, gradients clipped to %g", c.LR, c.FinalLR, c.WeightDecay, c.MaxNorm)
	seeds := fmt.Sprint(p.Base.Seed)
	if p.Seeds > 1 {
		seeds += fmt.Sprintf(" to %d", p.Base.Seed+uint64(p.Seeds)-1)
	}
	row("seeds", "%s: weights and order of the data", seeds)
	for i := range s.Runs {
		if d := s.Runs[i].Device; d != "" {
			row("device", "%s", d)
			break
		}
	}
	fmt.Fprintf(b, "\nOnly variant and seed differ between the runs, and runs of one seed meet the same batches in the "+
		"same order. The same race on the command line:\n\n```\n%s\n```\n", Command(p, "report-folder"))
}

// Command is the command line of a race, to be run in the folder of its report.
func Command(p *race.Plan, out string) string {
	steps := ""
	if p.Steps > 0 {
		steps = fmt.Sprintf(" --steps %d", p.Steps)
	}
	return fmt.Sprintf("evenkeel race --config config.yaml --seed %d --variants %s --seeds %d%s -o %s",
		p.Base.Seed, strings.Join(p.Variants, ","), p.Seeds, steps, out)
}

var runsHead = []string{"variant", "seed", "state", "step", "final_val_loss", "best_val_loss", "best_step",
	"train_loss_at_end", "tokens_per_s", "seconds", "run_folder"}

func runCells(r *race.Run, loss, count func(float64) string) []string {
	o := r.Result()
	best := ""
	if o.BestStep > 0 {
		best = fmt.Sprint(o.BestStep)
	}
	return []string{o.Variant, fmt.Sprint(o.Seed), stateWord(&o), fmt.Sprint(o.Step), loss(o.Final), loss(o.Best), best,
		loss(o.Train), count(o.TokensPerSec), fmt.Sprintf("%.1f", o.Elapsed.Seconds()), folder(&o)}
}

// runsTable lists the runs for people.
func runsTable(b *bytes.Buffer, s *race.Snapshot) {
	fmt.Fprintf(b, "\n## Runs\n\n| variant | seed | state | step | final | best | at step | training | tokens/s | seconds | "+
		"run folder |\n| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for i := range s.Runs {
		cells := runCells(&s.Runs[i], loss, count)
		if f := cells[len(cells)-1]; f != "" {
			cells[len(cells)-1] = "`" + f + "`"
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}

// runsCSV is the same for programs: full precision, nothing where nothing was measured.
func runsCSV(s *race.Snapshot) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(runsHead) // a bytes.Buffer takes everything
	plain := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return string(number(nil, v))
	}
	for i := range s.Runs {
		w.Write(runCells(&s.Runs[i], plain, plain))
	}
	w.Flush()
	return b.Bytes()
}
