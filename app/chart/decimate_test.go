package chart

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// drawnSeries draws a series with rising x and some values that cannot be drawn.
func drawnSeries(t *rapid.T) (x, y []float64) {
	n := rapid.IntRange(1, 400).Draw(t, "n")
	value := rapid.OneOf(rapid.Float64Range(-10, 10), rapid.Float64Range(-10, 10),
		rapid.Float64Range(-10, 10), rapid.SampledFrom([]float64{0, 1e9, -1e9, 1e-9,
			math.NaN(), math.Inf(1), math.Inf(-1)}))
	at := 0.0
	for range n {
		at += rapid.Float64Range(0.01, 3).Draw(t, "dx")
		x, y = append(x, at), append(y, value.Draw(t, "y"))
	}
	return x, y
}

func TestThinKeepsEveryExtreme(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawnSeries(t)
		ax := Axis{Min: x[0], Max: x[len(x)-1] + 1e-9, Log: rapid.Bool().Draw(t, "log x")}
		logY := rapid.Bool().Draw(t, "log y")
		cols := rapid.IntRange(1, 40).Draw(t, "columns")
		got := Thin(x, y, ax, logY, cols)

		ok := func(v float64) bool { return finite(v) && !(logY && v <= 0) }
		raw, thin := noExtent(), noExtent()
		where := map[float64]float64{}
		broken, skipped := 0, 0
		for i, v := range y {
			switch {
			case ok(v):
				raw.add(v)
				where[x[i]] = v
			case !finite(v):
				broken++
			default:
				skipped++
			}
		}
		last := math.Inf(-1)
		for _, run := range got.Runs {
			if len(run) == 0 {
				t.Fatal("an empty run")
			}
			for _, p := range run {
				if v, is := where[p.X]; !is || v != p.Y {
					t.Fatalf("point %v was never in the series", p)
				}
				if p.X <= last {
					t.Fatalf("x %v comes after %v", p.X, last)
				}
				last = p.X
				thin.add(p.Y)
			}
		}
		if raw != thin {
			t.Fatalf("range of the picture %v, of the data %v", thin, raw)
		}
		if got.NonFin != broken || got.Skipped != skipped {
			t.Fatalf("counted %d broken and %d skipped, want %d and %d", got.NonFin, got.Skipped,
				broken, skipped)
		}
		if len(x) > 4*cols {
			perColumn := map[int]int{}
			for _, run := range got.Runs {
				for _, p := range run {
					perColumn[int(ax.Norm(p.X)*float64(cols))]++
				}
			}
			if broken+skipped == 0 && len(perColumn) > cols {
				t.Fatalf("%d columns of %d", len(perColumn), cols)
			}
		}
	})
}

func TestThinIsSmallAndKeepsColumnExtremes(t *testing.T) {
	const n, cols = 50000, 100
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i], y[i] = float64(i), math.Sin(float64(i)*0.37)*float64(i%977)
	}
	y[31234], y[31235] = 1e6, -1e6
	got := Thin(x, y, Axis{Min: 0, Max: n}, false, cols)
	if len(got.Runs) != 1 || len(got.Runs[0]) > 4*cols {
		t.Fatalf("%d runs, %d points in the first", len(got.Runs), len(got.Runs[0]))
	}
	run := got.Runs[0]
	if run[0] != (XY{x[0], y[0]}) || run[len(run)-1] != (XY{x[n-1], y[n-1]}) {
		t.Error("first or last point is lost")
	}
	kept := map[XY]bool{}
	for _, p := range run {
		kept[p] = true
	}
	for c := range cols {
		low, high := c*500, c*500
		for i := c * 500; i < (c+1)*500; i++ {
			if y[i] < y[low] {
				low = i
			}
			if y[i] > y[high] {
				high = i
			}
		}
		if !kept[XY{x[low], y[low]}] || !kept[XY{x[high], y[high]}] {
			t.Errorf("column %d lost an extreme", c)
		}
	}
}

func TestThinBreaksAtNaN(t *testing.T) {
	x := []float64{0, 1, 2, 3, 4, 5}
	y := []float64{1, math.NaN(), 2, 3, math.Inf(-1), 4}
	got := Thin(x, y, Axis{Min: 0, Max: 5}, false, 100)
	if len(got.Runs) != 3 || len(got.Runs[1]) != 2 {
		t.Errorf("runs %v", got.Runs)
	}
	if len(got.Broken) != 2 || got.Broken[0] != 1 || got.Broken[1] != 4 || got.NonFin != 2 {
		t.Errorf("broken at %v, %d in all", got.Broken, got.NonFin)
	}
}

func TestThinCountsWhatALogAxisSkips(t *testing.T) {
	x := []float64{0, 1, 2, 3}
	y := []float64{5, 0, -3, 2}
	got := Thin(x, y, Axis{Min: 1, Max: 3, Log: true}, true, 100)
	if got.Skipped != 3 { // x = 0, y = 0, y = -3
		t.Errorf("skipped %d, want 3", got.Skipped)
	}
	if len(got.Runs) != 1 || got.Runs[0][0] != (XY{3, 2}) {
		t.Errorf("runs %v", got.Runs)
	}
}

func TestThinKeepsANeighbourOutsideTheView(t *testing.T) {
	x, y := []float64{0, 10, 20, 30}, []float64{1, 2, 3, 4}
	got := Thin(x, y, Axis{Min: 12, Max: 18}, false, 50)
	if len(got.Runs) != 1 || len(got.Runs[0]) != 2 || got.Runs[0][0].X != 10 || got.Runs[0][1].X != 20 {
		t.Errorf("runs %v, want the line from 10 to 20 that crosses the view", got.Runs)
	}
}
