package race

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
)

// LastSteps is the number of steps at the end of a run whose training losses are averaged.
const LastSteps = 20

// Spread is mean, least and largest of a number over the seeds of a variant; NaN when there is none.
type Spread struct {
	Mean, Low, High float64
	N               int
}

// add takes one more value in; NaN stands for none.
func (s *Spread) add(v float64) {
	if math.IsNaN(v) {
		return
	}
	if s.N == 0 {
		s.Mean, s.Low, s.High = 0, v, v
	}
	s.N++
	s.Mean += (v - s.Mean) / float64(s.N)
	s.Low, s.High = min(s.Low, v), max(s.High, v)
}

// Result is what one run came to. Losses are nats a token, NaN when not measured.
type Result struct {
	Variant, Title string
	Seed           uint64
	State          trainer.State // empty before it has begun
	Reason         string        // why it diverged
	Step, Steps    int64
	Final          float64 // validation loss at the last step; NaN unless all steps ran
	Best           float64 // lowest validation loss
	BestStep       int64
	Train          float64 // mean training loss of the last LastSteps steps; NaN unless all steps ran
	TokensPerSec   float64
	Elapsed        time.Duration
	RunPath        string
}

// Result reads what the run came to.
func (r *Run) Result() Result {
	nan := math.NaN()
	o := Result{Variant: r.Variant(), Title: r.Title(), Seed: r.Config.Seed, Steps: int64(r.Config.Steps),
		Final: nan, Best: nan, Train: nan, TokensPerSec: nan}
	if !r.Begun {
		return o
	}
	o.State, o.Step, o.RunPath, o.Elapsed = r.Snapshot.State, r.Step, r.RunPath, r.Elapsed
	if o.State == trainer.Diverged {
		o.Reason = r.Reason
	}
	if r.TokensPerSec > 0 {
		o.TokensPerSec = r.TokensPerSec
	}
	steps, val := r.Column(trainer.KeyValLoss)
	for i, v := range val {
		if !math.IsNaN(v) && !(v >= o.Best) {
			o.Best, o.BestStep = v, steps[i]
		}
	}
	if o.State != trainer.Done {
		return o
	}
	if n := len(steps); n > 0 && steps[n-1] == o.Steps {
		o.Final = val[n-1]
	}
	if _, loss := r.Column(trainer.KeyLoss); len(loss) > 0 {
		var mean Spread
		for _, v := range loss[max(0, len(loss)-LastSteps):] {
			mean.add(v)
		}
		o.Train = mean.Mean
	}
	return o
}

// Standing is what the seeds of a variant came to together. Final, Best and Train are over the seeds that
// ran all steps: a diverged one has no final loss, and Diverged says that it is missing.
type Standing struct {
	Variant, Title     string
	Results            []Result // by seed
	Final, Best, Train Spread
	TokensPerSec       Spread
	Diverged, Finished int
}

// Standings gives a row for each variant, in the order of the plan.
func (s *Snapshot) Standings() []Standing {
	nan := math.NaN()
	none := Spread{Mean: nan, Low: nan, High: nan}
	rows := make([]Standing, len(s.Plan.Variants))
	for i, id := range s.Plan.Variants {
		rows[i] = Standing{Variant: id, Title: id, Final: none, Best: none, Train: none, TokensPerSec: none}
	}
	for i := range s.Runs {
		o := s.Runs[i].Result()
		row := &rows[slices.Index(s.Plan.Variants, o.Variant)]
		row.Title = o.Title
		row.Results = append(row.Results, o)
		row.TokensPerSec.add(o.TokensPerSec)
		switch o.State {
		case trainer.Diverged:
			row.Diverged++
		case trainer.Done:
			row.Finished++
			row.Final.add(o.Final)
			row.Best.add(o.Best)
			row.Train.add(o.Train)
		}
	}
	return rows
}

// Ranked gives the standings best first: those with the fewest diverged seeds, then those with the lowest
// mean of the final validation loss, or of the training loss in a race without validation. What has not
// finished a run comes last.
func (s *Snapshot) Ranked() []Standing {
	rows := s.Standings()
	mean := func(r *Standing) float64 {
		if r.Final.N > 0 {
			return r.Final.Mean
		}
		if r.Train.N > 0 {
			return r.Train.Mean
		}
		return math.Inf(1)
	}
	slices.SortStableFunc(rows, func(a, b Standing) int {
		if d := cmp.Compare(min(1, b.Finished), min(1, a.Finished)); d != 0 {
			return d
		}
		if d := cmp.Compare(a.Diverged, b.Diverged); d != 0 {
			return d
		}
		return cmp.Compare(mean(&a), mean(&b))
	})
	return rows
}
