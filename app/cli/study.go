package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer/studies"
)

var studyCommand = &command{
	name: "study", args: "figure2|theorem1", summary: "repeat a figure of the HybridNorm paper at laptop size",
	more: `figure2: gradient norm of each block at step 1 and step 100 under Pre-Norm, Post-Norm, HybridNorm (with Megatron
and with Normal init) and HybridNorm*, the paper's Figure 2, with 16 blocks of width 48 on the first 300,000 bytes of
Newton's Opticks, seeds 1 to 3. About a minute on two cores.

theorem1: how the gradients of Wq and Wo grow when Wk, Wv or Wo is scaled, under Pre-Norm, Pre-Norm + QK-Norm and
HybridNorm, with the exponents that the paper's Theorem 1 gives. Seconds.

Each prints a table and the numbers that must hold; the status is 1 when one does not.

  evenkeel study figure2 -o figure2.png
  evenkeel study theorem1 -o theorem1.png`,
	run: runStudy,
}

func runStudy(e *env, args []string) error {
	f := e.flags()
	out := f.text("o", "", "FILE|the figure: PNG, SVG or PDF by its extension; STUDY.png when not given")
	seeds := f.number("seeds", 3, "N|train seeds 1 to N")
	device, threads := f.device()
	root := f.text("runs", "", "DIR|figure2: keep the runs in this folder; they are dropped when not given")
	pos, err := e.parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	if pos[0] != "figure2" && pos[0] != "theorem1" {
		return usagef("there is no study %q; choose figure2 or theorem1", pos[0])
	}
	if *seeds < 1 {
		return usagef("--seeds is %d; it must be at least 1", *seeds)
	}
	if *out == "" {
		*out = pos[0] + ".png"
	}
	if err := oneOf("o", strings.ToLower(filepath.Ext(*out)), chart.Formats()); err != nil {
		return usagef("the extension of %q is not a picture format; use %s", *out, strings.Join(chart.Formats(), ", "))
	}
	if err := writable(*out); err != nil { // before the work, not after it
		return err
	}
	if pos[0] == "theorem1" {
		s := studies.DefaultTheorem1()
		s.Seeds, s.Device, s.Threads = *seeds, *device, *threads
		return e.theorem1(s, *out)
	}
	s := studies.Figure2Setting()
	s.Seeds, s.Device, s.Threads, s.Root = *seeds, *device, *threads, *root
	return e.study(s, *out)
}

// study runs the setting, prints table and verdicts and draws the figure.
func (e *env) study(s studies.Setting, out string) error {
	p := newProgress(e.out)
	r, err := studies.Figure2(e.ctx, s, func(g studies.Progress) {
		p.show(g.Step, g.Steps, time.Now(), func() string {
			line := fmt.Sprintf("runs %d/%d", g.RunsDone, g.Runs)
			if g.ETA > 0 {
				line += "  ETA " + clock(g.ETA)
			}
			return line + "  " + g.Now
		})
	})
	p.clear()
	if err != nil {
		return err
	}
	e.studyTable(r)
	if err := chart.Export(figure2(r), out, chart.ExportOptions{}); err != nil {
		return err
	}
	return e.verdict(out, r.Checks())
}

// verdict names the figure and fails when a number does not hold.
func (e *env) verdict(figure string, checks []studies.Check) error {
	fmt.Fprintf(e.out, "\n%s\n", figure)
	for _, c := range checks {
		if !c.OK {
			return errSaid
		}
	}
	return nil
}

// studyTable prints, for each row and seed, the norms of a few blocks at both steps and the loss.
func (e *env) studyTable(r *studies.Result) {
	L := r.Setting.Layers
	at := []int{0, 1, 2, L / 2, L - 1}
	head := []string{"variant", "init", "seed"}
	for _, step := range []int{1, r.Setting.Late} {
		for _, i := range at {
			head = append(head, fmt.Sprintf("s%d b%d", step, i))
		}
	}
	t := table{append(head, fmt.Sprintf("loss of last %d", studies.LastSteps))}
	for _, row := range r.Rows {
		for _, run := range row.Runs {
			cells := []string{row.Title, row.Init, fmt.Sprint(run.Seed)}
			for _, norms := range [][]float64{run.First, run.Late} {
				for _, i := range at {
					cells = append(cells, fmt.Sprintf("%.3f", norms[i]))
				}
			}
			t = append(t, append(cells, fmt.Sprintf("%.3f", run.Loss)))
		}
	}
	fmt.Fprintf(e.out, "Gradient norm (L2) of blocks before clipping; s1 b0 is step 1, block 0.\n\n")
	t.write(e.out)
	fmt.Fprintln(e.out)
	e.checks(r.Checks())
}

// checks prints the numbers that must hold.
func (e *env) checks(list []studies.Check) {
	for _, c := range list {
		verdict := "ok"
		if !c.OK {
			verdict = "FAIL"
		}
		note := ""
		if c.Note != "" {
			note = " (" + c.Note + ")"
		}
		fmt.Fprintf(e.out, "%-4s %s: %s%s, must be %s\n", verdict, c.What, strings.Join(c.Values, ", "), note, c.Limit)
	}
}

// figure2 draws the means over seeds as bars with the range as whiskers, a panel for each step.
func figure2(r *studies.Result) chart.Figure {
	panel := func(step int, norms func(*studies.Run) []float64) *chart.Bars {
		b := &chart.Bars{
			Head: chart.Head{Title: fmt.Sprintf("Step %d", step)}, XLabel: "block", YLabel: "gradient norm (L2)",
		}
		for slot, row := range r.Rows {
			g := chart.BarGroup{Name: row.Title + ", " + row.Init + " init", Slot: slot}
			g.Values, g.Low, g.High = row.Spread(norms)
			b.Groups = append(b.Groups, g)
		}
		return b
	}
	s := &r.Setting
	return &chart.Row{
		Head: chart.Head{
			Title: "Gradient norm of each block",
			Caption: []string{fmt.Sprintf("%d blocks, d %d, %d heads, FFN %d, bytes of %s, batch %d x %d tokens, peak lr %g; "+
				"mean of seeds 1 to %d, whiskers from least to largest", s.Layers, s.D, s.Heads, s.FFN, s.Data, s.Batch, s.Seq,
				s.LR, s.Seeds)},
		},
		Panels: []chart.Figure{
			panel(1, func(r *studies.Run) []float64 { return r.First }),
			panel(s.Late, func(r *studies.Run) []float64 { return r.Late }),
		},
	}
}
