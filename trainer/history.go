package trainer

import (
	"sync"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// History is what a job has measured, one row a step. The trainer appends; windows read at their own
// pace. Keys are those of metrics.jsonl.
type History struct {
	mu   sync.RWMutex
	keys []string
	cols [][]float32
	step []int64
}

// NewHistory makes an empty history of the given keys.
func NewHistory(keys []string) *History {
	return &History{keys: keys, cols: make([][]float32, len(keys))}
}

// Keys gives the column names.
func (h *History) Keys() []string { return h.keys }

// Append adds the row of a step.
func (h *History) Append(step int64, values []float32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.step = append(h.step, step)
	for i, v := range values {
		h.cols[i] = append(h.cols[i], v)
	}
}

// Len is the number of rows.
func (h *History) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.step)
}

// Column gives the steps and values of one key from row on, leaving out rows where it was not
// measured (runs.Missing marks them only for keys that are not measured at every step). The slices are the
// caller's.
func (h *History) Column(key string, row int) (steps []int64, values []float64) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for i, k := range h.keys {
		if k != key {
			continue
		}
		for r := row; r < len(h.step); r++ {
			v := h.cols[i][r]
			if sparse(key) && runs.IsMissing(v) {
				continue
			}
			steps, values = append(steps, h.step[r]), append(values, float64(v))
		}
	}
	return steps, values
}

// sparse tells whether a key is measured at some steps only.
func sparse(key string) bool { return key == KeyValLoss }
