package ui

import (
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// metricsPhase is how far a stored run's metrics are.
type metricsPhase uint8

const (
	metricsUnread metricsPhase = iota
	metricsOnTheWay
	metricsRead
)

// stateWords are the states that a folder can be in and the window cannot.
var stateWords = map[runs.Status]string{
	runs.Interrupted: "interrupted", runs.Paused: "paused",
	runs.Running: "training elsewhere", runs.Preparing: "preparing elsewhere",
}

// stateOfFolder is the window's state for a folder's. One that was interrupted or paused can be gone on
// with like one that was stopped.
func stateOfFolder(s runs.Status) State {
	switch s {
	case runs.Done:
		return Done
	case runs.Diverged:
		return Diverged
	case runs.Failed:
		return Failed
	case runs.Running:
		return Running
	case runs.Preparing:
		return Preparing
	}
	return Stopped
}

// storedRun is a run of which only the summary was read.
func storedRun(s *runs.Summary) *run {
	r := &run{slot: -1, series: map[string]*chart.Series{}}
	r.describe(s)
	return r
}

// describe takes in what the run's folder says without its metrics.
func (r *run) describe(s *runs.Summary) {
	r.stored, r.about, r.created, r.title = s, s.About, s.Created, s.Name
	r.slot = s.About.Color - 1
	r.state = stateOfFolder(s.Status)
	if r.phase == metricsRead {
		return // the snapshot says more
	}
	nan := math.NaN()
	last := func(key string) float64 {
		if v, ok := s.Last[key]; ok {
			return float64(v)
		}
		return nan
	}
	number := func(key string) float64 {
		if v, err := strconv.ParseFloat(s.Info[key], 64); err == nil {
			return v
		}
		return nan
	}
	r.snap = trainer.Snapshot{
		State: trainer.State(s.Status), Reason: s.Reason, Step: max(0, s.LastStep),
		Loss: last(trainer.KeyLoss), ValLoss: last(trainer.KeyValLoss), GradNorm: last(trainer.KeyGradNorm),
		LR: last(trainer.KeyLR), Floor: number("loss_floor"), RunPath: s.Path, Device: s.Hardware["device"],
	}
	if steps := number("steps"); steps > 0 {
		r.snap.Steps = int64(steps)
	}
}

// word says how the run stands.
func (r *run) word() string {
	if r.stored != nil && r.job == nil {
		if w := stateWords[r.stored.Status]; w != "" {
			return w
		}
	}
	return strings.ToLower(r.state.String())
}

// variantID is the key of the run's variant, known also before its configuration was read.
func (r *run) variantID() string {
	if r.stored != nil {
		return r.stored.Variant
	}
	return r.cfg.Model.Variant
}

func (r *run) variantTitle() string {
	v, err := r.cfg.Model.Row() // a row of one's own is only there
	if err != nil || v.ID != r.variantID() {
		v, err = model.Find(r.variantID())
	}
	if err != nil {
		return ""
	}
	return v.Title
}

// content is what a run's folder holds besides its summary.
type content struct {
	cfg     trainer.Config
	series  map[string]*chart.Series
	wall    time.Duration // of the last row
	samples []trainer.Sample
	log     []logLine
	saved   string // newest checkpoint, empty without one
}

// readContent reads a run folder whole, but for its weights. Not for the UI goroutine.
func readContent(path string) (*content, error) {
	run, err := runs.Open(path)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	c := &content{series: map[string]*chart.Series{}}
	if c.cfg, err = trainer.LoadConfig(filepath.Join(path, "config.yaml")); err != nil {
		return nil, err
	}
	m, err := run.Metrics()
	if err != nil {
		return nil, err
	}
	for _, key := range m.Keys() {
		c.series[key] = seriesOf(m.Steps, m.Column(key))
	}
	for _, key := range trainer.MetricKeys(c.cfg.Model.Layers, c.cfg.Model.Experts) {
		if c.series[key] == nil { // written by a version that did not measure it
			c.series[key] = chart.NewSeries()
		}
	}
	if n := len(m.Wall); n > 0 {
		c.wall = time.Duration(m.Wall[n-1] * float64(time.Second))
	}
	if latest, err := run.Latest(); err == nil {
		c.saved = latest.Path
	}
	events, err := run.Events()
	if err != nil {
		return nil, err
	}
	c.retell(run.Meta(), path, m, events)
	return c, nil
}

// retell writes the log again as it was while the run trained: what happened, and between it the losses at
// each validation, at the time of training they came.
func (c *content) retell(meta runs.Meta, path string, m *runs.Metrics, events []runs.Event) {
	c.log = append(c.log, logLine{at: meta.Created, text: "Begun, kept in " + path})
	if d := meta.Hardware["device"]; d != "" {
		on := trainer.Snapshot{Device: strings.TrimSuffix(d+", "+meta.Hardware["kernels"], ", ")}
		c.log = append(c.log, logLine{at: meta.Created, text: transition(Running, &on)})
	}
	loss, val, row := m.Column(trainer.KeyLoss), m.Column(trainer.KeyValLoss), 0
	losses := func(until int64, before time.Time) {
		for ; row < len(m.Steps) && m.Steps[row] <= until; row++ {
			if row >= len(val) || runs.IsMissing(val[row]) {
				continue
			}
			at := meta.Created.Add(time.Duration(m.Wall[row] * float64(time.Second)))
			if last := c.log[len(c.log)-1].at; at.Before(last) || at.After(before) {
				at = last // pauses are no time of training
			}
			c.log = append(c.log, logLine{at: at, text: lossesText(float64(m.Steps[row]), float64(loss[row]), float64(val[row]))})
		}
	}
	for _, e := range events {
		losses(e.Step, e.Time)
		if e.Kind == "sample" {
			prompt, _ := e.Fields["prompt"].(string)
			c.samples = append(c.samples, trainer.Sample{Step: e.Step, Prompt: prompt, Text: e.Text})
			continue
		}
		c.log = append(c.log, logLine{at: e.Time, text: e.Text, bad: e.Kind == "diverged" || e.Kind == "failed"})
	}
	losses(math.MaxInt64, time.Now())
	if n := len(m.Steps) - 1; n >= 0 && meta.Status == runs.Done && len(loss) > n {
		end := trainer.Snapshot{Step: m.Steps[n], Elapsed: c.wall, Loss: float64(loss[n])}
		c.log = append(c.log, logLine{at: c.log[len(c.log)-1].at, text: transition(Done, &end)})
	}
}

// seriesOf leaves out the rows in which a value was not measured.
func seriesOf(steps []int64, values []float32) *chart.Series {
	x, y := make([]float64, 0, len(steps)), make([]float64, 0, len(steps))
	for i, v := range values {
		if !runs.IsMissing(v) {
			x, y = append(x, float64(steps[i])), append(y, float64(v))
		}
	}
	return chart.SeriesOf(x, y)
}

// fill takes in what the run's folder holds.
func (r *run) fill(c *content) {
	r.cfg, r.series, r.samples, r.log, r.best = c.cfg, c.series, c.samples, c.log, nil
	r.keys = slices.Sorted(maps.Keys(c.series))
	r.seen.val = c.series[trainer.KeyValLoss].Len()
	s := &r.snap
	s.Steps, s.Elapsed, s.Checkpoint = int64(c.cfg.Steps), c.wall, c.saved
	s.Peak, s.LRAt = c.cfg.LR, c.cfg.LRAt
	r.seen.checkpoint = c.saved
	if n := len(c.samples); n > 0 {
		s.Sample = c.samples[n-1]
	}
	for key, into := range map[string]*float64{trainer.KeyLoss: &s.Loss, trainer.KeyValLoss: &s.ValLoss,
		trainer.KeyGradNorm: &s.GradNorm, trainer.KeyLR: &s.LR, trainer.KeyTokens: &s.TokensPerSec} {
		if x, y, ok := c.series[key].Last(); ok {
			*into = y
			s.Step = max(s.Step, int64(x))
		}
	}
}
