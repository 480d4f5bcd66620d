package conformance

import (
	"fmt"
	"math"
)

// compare holds what a device computed to the oracle. scale, if not nil, are the results of the same
// case on absolute values.
func compare(got, want, scale []vector) Result {
	r := Result{Ratio: 1}
	worst, badRatio := -1.0, ""
	for i, w := range want {
		g := got[i]
		largest := 0.0
		for _, v := range w.data {
			if finiteNumber(v) {
				largest = math.Max(largest, math.Abs(v))
			}
		}
		for j, v := range w.data {
			err := difference(g.data[j], v)
			rel := math.Abs(v)
			if w.limit.OfAbs {
				rel = math.Abs(scale[i].data[j])
			}
			limit := w.limit.Abs + w.limit.Max*largest
			if finiteNumber(rel) {
				limit += w.limit.Rel * rel
			}
			if used := share(err, limit); used > worst {
				worst, r.MaxErr, r.Limit = used, err, limit
				r.Detail = fmt.Sprintf("%s[%d] is %.9g, not %.9g", w.name, j, g.data[j], v)
			}
		}
		if ratio := normRatio(g, w); ratio > r.Ratio {
			r.Ratio = ratio
			if ratio > MaxRatio {
				badRatio = fmt.Sprintf("the norm of %s is %.4g, not %.4g", w.name, norm2(g.data), norm2(w.data))
			}
		}
	}
	if badRatio != "" && worst <= 1 {
		r.Detail = badRatio
	}
	return r
}

// difference is |got-want|; two NaN agree, as do equal infinities.
func difference(got, want float64) float64 {
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return 0
	}
	if d := math.Abs(got - want); !math.IsNaN(d) {
		return d
	}
	return math.Inf(1)
}

func finiteNumber(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// share is the part of a limit that an error uses.
func share(err, limit float64) float64 {
	if err == 0 {
		return 0
	}
	return err / limit
}

// normRatio compares the norms of a tensor, larger over smaller; 1 where the oracle's is so small
// against the absolute limit that it may be rounding noise, or not finite.
func normRatio(got, want vector) float64 {
	g, w := norm2(got.data), norm2(want.data)
	noise := 10 * want.limit.Abs * math.Sqrt(float64(len(want.data)))
	if w <= noise || !finiteNumber(w) || g == w {
		return 1
	}
	return math.Max(g/w, w/g)
}

func norm2(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}

// Unrepeated is the error of a device that promises the same bits and gave others the second time.
type Unrepeated struct {
	Element     string
	First, Next float64
}

func (e *Unrepeated) Error() string {
	return fmt.Sprintf("%s is %.9g in one run and %.9g in the next", e.Element, e.First, e.Next)
}

// same asks for equal bits, element by element.
func same(a, b []vector) error {
	for i, v := range a {
		for j, x := range v.data {
			if math.Float64bits(x) != math.Float64bits(b[i].data[j]) {
				return &Unrepeated{fmt.Sprintf("%s[%d]", v.name, j), x, b[i].data[j]}
			}
		}
	}
	return nil
}
