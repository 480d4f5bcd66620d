package gpu

import "fmt"

// CheckBarriers proves a list of barriers by a way of its own: it compares every pair of dispatches
// that no barrier stands between. It returns the first pair that may run at the same time although one
// writes what the other touches, and the first barrier without which nothing would conflict.
func CheckBarriers(list []Dispatch, barrier []bool) error {
	if len(barrier) != len(list) {
		return fmt.Errorf("%d barriers for %d dispatches", len(barrier), len(list))
	}
	start := 0
	for i := range list {
		if barrier[i] {
			useful := false
			for j := start; j < i && !useful; j++ {
				useful = conflict(&list[j], &list[i])
			}
			if !useful {
				return fmt.Errorf("the barrier before %s (dispatch %d) separates nothing", &list[i], i)
			}
			start = i
		}
		for j := start; j < i; j++ {
			if conflict(&list[j], &list[i]) {
				return fmt.Errorf("%s (dispatch %d) and %s (dispatch %d) touch the same bytes with no barrier between them",
					&list[j], j, &list[i], i)
			}
		}
	}
	return nil
}
