package trainer

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// Steps that no machine holds are refused before anything is made for them, measured or on paper.
func TestBenchRefusesWhatDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(*BenchOptions){
		"width":      func(o *BenchOptions) { o.D, o.Heads = 100_000_000, 1 },
		"wide":       func(o *BenchOptions) { o.D, o.Heads = 2_000_000, 1 },
		"batch":      func(o *BenchOptions) { o.Batch = 100_000_000 },
		"sequence":   func(o *BenchOptions) { o.Seq = 1 << 40 },
		"vocabulary": func(o *BenchOptions) { o.Vocab = 1 << 50 },
		"FFN":        func(o *BenchOptions) { o.FFN = 1 << 45 },
	} {
		o := DefaultBench()
		o.Device = "cpu"
		change(&o)
		if _, err := Bench(t.Context(), o); err == nil || !strings.Contains(err.Error(), "choose a smaller model") {
			t.Errorf("%s: bench gave %v", name, err)
		}
		s, err := o.Shape()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := PlanStep(s, gpu.Chips[0]); err == nil || !strings.Contains(err.Error(), "choose a smaller model") {
			t.Errorf("%s: the plan gave %v", name, err)
		}
	}
}
