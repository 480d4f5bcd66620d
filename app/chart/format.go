package chart

import (
	"math"
	"strconv"
	"strings"
)

// countLabel writes a count for an axis whose labels are step apart and reach up to top: 500, 20k,
// 2.5M. A unit is only used when every label of the axis stays exact with it.
func countLabel(v, step, top float64) string {
	if v == 0 {
		return "0"
	}
	for _, u := range [...]struct {
		size, from float64
		suffix     string
	}{{1e12, 1e12, "T"}, {1e9, 1e9, "B"}, {1e6, 2e6, "M"}, {1e3, 1e4, "k"}} {
		if top >= u.from && math.Mod(step*100/u.size, 1) == 0 {
			return strconv.FormatFloat(v/u.size, 'f', decimals(step/u.size), 64) + u.suffix
		}
	}
	return strconv.FormatFloat(v, 'f', decimals(step), 64)
}

// valueLabel writes a value for an axis whose labels are step apart and reach up to top in size,
// with as many digits as tell neighbours apart.
func valueLabel(v, step, top float64) string {
	if v == 0 {
		return "0"
	}
	if top >= 1e-3 && top < 1e5 {
		return strconv.FormatFloat(v, 'f', decimals(step), 64)
	}
	// One exponent for the whole axis, so that mantissas can be compared.
	e := int(math.Floor(math.Log10(top)))
	p := math.Pow(10, float64(e))
	if p == 0 || math.IsInf(p, 0) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v/p, 'f', decimals(step/p), 64) + "e" + strconv.Itoa(e)
}

// decadeLabel writes 1, 2 or 5 times a power of ten for a log axis.
func decadeLabel(v float64) string {
	if v >= 0.999e-4 && v < 0.999e5 {
		return strconv.FormatFloat(v, 'f', max(0, -int(math.Floor(math.Log10(v)+1e-9))), 64)
	}
	return shortExp(strconv.FormatFloat(v, 'e', 0, 64))
}

// decimals gives the number of digits after the point that write a multiple of step exactly, for
// a step of two significant digits.
func decimals(step float64) int {
	for d := 0; d < 16; d++ {
		s := step * math.Pow(10, float64(d))
		if r := math.Round(s); r > 0 && math.Abs(s-r) < 1e-6*s {
			return d
		}
	}
	return 16
}

// FormatValue writes a measured value with four or five significant digits: 2.1034,
// 0.001235, 1.235e-9, NaN.
func FormatValue(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "infinity"
	case math.IsInf(v, -1):
		return "-infinity"
	case v == 0:
		return "0"
	case a >= 1e5 || a < 1e-3:
		return shortExp(strconv.FormatFloat(v, 'e', 3, 64))
	}
	digits := 4 - int(math.Floor(math.Log10(a)))
	if a < 1 {
		digits--
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// FormatCount writes a count with groups of three digits: 12,345.
func FormatCount(v float64) string {
	if !finite(v) || math.Abs(v) >= 1e15 {
		return FormatValue(v)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if i := strings.IndexByte(s, '.'); i >= 0 {
		return s // only zoomed positions between steps are not whole
	}
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if neg {
		s = "-" + s
	}
	return s
}

// shortExp drops the plus sign and leading zeros of an exponent: 1e-09 becomes 1e-9.
func shortExp(s string) string {
	i := strings.IndexByte(s, 'e')
	if i < 0 {
		return s
	}
	e, err := strconv.Atoi(s[i+1:])
	if err != nil {
		return s
	}
	return s[:i] + "e" + strconv.Itoa(e)
}
