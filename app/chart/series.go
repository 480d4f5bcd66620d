package chart

import (
	"math"
	"sync"
)

// Series is an append-only list of points with strictly rising x. One goroutine appends while any
// number of others draw: every method is safe for concurrent use. No point is ever dropped.
type Series struct {
	mu   sync.RWMutex
	x, y []float64

	// The exponential moving average of y, extended when asked for.
	weight float64
	smooth []float64
	sum    float64 // of the finite values, each weighted by weight^age, times 1-weight
	norm   float64 // the same sum with every value 1: the bias correction
}

// NewSeries returns an empty series.
func NewSeries() *Series { return &Series{} }

// SeriesOf returns a series of the points (x[i], y[i]). It panics if the lengths differ.
func SeriesOf(x, y []float64) *Series {
	if len(x) != len(y) {
		panic("chart: SeriesOf needs as many x as y")
	}
	s := NewSeries()
	for i := range x {
		s.Append(x[i], y[i])
	}
	return s
}

// Append adds a point. x is finite and larger than the x before it; other points are refused and
// Append reports false, because a search by x would then fail silently. y may be NaN or infinite.
func (s *Series) Append(x, y float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !finite(x) || len(s.x) > 0 && x <= s.x[len(s.x)-1] {
		return false
	}
	s.x = append(s.x, x)
	s.y = append(s.y, y)
	return true
}

// Len returns the number of points.
func (s *Series) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.x)
}

// Last returns the newest point; ok is false when there is none.
func (s *Series) Last() (x, y float64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.x) == 0 {
		return 0, 0, false
	}
	return s.x[len(s.x)-1], s.y[len(s.y)-1], true
}

// Points returns all points. The slices stay valid and must not be written to.
func (s *Series) Points() (x, y []float64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := len(s.x)
	return s.x[:n:n], s.y[:n:n]
}

// Smoothed returns the points with y replaced by its bias-corrected exponential moving average of
// the given weight w in [0, 1):
//
//	m[i] = (1-w) sum_{j<=i} w^(i-j) y[j] / (1 - w^(i+1))
//
// Non-finite values stay NaN and do not enter the average. Only points appended since the last
// call are computed; another weight starts over. The slices stay valid and must not be written to.
func (s *Series) Smoothed(weight float64) (x, y []float64) {
	weight = clamp(weight, 0, 0.999999)
	s.mu.Lock()
	defer s.mu.Unlock()
	if weight != s.weight {
		s.weight, s.smooth, s.sum, s.norm = weight, nil, 0, 0
	}
	for _, v := range s.y[len(s.smooth):] {
		if !finite(v) {
			s.smooth = append(s.smooth, math.NaN())
			continue
		}
		s.sum = weight*s.sum + (1-weight)*v
		s.norm = weight*s.norm + (1 - weight)
		s.smooth = append(s.smooth, s.sum/s.norm)
	}
	n := len(s.x)
	return s.x[:n:n], s.smooth[:n:n]
}

// finite tells whether a value is a number. NaN compares with nothing.
func finite(v float64) bool { return math.Abs(v) <= math.MaxFloat64 }

func clamp(v, lo, hi float64) float64 { return min(max(v, lo), hi) }
