package studies

import (
	"context"
	"math"
	"os"
	"testing"
)

func tiny() Setting {
	s := Figure2Setting()
	s.Layers, s.D, s.Heads, s.FFN, s.Seq, s.Batch = 3, 16, 2, 16, 16, 2
	s.Data, s.DataBytes, s.Steps, s.Late, s.Warmup, s.Seeds, s.Device = "toy", 40000, 20, 10, 2, 2, "cpu"
	return s
}

func TestFigure2Measures(t *testing.T) {
	s := tiny()
	s.Root = t.TempDir()
	var last Progress
	r, err := Figure2(t.Context(), s, func(p Progress) { last = p })
	if err != nil {
		t.Fatal(err)
	}
	if last.RunsDone != 10 || last.Runs != 10 || last.Step != 200 {
		t.Errorf("the last progress is %+v", last)
	}
	for _, row := range r.Rows {
		for i, run := range row.Runs {
			if run.Seed != i+1 || len(run.First) != 3 || len(run.Late) != 3 {
				t.Fatalf("%s run %d is %+v", row.Title, i, run)
			}
			for _, v := range append(append(run.First, run.Late...), run.Loss) {
				if !(v > 0) || math.IsInf(v, 0) {
					t.Errorf("%s: the value %g is not a positive number", row.Title, v)
				}
			}
		}
	}
	kept, err := os.ReadDir(s.Root)
	if err != nil || len(kept) != 10 {
		t.Errorf("%d runs were kept, %v", len(kept), err)
	}
}

func TestFigure2Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Figure2(ctx, tiny(), func(Progress) { cancel() }); err != context.Canceled {
		t.Errorf("the error is %v", err)
	}
}

func TestFigure2Fails(t *testing.T) {
	s := tiny()
	s.Data = "nowhere.txt"
	if _, err := Figure2(t.Context(), s, nil); err == nil {
		t.Error("a study without its text is no error")
	}
	s = tiny()
	s.Steps = 11
	if _, err := Figure2(t.Context(), s, nil); err == nil {
		t.Error("a study too short for its steps is no error")
	}
}

// passing is a result that all checks accept.
func passing() *Result {
	r := &Result{Setting: Setting{Layers: 3, Late: 100}}
	for _, p := range pairs {
		run := Run{First: []float64{1, 1, 1}, Late: []float64{1, 1, 1}, Loss: 2.7}
		switch {
		case p.variant == "pre":
			run.First = []float64{3, 2, 1}
		case p.variant == "hybrid" && p.init == "normal":
			run.Late, run.Loss = []float64{0.01, 0.5, 1}, 3.1
		case p.variant == "hybrid":
			run.First = []float64{9, 1, 1.4}
		}
		r.Rows = append(r.Rows, Row{Variant: p.variant, Init: p.init, Runs: []Run{run, run}})
	}
	return r
}

// Each check fails when one seed misses its limit, or is no number.
func TestChecks(t *testing.T) {
	for i, c := range passing().Checks() {
		if !c.OK || len(c.Values) == 0 || c.What == "" || c.Limit == "" {
			t.Errorf("check %d of a good result is %+v", i, c)
		}
	}
	for i, spoil := range []func(r *Result, x float64){
		func(r *Result, x float64) { r.Rows[0].Runs[1].First = []float64{2.4 * x, 1, 1} },
		func(r *Result, x float64) { r.Rows[1].Runs[1].First = []float64{1, 1.6 * x, 1} },
		func(r *Result, x float64) { r.Rows[2].Runs[1].First = []float64{1, 1.6 * x, 1} },
		func(r *Result, x float64) { r.Rows[4].Runs[1].Late = []float64{0.04 * x, 1, 1} },
		func(r *Result, x float64) { r.Rows[4].Runs[1].Loss = 2.9 * x },
	} {
		for _, x := range []float64{1, math.NaN()} {
			r := passing()
			spoil(r, x)
			for j, c := range r.Checks() {
				if c.OK == (i == j) {
					t.Errorf("with check %d spoilt by %g, check %d says %t: %+v", i, x, j, c.OK, c)
				}
			}
		}
	}
}

func TestSpread(t *testing.T) {
	row := Row{Runs: []Run{{First: []float64{1, 4}}, {First: []float64{3, 2}}}}
	mean, low, high := row.Spread(func(r *Run) []float64 { return r.First })
	for i, want := range [][3]float64{{2, 1, 3}, {3, 2, 4}} {
		if mean[i] != want[0] || low[i] != want[1] || high[i] != want[2] {
			t.Errorf("block %d: %g %g %g, want %v", i, mean[i], low[i], high[i], want)
		}
	}
}
