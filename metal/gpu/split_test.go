package gpu

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Every cut covers all dispatches in order, and no buffer of more than one is longer than the limit.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Float64Range(1e-6, 0.05), 1, 80).Draw(t, "seconds")
		limit := rapid.Float64Range(1e-7, 1).Draw(t, "limit")
		s := splitter{times}
		ends := s.cut(nil, limit)
		from := 0
		for _, to := range ends {
			if to <= from {
				t.Fatalf("ends %v do not grow", ends)
			}
			if sum := total(times[from:to]); to-from > 1 && sum > limit {
				t.Fatalf("dispatches %d to %d take %g s, more than %g s", from, to-1, sum, limit)
			}
			from = to
		}
		if from != len(times) {
			t.Fatalf("ends %v leave out some of %d dispatches", ends, len(times))
		}
	})
}

func even(n int, seconds float64) splitter {
	s := splitter{make([]float64, n)}
	for i := range s.seconds {
		s.seconds[i] = seconds
	}
	return s
}

// A step of 1.2 s, about what an M1 is expected to take, becomes buffers of 40 to 50 ms
// behind a first one of 5 ms.
func TestCutOfALongStep(t *testing.T) {
	s := even(600, 2e-3)
	ends := s.cut(nil, DefaultBufferTime.Seconds())
	if ends[0] != 2 || len(ends) != 26 {
		t.Errorf("%d buffers, the first of %d dispatches; want 26 and 2", len(ends), ends[0])
	}
	for i := 1; i < len(ends); i++ {
		if n := ends[i] - ends[i-1]; n < 20 || n > 25 {
			t.Errorf("buffer %d has %d dispatches of 2 ms", i, n)
		}
	}
	short := even(10, 1e-4)
	if n := len(short.cut(nil, 1)); n != 1 {
		t.Errorf("a step of 1 ms has %d buffers", n)
	}
}

// Times that were guessed tenfold too low are found out within a few runs, and the buffers that are
// cut by them keep the limit.
func TestMeasured(t *testing.T) {
	const truth, limit = 10e-3, 50e-3
	s := even(100, truth/10)
	for run := range 8 {
		ends := s.cut(nil, limit)
		from, longest := 0, 0
		for _, to := range ends {
			s.measured(from, to, time.Duration(float64(to-from)*truth*1e9))
			longest = max(longest, to-from)
			from = to
		}
		if run == 0 && longest < 40 || run > 3 && longest > 5 {
			t.Errorf("run %d has a buffer of %d dispatches of 10 ms", run, longest)
		}
	}
	before := total(s.seconds)
	s.measured(0, 100, 0) // no clock
	if after := total(s.seconds); after != before {
		t.Errorf("a time of 0 changed %g s to %g s", before, after)
	}
}

func TestGuess(t *testing.T) {
	x := Dispatch{
		Op: &graph.Op{}, Kernel: "unknown to the table of costs",
		Reads: region(0, 0, 3e6), Writes: region(1, 0, 1e6),
	}
	if got, want := guess(&x), guessDispatch+4e6/guessBytes; got < 0.99*want || got > 1.01*want {
		t.Errorf("%g s for 4 MB, want %g", got, want)
	}
}
