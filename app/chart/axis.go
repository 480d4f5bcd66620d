package chart

import "math"

// Axis is the range of an axis and its scale. Min is less than Max, and positive if Log.
type Axis struct {
	Min, Max float64
	Log      bool
}

// Norm gives the place of v along the axis: 0 at Min, 1 at Max. On a log axis values at or below
// zero lie at minus infinity.
func (a Axis) Norm(v float64) float64 {
	if a.Log {
		if v <= 0 {
			return math.Inf(-1)
		}
		return math.Log(v/a.Min) / math.Log(a.Max/a.Min)
	}
	return (v - a.Min) / (a.Max - a.Min)
}

// Value is the inverse of Norm.
func (a Axis) Value(t float64) float64 {
	if a.Log {
		return a.Min * math.Pow(a.Max/a.Min, t)
	}
	return a.Min + t*(a.Max-a.Min)
}

// Normalize makes Axis a scale of gonum/plot; the arguments are ignored in favour of the fields.
func (a Axis) Normalize(_, _, v float64) float64 { return a.Norm(v) }

// columnEnd returns where the pixel column that holds x ends.
func (a Axis) columnEnd(x, width float64) float64 {
	if a.Log {
		return a.Min * math.Exp((math.Floor(math.Log(x/a.Min)/width)+1)*width)
	}
	return a.Min + (math.Floor((x-a.Min)/width)+1)*width
}

// View is what part of a figure is shown. The zero value fits all data.
type View struct {
	X0, X1 float64 // x range; fitted when X1 <= X0
	Y0, Y1 float64 // y range; fitted to what lies in the x range when Y1 <= Y0
	Follow bool    // keep the width of the x range but end it at the newest point
}

// Zoomed reports whether the view shows less than everything.
func (v View) Zoomed() bool { return v.X1 > v.X0 || v.Y1 > v.Y0 }

// extent collects the range of values.
type extent struct{ lo, hi float64 }

func noExtent() extent { return extent{math.Inf(1), math.Inf(-1)} }

// add takes a value in. It is called for every point of a frame, and math.Min, which heeds NaN and the sign
// of zero, would take a tenth of that.
func (e *extent) add(v float64) {
	if v < e.lo {
		e.lo = v
	}
	if v > e.hi {
		e.hi = v
	}
}

func (e extent) empty() bool { return e.lo > e.hi }

// fitX turns the x extent of the data into an axis: exactly the range of the data, up to planned if
// that is larger, or what the view says.
func fitX(e extent, planned float64, log bool, v View) Axis {
	if v.X1 > v.X0 && (!log || v.X0 > 0) {
		a := Axis{v.X0, v.X1, log}
		if v.Follow && !e.empty() {
			if log {
				a.Min, a.Max = e.hi*v.X0/v.X1, e.hi
			} else {
				a.Min, a.Max = e.hi-(v.X1-v.X0), e.hi
			}
		}
		return a
	}
	if e.empty() {
		e = extent{1, 1}
	}
	if planned > 0 {
		e.hi = math.Max(e.hi, planned)
		if !log {
			e.lo = math.Min(e.lo, 0)
		}
	}
	switch {
	case e.lo < e.hi:
	case log:
		e = extent{e.lo / 2, e.hi * 2}
	default:
		e = extent{e.lo - 1, e.hi + 1}
	}
	return Axis{e.lo, e.hi, log}
}

// fitY turns the y extent into an axis with some air above and below, or takes the view's range.
func fitY(e extent, log bool, v View) Axis {
	const air = 0.05
	switch {
	case v.Y1 > v.Y0 && (!log || v.Y0 > 0):
		return Axis{v.Y0, v.Y1, log}
	case log:
		k := math.Pow(e.hi/e.lo, air)
		if math.IsInf(k, 0) {
			k = 2
		}
		k = math.Max(k, 1.05) // a constant still gets room
		return Axis{math.Max(e.lo/k, math.SmallestNonzeroFloat64), math.Min(e.hi*k, math.MaxFloat64), log}
	}
	d := (e.hi - e.lo) * air
	least := math.Max(math.Abs(e.hi), math.Abs(e.lo)) * 1e-9
	if d <= least || math.IsInf(d, 0) { // constant, or below what the labels could tell apart
		d = math.Max(math.Abs(e.hi)*0.05, 1e-12)
		if e.hi == 0 && e.lo == 0 {
			d = 1
		}
	}
	return Axis{e.lo - d, e.hi + d, log}
}
