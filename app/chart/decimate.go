package chart

import (
	"math"
	"sort"
)

// XY is one point in data coordinates.
type XY struct{ X, Y float64 }

// Thinned is what is left of a series for a plot of a given width.
type Thinned struct {
	Runs    [][]XY    // polylines; a value that cannot be drawn ends one
	Broken  []float64 // x of non-finite values, at most one a pixel column
	NonFin  int       // how many non-finite values lie in the range
	Skipped int       // how many values at or below zero a log axis left out
}

// Thin cuts a series to the x range of the axis, with one point more at either side so that lines
// leave the plot, and keeps of every one of cols equally wide pixel columns the first, smallest,
// largest and last value, in their order. Zooming in therefore always reaches the raw points, and
// the range of what is drawn is the range of what is there. On a log axis values at or below zero
// break the line and are counted.
func Thin(x, y []float64, ax Axis, logY bool, cols int) Thinned {
	lo, hi := cut(x, ax.Min, ax.Max)
	t := thinner{x: x[:hi], y: y[:hi], logY: logY, mark: math.Inf(-1)}
	if ax.Log { // x rises, so what a log axis cannot show comes first
		t.out.Skipped = sort.SearchFloat64s(x, math.SmallestNonzeroFloat64)
		lo = max(lo, t.out.Skipped)
	}
	t.column = (ax.Max - ax.Min) / float64(max(cols, 1))
	if ax.Log {
		t.column = math.Log(ax.Max/ax.Min) / float64(max(cols, 1))
	}
	dense := hi-lo > 4*cols
	for i := lo; i < hi; {
		if !t.drawable(i) {
			i++
			continue
		}
		if !dense {
			t.run = append(t.run, XY{x[i], y[i]})
			i++
			continue
		}
		i = t.add(i, ax)
	}
	t.flush()
	return t.out
}

// cut returns the index range of x inside [x0, x1], widened by one neighbour at either end.
func cut(x []float64, x0, x1 float64) (lo, hi int) {
	lo = sort.SearchFloat64s(x, x0)
	hi = sort.SearchFloat64s(x, math.Nextafter(x1, math.Inf(1)))
	return max(lo-1, 0), min(hi+1, len(x))
}

type thinner struct {
	x, y   []float64
	logY   bool
	column float64 // width of a pixel column in x, or in log x
	run    []XY
	mark   float64 // x of the last entry of out.Broken
	out    Thinned
}

// drawable reports whether point i can be drawn; if not, it ends the polyline and takes note.
func (t *thinner) drawable(i int) bool {
	switch v := t.y[i]; {
	case !finite(v):
		t.out.NonFin++
		if len(t.out.Broken) < 1000 && t.x[i]-t.mark >= t.column {
			t.mark = t.x[i]
			t.out.Broken = append(t.out.Broken, t.mark)
		}
	case t.logY && v <= 0:
		t.out.Skipped++
	default:
		return true
	}
	t.flush()
	return false
}

// add keeps up to four points of the column that starts with point first and returns the index
// after the column. A column also ends before a value that cannot be drawn.
func (t *thinner) add(first int, ax Axis) int {
	edge := ax.columnEnd(t.x[first], t.column)
	low, high, i := first, first, first+1
	for ; i < len(t.x) && t.x[i] < edge; i++ {
		v := t.y[i]
		if !finite(v) || t.logY && v <= 0 {
			break
		}
		if v < t.y[low] {
			low = i
		}
		if v > t.y[high] {
			high = i
		}
	}
	last := -1
	for _, k := range [4]int{first, min(low, high), max(low, high), i - 1} {
		if k > last {
			t.run = append(t.run, XY{t.x[k], t.y[k]})
			last = k
		}
	}
	return i
}

func (t *thinner) flush() {
	if len(t.run) > 0 {
		t.out.Runs = append(t.out.Runs, t.run)
		t.run = nil
	}
}

// nearest returns the index of the x closest to v, or -1 if there is none.
func nearest(x []float64, v float64) int {
	k := sort.SearchFloat64s(x, v)
	if k > 0 && (k == len(x) || v-x[k-1] <= x[k]-v) {
		k--
	}
	if k >= len(x) {
		return -1
	}
	return k
}
