package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// Peak is a peak learning rate that holds from a step on, in the place of the config's lr.
type Peak struct {
	From int64 // first step trained with it, at least 1
	LR   float64
}

// Peaks reads lr_at: peaks in the order of their steps, written step:rate with commas in between.
func (c *Config) Peaks() ([]Peak, error) {
	if c.LRAt == "" {
		return nil, nil
	}
	var peaks []Peak
	for _, text := range strings.Split(c.LRAt, ",") {
		from, rate, _ := strings.Cut(strings.TrimSpace(text), ":")
		step, err := strconv.ParseInt(from, 10, 64)
		lr, lerr := strconv.ParseFloat(rate, 64)
		if err != nil || lerr != nil || step < 1 || !(lr > 0) || lr > math.MaxFloat32 {
			return nil, fmt.Errorf("lr_at holds %q; it must be pairs of a first step and a peak rate above 0, "+
				"such as 200:5e-4,400:1e-4", text)
		}
		if n := len(peaks); n > 0 && step <= peaks[n-1].From {
			return nil, fmt.Errorf("lr_at names step %d after step %d; put its pairs in the order of their steps",
				step, peaks[n-1].From)
		}
		peaks = append(peaks, Peak{step, lr})
	}
	return peaks, nil
}

// setPeaks writes lr_at.
func (c *Config) setPeaks(peaks []Peak) {
	var b strings.Builder
	for i, p := range peaks {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d:%s", p.From, strconv.FormatFloat(p.LR, 'g', -1, 64))
	}
	c.LRAt = b.String()
}

// peakAt is the peak in force at step t.
func (c *Config) peakAt(peaks []Peak, t int64) float64 {
	lr := c.LR
	for _, p := range peaks {
		if p.From <= t {
			lr = p.LR
		}
	}
	return lr
}

// RateAt is the learning rate of step t (from 1), with warmup, decay and lr_at.
func (c *Config) RateAt(t int64) float64 {
	peaks, err := c.Peaks()
	if err != nil {
		return math.NaN()
	}
	return c.schedule(1).with(c.peakAt(peaks, t), c.FinalLR).At(t)
}

// with is the same schedule with another peak, of which final is the share at the end.
func (s Schedule) with(peak, final float64) Schedule {
	s.Peak, s.Final = peak, final*peak
	return s
}

// SetLearningRate changes the peak of the schedule from the next step on: where warmup and decay stand
// stays as it is. The run's lr_at keeps the change, so that the run can be resumed, or repeated, bit for
// bit.
func (j *Job) SetLearningRate(peak float64) error {
	if !(peak > 0) || peak > math.MaxFloat32 {
		return fmt.Errorf("the learning rate is %g; it must be a number above 0", peak)
	}
	if j.Snapshot().State.Final() {
		return errors.New("the run has ended, so its learning rate cannot change; continue it first")
	}
	j.peak.Store(&peak)
	j.orders.rouse() // a paused loop
	return nil
}

// RollBack continues the run folder at path, usually one that diverged, from its newest checkpoint whose
// loss had not begun to rise, with the peak of the learning rate multiplied by factor (0: one half). What
// was measured and written after that checkpoint is superseded. A checkpoint from which the run diverged
// again is passed over the next time while there is an older one. When none is left, the run starts again
// from step 0, unless those that are left are damaged.
func RollBack(path string, factor float64, opt Options) (*Job, error) {
	if factor == 0 {
		factor = 0.5
	}
	if !(factor > 0) || math.IsInf(factor, 0) {
		return nil, fmt.Errorf("the learning rate cannot be multiplied by %g; choose a factor above 0", factor)
	}
	return reopen(path, 0, factor, opt)
}

// steer carries out a change of the learning rate that was asked for.
func (s *session) steer() error {
	asked := s.j.peak.Swap(nil)
	if asked == nil {
		return nil
	}
	first := s.step + 1
	was := s.cfg.peakAt(s.peaks, first)
	if *asked == was {
		return nil
	}
	s.setPeak(first, *asked)
	if err := s.saveConfig(); err != nil {
		return err
	}
	text := fmt.Sprintf("The peak learning rate is %g from step %d on; it was %g.", *asked, first, was)
	s.run.AddEvent("learning_rate", s.step, text, map[string]any{"first_step": first, "peak": *asked, "peak_before": was})
	s.log.Info(text)
	s.j.publish(func(p *Snapshot) {
		p.Notes = append(p.Notes[:len(p.Notes):len(p.Notes)], text)
		p.Peak, p.LRAt = *asked, s.cfg.LRAt
	})
	return nil
}

