package ui

import (
	"fmt"
	"math"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// run is one training run: of this session, alive or ended, or of the folder of runs.
type run struct {
	slot  int // number for life: colour; negative before it was ever shown
	title string
	cfg   trainer.Config
	job   Job // nil until the trainer has answered, and again once the folder has all of an ended run

	shown  bool        // on the charts
	faded  bool        // hidden by its legend row, which stays
	raced  *windowRace // the race it is part of, or nil
	state  State
	snap   trainer.Snapshot
	keys   []string
	series map[string]*chart.Series // by metric key; filled by the poller
	load   map[int][]*chart.Series  // shares of experts by block, made when shown

	about     runs.About // what a person says of it
	kept      bool       // title and colour are stored in its folder
	created   time.Time
	begun     bool          // by this window: its title is of this window too
	calm      bool          // it is read unasked: that it cannot be is no reason to complain
	place     int           // among the runs of the session: below 0 for one restored, which may be read out of turn
	stored    *runs.Summary // what the folder of runs says; nil for runs of this session that are not all there yet
	phase     metricsPhase  // of stored runs
	used      int           // the last use of the metrics; see shed
	waiting   []func()      // for the metrics
	reads     int           // of the metrics: the answer to any but the last is not awaited
	settled   settled       // settings as the Compare tab shows them
	best      map[bestKey]*extreme
	discarded bool // goes to the trash once it has ended

	samples []trainer.Sample
	log     []logLine
	seen    struct { // of the snapshot, by the log
		notes      int
		checkpoint string
		val        int
	}
}

// logLine is a line of the log tab.
type logLine struct {
	at   time.Time
	text string
	bad  bool
}

func newRun(slot int, cfg trainer.Config) *run {
	nan := math.NaN()
	r := &run{
		slot: slot, cfg: cfg, shown: true, series: map[string]*chart.Series{},
		title: fmt.Sprintf("%s #%d", shortTitle(&cfg), slot+1),
		keys:  trainer.MetricKeys(cfg.Model.Layers, cfg.Model.Experts),
	}
	for _, k := range r.keys {
		r.series[k] = chart.NewSeries()
	}
	r.snap = trainer.Snapshot{State: trainer.Preparing, Progress: -1, Steps: int64(cfg.Steps),
		Loss: nan, ValLoss: nan, Floor: nan, GradNorm: nan}
	return r
}

// shortTitle is the variant's title, or the name a person gave.
func shortTitle(c *trainer.Config) string {
	if c.Name != "" {
		return c.Name
	}
	if v, err := c.Model.Row(); err == nil {
		return v.Title
	}
	return c.Model.Variant
}

// pull moves rows from the job's history to the series and returns the next row. Any goroutine.
func (r *run) pull(h *trainer.History, row int) int {
	n := h.Len()
	if n == row {
		return row
	}
	for _, k := range r.keys {
		steps, values := h.Column(k, row)
		for i, s := range steps {
			r.series[k].Append(float64(s), values[i])
		}
	}
	return n
}

// line adds to the log.
func (r *run) line(at time.Time, format string, args ...any) {
	r.log = append(r.log, logLine{at: at, text: fmt.Sprintf(format, args...)})
}

// take records what is new in a snapshot; it tells whether samples or log grew.
func (r *run) take(s trainer.Snapshot, now time.Time) (samples, lines bool) {
	before := len(r.log)
	state := stateOf(s.State)
	if state != r.state {
		r.line(now, "%s", transition(state, &s))
		r.log[len(r.log)-1].bad = state == Diverged || state == Failed || state == Asking
	}
	r.state, r.snap = state, s
	if s.Peak > 0 {
		r.cfg.LRAt = s.LRAt // the configuration is of the run as it went
	}
	for ; r.seen.notes < len(s.Notes); r.seen.notes++ {
		r.line(now, "Note: %s", s.Notes[r.seen.notes])
	}
	steps, vals := r.series[trainer.KeyValLoss].Points()
	at, losses := r.series[trainer.KeyLoss].Points()
	for ; state != Preparing && r.seen.val < len(steps); r.seen.val++ {
		i := r.seen.val
		if steps[i] <= float64(s.From) {
			continue // of an earlier session
		}
		loss := math.NaN()
		if j := sort.SearchFloat64s(at, steps[i]); j < len(at) && at[j] == steps[i] {
			loss = losses[j]
		}
		r.line(now, "%s", lossesText(steps[i], loss, vals[i]))
	}
	if s.Checkpoint != "" && s.Checkpoint != r.seen.checkpoint {
		r.seen.checkpoint = s.Checkpoint
		r.line(now, "Checkpoint written: %s", filepath.Base(s.Checkpoint))
	}
	if t := s.Sample; t.Text != "" {
		if n := len(r.samples); n == 0 || r.samples[n-1] != t {
			r.samples = append(r.samples, t)
			samples = true
		}
	}
	return samples, len(r.log) > before
}

// lossesText is the line of the log at a validation.
func lossesText(step, loss, val float64) string {
	return fmt.Sprintf("step %-7s loss %-9s validation %s", chart.FormatCount(step), chart.FormatValue(loss), value(val))
}

// transition says in the log what a new state means.
func transition(s State, snap *trainer.Snapshot) string {
	at := fmt.Sprintf(" at step %s of %s", whole(snap.Step), whole(snap.Steps))
	switch s {
	case Preparing:
		return "Preparing"
	case Running:
		return "Training" + device(snap) + fromStep(snap.Step)
	case Pausing, Stopping:
		return s.String() + ": finishing the step and writing a checkpoint"
	case Done:
		return fmt.Sprintf("Done after %s in %s, final loss %s", plural(int(snap.Step), "step"),
			clock(snap.Elapsed), measured(snap, snap.Loss))
	case Asking, Diverged, Failed:
		return s.String() + ": " + snap.Reason
	}
	return s.String() + at
}

func fromStep(step int64) string {
	if step <= 1 {
		return ""
	}
	return " from step " + whole(step)
}

func device(s *trainer.Snapshot) string {
	if s.Device == "" {
		return ""
	}
	return " on " + s.Device
}

// summary is the line below a run's name.
func (r *run) summary() string {
	loss := measured(&r.snap, r.snap.Loss)
	if r.phase == metricsOnTheWay {
		return "reading its metrics"
	}
	if r.stored != nil && r.job == nil && r.state != Done && r.state != Failed {
		text := r.word() + ", step " + whole(r.snap.Step)
		if loss != unknown {
			text += ", loss " + loss
		}
		return text
	}
	switch r.state {
	case Preparing, Idle:
		return "preparing"
	case Running:
		return "loss " + loss + ", step " + whole(r.snap.Step)
	case Done:
		if !math.IsNaN(r.snap.ValLoss) {
			return "done, validation " + value(r.snap.ValLoss)
		}
		return "done, loss " + loss
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("%s, step %s, loss %s", strings.ToLower(r.state.String()),
		whole(r.snap.Step), loss)
}

// settings is the run's line in the caption of an exported chart.
func (r *run) settings() string {
	c := &r.cfg
	lr := fmt.Sprintf("lr %g", c.LR)
	if at := c.LRAt; at != "" {
		lr += " (from step " + strings.NewReplacer(":", ": ", ",", ", ").Replace(at) + ")"
	}
	return fmt.Sprintf("%s: %d blocks, d %d, %d heads, %d tokens × batch %d, %s, %s, init %s, seed %d, %s",
		r.title, c.Model.Layers, c.Model.D, c.Model.Heads, c.Model.Seq, c.Batch, lr,
		plural(c.Steps, "step"), resolvedInit(c), c.Seed, dataName(c.Data))
}

func resolvedInit(c *trainer.Config) string {
	if s, err := c.ExpectedSpec(); err == nil {
		return s.Init
	}
	return c.Model.Init
}

// hasData tells whether the run has measured anything yet.
func (r *run) hasData() bool {
	s := r.series[trainer.KeyLoss]
	return s != nil && s.Len() > 0
}
