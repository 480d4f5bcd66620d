package trainer

import "time"

// stopwatch counts the time of training over all parts of a run.
type stopwatch struct {
	before time.Duration // until it was started last
	began  time.Time     // zero while it stands
}

func (w *stopwatch) elapsed() time.Duration {
	if w.began.IsZero() {
		return w.before
	}
	return w.before + time.Since(w.began)
}

func (w *stopwatch) start() { w.before, w.began = w.elapsed(), time.Now() }

func (w *stopwatch) stop() { w.before, w.began = w.elapsed(), time.Time{} }
