package gpu

import (
	"math"
	"time"
)

// DefaultBufferTime is how much GPU time a command buffer should take at most. The system stutters or
// kills on long ones, and short ones cost a few microseconds each: 20 to 100 ms are good.
const DefaultBufferTime = 50 * time.Millisecond

// The smallest GPU there is, an M1 of 8 cores, at about half of its peaks, and what a dispatch costs
// by itself. First estimates only: measured times replace them.
const (
	guessFLOPS    = 1.3e12 // floating-point operations a second
	guessBytes    = 45e9   // bytes a second
	guessDispatch = 4e-6   // seconds
)

// The first buffer of a run is that much shorter than others, so that the GPU soon has work while the
// rest is being encoded.
const firstShare = 0.1

// guess is the GPU time of a dispatch in seconds, before any was measured.
func guess(x *Dispatch) float64 {
	c := CostOf(x)
	if c.Bytes == 0 { // nothing is known of this kernel: count what it may touch
		for _, r := range x.Reads {
			c.Bytes += float64(r.To - r.From)
		}
		for _, r := range x.Writes {
			c.Bytes += float64(r.To - r.From)
		}
	}
	return guessDispatch + max(c.FLOPs/guessFLOPS, c.Bytes/guessBytes)
}

// splitter shares the dispatches of a program out over command buffers by time.
type splitter struct {
	seconds []float64 // of each dispatch
}

func newSplitter(list []Dispatch) splitter {
	s := splitter{make([]float64, len(list))}
	for i := range list {
		s.seconds[i] = guess(&list[i])
	}
	return s
}

// cut appends to ends, for each command buffer, the dispatch after its last. None takes longer than
// limit seconds unless it holds a single dispatch; behind a short first one they take about equally
// long.
func (s *splitter) cut(ends []int, limit float64) []int {
	rest := total(s.seconds)
	budget, sum, start := limit*firstShare, 0.0, 0
	for i, t := range s.seconds {
		if i > start && sum+t > budget {
			ends = append(ends, i)
			rest -= sum
			budget = min(limit, rest/math.Ceil(rest/limit)*(1+1e-6))
			sum, start = 0, i
		}
		sum += t
	}
	return append(ends, len(s.seconds))
}

// longest is the time of the longest command buffer of more than one dispatch, 0 if there is none.
func (s *splitter) longest(ends []int) float64 {
	most, from := 0.0, 0
	for _, to := range ends {
		if to-from > 1 {
			most = max(most, total(s.seconds[from:to]))
		}
		from = to
	}
	return most
}

// measured moves the times of dispatches from to to-1 halfway to what they took together. Half,
// because one measurement may have met other programs on the GPU.
func (s *splitter) measured(from, to int, took time.Duration) {
	part := s.seconds[from:to]
	if took <= 0 || len(part) == 0 {
		return // the driver does not know
	}
	factor := (1 + took.Seconds()/total(part)) / 2
	for i := range part {
		part[i] *= factor
	}
}

func total(seconds []float64) float64 {
	sum := 0.0
	for _, t := range seconds {
		sum += t
	}
	return sum
}

// shortest is where Smaller stops while no program says what the times of its dispatches are.
const shortest = 100e-6

// Smaller halves the longest command buffers of the programs that are open, and keeps all future ones
// as short. It implements [device.Shrinker].
func (d *Device) Smaller() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.programs) == 0 {
		if d.limit <= shortest {
			return false
		}
		d.limit /= 2
		return true
	}
	longest := 0.0
	for _, p := range d.programs {
		longest = max(longest, p.split.longest(p.split.cut(nil, d.limit)))
	}
	if longest == 0 {
		return false
	}
	d.limit = longest / 2
	return true
}

// SetBufferTime changes how much GPU time a command buffer should take at most, from the next Submit on.
func (d *Device) SetBufferTime(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = t.Seconds()
}
