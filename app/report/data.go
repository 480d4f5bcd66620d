package report

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/evenkeel/evenkeel/trainer/race"
)

// table is the history of a run, a row a step.
type table struct {
	keys  []string
	steps []int64
	cells [][]float64 // by key, then row
	has   [][]bool    // whether it was measured at that step
}

// tableOf reads all points of a run. The loss is measured at every step, so its steps are those of the run.
func tableOf(r *race.Run) table {
	if r.History == nil {
		return table{}
	}
	t := table{keys: r.History.Keys()}
	for _, k := range t.keys {
		if steps, _ := r.Column(k); len(steps) > len(t.steps) {
			t.steps = steps
		}
	}
	for _, k := range t.keys {
		cells, has := make([]float64, len(t.steps)), make([]bool, len(t.steps))
		steps, values := r.Column(k)
		for i, s := range steps {
			if at, ok := slices.BinarySearch(t.steps, s); ok {
				cells[at], has[at] = values[i], true
			}
		}
		t.cells, t.has = append(t.cells, cells), append(t.has, has)
	}
	return t
}

// number writes a value in the shortest decimals that read back as the float32 that was measured.
func number(b []byte, v float64) []byte {
	return strconv.AppendFloat(b, v, 'g', -1, 32)
}

// pointsCSV holds every point: variant, seed, step, then the columns of the runs. What was not measured at
// a step is empty; NaN, +Inf and -Inf are written as such.
func pointsCSV(s *race.Snapshot) []byte {
	var keys []string // runs of one race have the same columns, unless a row of one's own differs
	tables := make([]table, len(s.Runs))
	for i := range s.Runs {
		tables[i] = tableOf(&s.Runs[i])
		for _, k := range tables[i].keys {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	b := []byte("variant,seed,step")
	for _, k := range keys {
		b = append(append(b, ','), k...)
	}
	b = append(b, '\n')
	for i, t := range tables {
		c := &s.Runs[i].Config
		column := make([]int, len(keys))
		for j, k := range keys {
			column[j] = slices.Index(t.keys, k)
		}
		for row, step := range t.steps {
			b = append(b, c.Model.Variant...)
			b = strconv.AppendUint(append(b, ','), c.Seed, 10)
			b = strconv.AppendInt(append(b, ','), step, 10)
			for _, j := range column {
				b = append(b, ',')
				if j >= 0 && t.has[j][row] {
					b = number(b, t.cells[j][row])
				}
			}
			b = append(b, '\n')
		}
	}
	return b
}

// value is a number in JSON: null for what is not there, "NaN", "+Inf" and "-Inf" for what JSON has no
// number for.
type value struct {
	v       float64
	missing bool
}

// MarshalJSON implements json.Marshaler.
func (v value) MarshalJSON() ([]byte, error) {
	switch {
	case v.missing:
		return []byte("null"), nil
	case math.IsNaN(v.v) || math.IsInf(v.v, 0):
		return append(number([]byte{'"'}, v.v), '"'), nil
	}
	return number(nil, v.v), nil
}

// known is null for NaN: the summary has none where there is nothing to say.
func known(v float64) value { return value{v, math.IsNaN(v)} }

// jsonSpread is a race.Spread.
type jsonSpread struct {
	Mean  value `json:"mean"`
	Low   value `json:"low"`
	High  value `json:"high"`
	Seeds int   `json:"seeds"`
}

func spreadJSON(s race.Spread) jsonSpread {
	return jsonSpread{known(s.Mean), known(s.Low), known(s.High), s.N}
}

// jsonRun is one run with all its points.
type jsonRun struct {
	Variant   string             `json:"variant"`
	Title     string             `json:"title"`
	Seed      uint64             `json:"seed"`
	State     string             `json:"state"`
	Reason    string             `json:"reason,omitempty"`
	Step      int64              `json:"step"`
	Steps     int64              `json:"steps"`
	Final     value              `json:"final_val_loss"`
	Best      value              `json:"best_val_loss"`
	BestStep  int64              `json:"best_step,omitempty"`
	Train     value              `json:"train_loss_at_end"`
	Tokens    value              `json:"tokens_per_s"`
	Seconds   float64            `json:"seconds"`
	RunFolder string             `json:"run_folder,omitempty"`
	Columns   map[string][]value `json:"columns"`
	StepList  []int64            `json:"step_column"`
}

// jsonStanding is one variant.
type jsonStanding struct {
	Variant  string     `json:"variant"`
	Title    string     `json:"title"`
	Finished int        `json:"finished"`
	Diverged int        `json:"diverged"`
	Final    jsonSpread `json:"final_val_loss"`
	Best     jsonSpread `json:"best_val_loss"`
	Train    jsonSpread `json:"train_loss_at_end"`
	Tokens   jsonSpread `json:"tokens_per_s"`
}

// pointsJSON holds results and points.
func pointsJSON(s *race.Snapshot, o *Options) ([]byte, error) {
	doc := struct {
		Format    int            `json:"format"`
		Written   time.Time      `json:"written"`
		Version   string         `json:"app_version"`
		State     race.State     `json:"state"`
		Variants  []string       `json:"variants"`
		FirstSeed uint64         `json:"first_seed"`
		Seeds     int            `json:"seeds"`
		Standings []jsonStanding `json:"standings"`
		Runs      []jsonRun      `json:"runs"`
	}{Format: 1, Written: o.When, Version: o.Version, State: s.State, Variants: s.Plan.Variants,
		FirstSeed: s.Plan.Base.Seed, Seeds: s.Plan.Seeds}
	for _, r := range s.Ranked() {
		doc.Standings = append(doc.Standings, jsonStanding{r.Variant, r.Title, r.Finished, r.Diverged,
			spreadJSON(r.Final), spreadJSON(r.Best), spreadJSON(r.Train), spreadJSON(r.TokensPerSec)})
	}
	for i := range s.Runs {
		doc.Runs = append(doc.Runs, runJSON(&s.Runs[i]))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(doc)
	return b.Bytes(), err
}

func runJSON(r *race.Run) jsonRun {
	o := r.Result()
	out := jsonRun{Variant: o.Variant, Title: o.Title, Seed: o.Seed, State: stateWord(&o), Reason: o.Reason,
		Step: o.Step, Steps: o.Steps, Final: known(o.Final), Best: known(o.Best), BestStep: o.BestStep,
		Train: known(o.Train), Tokens: known(o.TokensPerSec), Seconds: o.Elapsed.Seconds(),
		RunFolder: folder(&o), Columns: map[string][]value{}}
	t := tableOf(r)
	out.StepList = t.steps
	for j, k := range t.keys {
		column := make([]value, len(t.steps))
		for row := range column {
			column[row] = value{t.cells[j][row], !t.has[j][row]}
		}
		out.Columns[k] = column
	}
	return out
}
