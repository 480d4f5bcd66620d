package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/report"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/race"
)

var raceCommand = &command{
	name: "race", summary: "train several variants with several seeds on equal data, and write a report",
	more: `One run after another, each kept as an ordinary run folder; runs of one seed meet the same batches in the same
order. A run that diverges is a result, and the race goes on. The report is a folder with report.md, the charts as PNG
and every measured point as CSV and JSON. All flags of evenkeel train say what the runs share; --seed is the first seed.
The first Ctrl-C stops the run at work and writes the report of what there is; the status is 1 then.

  evenkeel race --variants hybrid_star,pre --seeds 3 --steps 300 -o my-race
  evenkeel race --preset deep --variants pre,post,hybrid --data opticks --lr 1e-3`,
	run: runRace,
}

func runRace(e *env, args []string) error {
	f := e.flags()
	variants := f.text("variants", "hybrid_star,pre", fmt.Sprintf("IDS|up to %d variants with commas between", race.MaxVariants))
	seeds := f.number("seeds", 3, "N|runs a variant, with seeds that follow one another")
	out := f.text("o", "", "DIR|folder of the report, a new one; race-DATE-TIME when not given")
	c := f.config()
	root := f.runsDir()
	if _, err := e.parse(f, args, 0, 0); err != nil {
		return err
	}
	if f.given("variant") {
		return usagef("a race takes --variants, not --variant")
	}
	cfg, err := c.build()
	e.explainImport(*c.file, c.imported)
	if err != nil {
		return err
	}
	p := race.Plan{Base: cfg, Seeds: *seeds, Variants: strings.Split(*variants, ",")}
	list, err := p.Configs()
	if err != nil {
		return usagef("%v", err)
	}
	if *out == "" {
		*out = "race-" + time.Now().Format("20060102-150405")
	}
	if err := errors.Join(report.Free(*out), creatable(*out)); err != nil { // before the work, not after it
		return err
	}
	fmt.Fprintf(e.out, "%d runs of %d steps: %s, with %d seeds each\n", len(list), cfg.Steps, *variants, *seeds)
	for _, w := range raceWarnings(list) {
		fmt.Fprintf(e.out, "  warning: %s\n", w)
	}
	r, err := race.Start(p, func(c trainer.Config) (race.Job, error) {
		job, err := trainer.Start(c, trainer.Options{Root: *root})
		if err != nil {
			return nil, err // not job: a nil *Job in an interface is not nil
		}
		return job, nil
	})
	if err != nil {
		return err
	}
	e.attendRace(r)
	return e.concludeRace(r, *out)
}

// raceWarnings names what is legal but known to go wrong, each thing once.
func raceWarnings(list []trainer.Config) []string {
	var all []string
	said := map[string]bool{}
	for _, c := range list {
		for _, w := range c.Warnings() {
			if !said[w] {
				said[w] = true
				all = append(all, w)
			}
		}
	}
	return all
}

// attendRace watches a race to its end, says how each run ended, and cancels it when the person asks.
func (e *env) attendRace(r *race.Race) {
	p := newProgress(e.out)
	tick := time.NewTicker(look)
	defer tick.Stop()
	asked := e.ctx.Done()
	said := 0
	for over := false; !over; {
		select {
		case <-r.Done():
			over = true
		case <-asked:
			asked = nil
			p.note("Stopping the race after this step. Ctrl-C again leaves at once.")
			r.Cancel()
		case <-tick.C:
		}
		s := r.Snapshot()
		for ; said < len(s.Runs) && s.Runs[said].Begun && s.Runs[said].State.Final(); said++ {
			p.note("%s", runEnd(said, len(s.Runs), s.Runs[said].Result()))
		}
		if !over {
			p.show(s.Step, s.Steps, time.Now(), func() string { return raceLine(&s) })
		}
	}
	p.clear()
}

// runEnd is the line of a run that has ended.
func runEnd(i, n int, o race.Result) string {
	text := fmt.Sprintf("run %d/%d  %s, seed %d: %s at step %d", i+1, n, o.Title, o.Seed, o.State, o.Step)
	if o.State == trainer.Done {
		text += ", validation " + nats(o.Final) + ", training " + nats(o.Train)
	}
	if o.Reason != "" {
		text += ". " + o.Reason
	}
	return text
}

// raceLine is the line of a race at work.
func raceLine(s *race.Snapshot) string {
	if s.Now >= len(s.Runs) {
		return "finishing"
	}
	run := &s.Runs[s.Now]
	line := fmt.Sprintf("run %d/%d", s.Now+1, len(s.Runs))
	if s.ETA > 0 {
		line += "  ETA " + clock(s.ETA)
	}
	line += fmt.Sprintf("  %s, seed %d", run.Title(), run.Config.Seed)
	if run.Begun && run.Step > 0 {
		line += fmt.Sprintf("  step %d/%d  loss %s", run.Step, run.Config.Steps, nats(run.Loss))
	}
	return line
}

// concludeRace prints the table and writes the report, also of a race that ended early.
func (e *env) concludeRace(r *race.Race, out string) error {
	s := r.Snapshot()
	var failed error
	switch s.State {
	case race.Failed:
		failed = errors.New(s.Reason)
	case race.Cancelled:
		fmt.Fprintln(e.out, "The race was stopped; the runs that had begun are kept.")
		failed = errSaid
	}
	if s.Step == 0 {
		return failed
	}
	t := table{report.Head}
	rows := s.Ranked()
	for i := range rows {
		t = append(t, report.Cells(&rows[i]))
	}
	fmt.Fprintln(e.out)
	t.write(e.out)
	o := report.Options{When: time.Now(), Version: trainer.Version}
	// An interrupt has ended e.ctx, and what was measured is worth its report all the same.
	if err := report.Write(context.WithoutCancel(e.ctx), out, &s, o); err != nil {
		if failed == errSaid {
			return err
		}
		return errors.Join(failed, err)
	}
	fmt.Fprintf(e.out, "\n%s/report.md\n", out)
	return failed
}