// setPeak lets a peak hold from step first on; what was to change later is forgotten.
func (s *session) setPeak(first int64, peak float64) {
	n := 0
	for n < len(s.peaks) && s.peaks[n].From < first {
		n++
	}
	s.peaks = s.peaks[:n:n]
	if s.cfg.peakAt(s.peaks, first) != peak {
		s.peaks = append(s.peaks, Peak{first, peak})
	}
	s.cfg.setPeaks(s.peaks)
}

// newest is the checkpoint a run goes on from, with its state, and those passed over as damaged. calm
// passes over those, too, from which the run does not get on; see calmOf. Without one the error is
// runs.ErrNoCheckpoint.
func (s *session) newest(ctx context.Context, calm bool) (ck runs.Checkpoint, st trainState, passed []runs.Broken, err error) {
	find := func(wanted func(*trainState) bool) error {
		ck, passed, err = s.run.LatestVerified(ctx, func(c runs.Checkpoint) (bool, error) {
			if err := c.Holds(fileModel, fileOptim, fileState); err != nil {
				return false, err
			}
			var err error
			st, err = readState(c)
			return err == nil && wanted(&st), err
		})
		if err != nil {
			st = trainState{}
		}
		return err
	}
	if !calm {
		err = find(func(*trainState) bool { return true })
		return ck, st, passed, err
	}
	isCalm, tried, err := s.calmOf()
	if err != nil {
		return ck, st, nil, err
	}
	err = find(func(st *trainState) bool { return isCalm(st) && !tried[st.Step] })
	if errors.Is(err, runs.ErrNoCheckpoint) && len(tried) > 0 { // rather once more than from step 0
		err = find(isCalm)
	}
	return ck, st, passed, err
}

// calmOf tells from what the run recorded which checkpoints are calm: written while the loss was not above
// twice its best, and followed by a step that was measured so, too. The update of step t shows in the loss of
// step t+1 first, so that the weights of a checkpoint of step t may be ruined already. tried are the steps the
// run went back to before, only to diverge again.
func (s *session) calmOf() (calm func(*trainState) bool, tried map[int64]bool, err error) {
	m, err := s.run.Metrics()
	if err != nil {
		return nil, nil, err
	}
	loss, norm := m.Column(KeyLoss), m.Column(KeyGradNorm)
	calm = func(st *trainState) bool {
		w := st.Watch
		if i := slices.Index(m.Steps, st.Step+1); w.High == 0 && i >= 0 && i < len(loss) && i < len(norm) {
			if !finite(float64(loss[i])) || !finite(float64(norm[i])) {
				return false
			}
			w.add(float64(loss[i]))
		}
		return w.High == 0
	}
	events, err := s.run.Events()
	if err != nil {
		return nil, nil, err
	}
	tried = map[int64]bool{}
	back := int64(-1)
	for _, e := range events {
		switch e.Kind {
		case "rollback":
			back = e.Step
		case "checkpoint":
			delete(tried, e.Step) // it is another one now
		case "diverged":
			if back >= 0 {
				tried[back] = true
			}
		}
	}
	return calm, tried, nil
}

// readState reads state.json of a checkpoint.
func readState(ck runs.Checkpoint) (trainState, error) {
	var st trainState
	text, err := os.ReadFile(ck.File(fileState))
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(text, &st); err != nil {
		return st, fmt.Errorf("checkpoint %s: %s is not readable: %w", ck.Path, fileState, err)
	}
	return st, nil
}

// lastStep is the step of the newest row the run has recorded, 0 before the first.
func (s *session) lastStep() (int64, error) {
	m, err := s.run.Metrics()
	if err != nil || len(m.Steps) == 0 {
		return 0, err
	}
	return m.Steps[len(m.Steps)-1], nil
}

// lower multiplies the peak that was in force at step last, now that the run is back at s.step.
func (s *session) lower(last int64, factor float64) {
	was := s.cfg.peakAt(s.peaks, last)
	peak := min(max(factor*was, math.SmallestNonzeroFloat32), math.MaxFloat32) // what lr_at can say
	s.setPeak(s.step+1, peak)
	text := fmt.Sprintf("The run went back from step %d to step %d and goes on with a peak learning rate of %g; it was %g.",
		last, s.step, peak, was)
	s.run.AddEvent("rollback", s.step, text, map[string]any{
		"from_step": last, "first_step": s.step + 1, "peak": peak, "peak_before": was,
	})
	s.steered = append(s.steered, text)
}

// leave writes a checkpoint of the last step, unless there is one, so that whatever a stop finds can be
// used and resumed.
func (s *session) leave() error {
	if s.written == s.step {
		return nil
	}
	return s.checkpoint()
}
