package chart

import (
	"math"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestSmoothedIsTheBiasCorrectedAverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom([]float64{0, 0.5, 0.9, 0.999}).Draw(t, "weight")
		ys := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 1, 60).Draw(t, "y")
		s := NewSeries()
		for i, y := range ys {
			s.Append(float64(i), y)
			if i == len(ys)/2 {
				s.Smoothed(w) // the second half is an extension of the first
			}
		}
		_, got := s.Smoothed(w)
		for i := range ys {
			sum, norm := 0.0, 0.0
			for j := 0; j <= i; j++ {
				k := math.Pow(w, float64(i-j))
				sum += k * ys[j]
				norm += k
			}
			if want := sum / norm; math.Abs(got[i]-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("point %d: got %v, want %v", i, got[i], want)
			}
		}
	})
}

func TestSmoothedLeavesOutBrokenValues(t *testing.T) {
	s := SeriesOf([]float64{0, 1, 2, 3}, []float64{2, math.NaN(), math.Inf(1), 4})
	_, y := s.Smoothed(0.5)
	if y[0] != 2 || !math.IsNaN(y[1]) || !math.IsNaN(y[2]) {
		t.Errorf("got %v", y)
	}
	if want := (0.5*2 + 4) / 1.5; math.Abs(y[3]-want) > 1e-12 {
		t.Errorf("after the break: got %v, want %v", y[3], want)
	}
}

func TestAppendRefusesWhatSearchCannotFind(t *testing.T) {
	s := SeriesOf([]float64{1, 2}, []float64{5, 6})
	for _, x := range []float64{2, 1.5, math.NaN(), math.Inf(1)} {
		if s.Append(x, 0) {
			t.Errorf("x = %v was taken after 2", x)
		}
	}
	if x, y, ok := s.Last(); !ok || x != 2 || y != 6 || s.Len() != 2 {
		t.Errorf("last point is %v, %v, %v", x, y, ok)
	}
}

// TestSlicesStayValid reads slices while another goroutine appends; with the race detector it
// also shows that the two never touch the same memory.
func TestSlicesStayValid(t *testing.T) {
	s := NewSeries()
	for i := range 100 {
		s.Append(float64(i), float64(i))
	}
	x, y := s.Points()
	_, m := s.Smoothed(0.9)
	before := m[99]
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := 100; i < 5000; i++ {
			s.Append(float64(i), -1)
		}
	}()
	for range 50 {
		s.Smoothed(0.5)
		for i := range x {
			if x[i] != float64(i) || y[i] != float64(i) {
				t.Fatalf("point %d changed to %v, %v", i, x[i], y[i])
			}
		}
	}
	wg.Wait()
	s.Smoothed(0.1)
	if m[99] != before || len(x) != 100 {
		t.Error("an old slice changed")
	}
}
