package chart

import (
	"math"
	"testing"

	"gonum.org/v1/plot"
	"pgregory.net/rapid"
)

func TestAxisValueInvertsNorm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Float64Range(1e-9, 1e9).Draw(t, "min")
		a := Axis{lo, lo * rapid.Float64Range(1.001, 1e6).Draw(t, "ratio"), rapid.Bool().Draw(t, "log")}
		u := rapid.Float64Range(-1, 2).Draw(t, "t")
		if got := a.Norm(a.Value(u)); math.Abs(got-u) > 1e-6 {
			t.Fatalf("%+v: %v came back as %v", a, u, got)
		}
	})
}

func TestFitHasRoomForEverything(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		log    bool
	}{
		{0, 0, false}, {5, 5, false}, {-3, -3, false}, {1e-9, 1e-9, false}, {1e9, 1e9, false},
		{1e9, 1e9 + 1, false}, {1e-9, 3e-9, false}, {-1e300, 1e300, false}, {1, 1, true},
		{1e-300, 1e300, true}, {1e-9, 1e9, true}, {3, 3.0001, true},
	} {
		a := fitY(extent{c.lo, c.hi}, c.log, View{})
		if !(a.Min < c.lo && a.Max > c.hi) && !(c.log && a.Min > 0 && a.Max >= c.hi) {
			t.Errorf("%+v gives %+v", c, a)
		}
		if !finite(a.Min) || !finite(a.Max) || !(a.Max > a.Min) || !finite(a.Norm(c.lo)) {
			t.Errorf("%+v gives %+v", c, a)
		}
	}
}

func TestTicksAreDistinctInRangeAndNotTooMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Float64Range(-1, 1).Draw(t, "lo")
		scale := math.Pow(10, float64(rapid.IntRange(-12, 12).Draw(t, "exponent")))
		log := rapid.Bool().Draw(t, "log")
		if log {
			lo = math.Abs(lo) + 0.01
		}
		width := rapid.Float64Range(1e-3, 10).Draw(t, "width")
		a := Axis{lo * scale, (lo + width) * scale, log}
		if log {
			a.Max = a.Min * math.Pow(10, width)
		}
		set := (&ticks{axis: a, most: 8}).Ticks(0, 0)
		seen := map[string]bool{}
		labels := 0
		for _, k := range set {
			if k.IsMinor() {
				continue
			}
			labels++
			if seen[k.Label] {
				t.Fatalf("%+v has label %q twice", a, k.Label)
			}
			seen[k.Label] = true
			if u := a.Norm(k.Value); u < -1e-6 || u > 1+1e-6 {
				t.Fatalf("%+v has a tick at %v", a, k.Value)
			}
		}
		if labels < 2 || labels > 24 {
			t.Fatalf("%+v has %d labels", a, labels)
		}
	})
}

func TestTickLabels(t *testing.T) {
	for _, c := range []struct {
		axis   Axis
		counts bool
		first  string
		second string
	}{
		{Axis{0, 5000, false}, true, "0", "500"},
		{Axis{0, 20000, false}, true, "0", "2k"},
		{Axis{20000, 20010, false}, true, "20000", "20001"},
		{Axis{0, 3e6, false}, true, "0", "0.5M"},
		{Axis{0, 2, false}, true, "0", "1"},
		{Axis{1, 4, false}, false, "1.0", "1.5"},
		{Axis{0, 4e-9, false}, false, "0", "0.5e-9"},
		{Axis{1e9, 1e9 + 4, false}, false, "1.0000000000e9", "1.0000000005e9"},
		{Axis{1e-3, 1e3, true}, false, "0.001", "0.01"},
		{Axis{1e-9, 1e-6, true}, false, "1e-9", "3e-9"},
		{Axis{1, 5, true}, false, "1", "2"},
	} {
		set := (&ticks{axis: c.axis, counts: c.counts, most: 11}).Ticks(0, 0)
		if c.axis.Log {
			set = labelled(logTicks(c.axis, 6))
		}
		if len(set) < 2 || set[0].Label != c.first || set[1].Label != c.second {
			t.Errorf("%+v: labels %v, want %q, %q, ...", c.axis, set, c.first, c.second)
		}
	}
}

func labelled(set []plot.Tick) (out []plot.Tick) {
	for _, t := range set {
		if !t.IsMinor() {
			out = append(out, t)
		}
	}
	return out
}

func TestFormat(t *testing.T) {
	for v, want := range map[float64]string{
		0:       "0",
		2.10344: "2.1034", 12.345678: "12.346", 12345.6: "12346", 0.00123456: "0.001235", 0.25: "0.2500",

		1.2345e-9: "1.235e-9", 1e9: "1.000e9", math.Inf(1): "infinity", -3.5: "-3.5000",
	} {
		if got := FormatValue(v); got != want {
			t.Errorf("FormatValue(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567",
		-1000: "-1,000", 0.5: "0.5"} {
		if got := FormatCount(v); got != want {
			t.Errorf("FormatCount(%v) = %q, want %q", v, got, want)
		}
	}
	if got := FormatValue(math.NaN()); got != "NaN" {
		t.Errorf("NaN is written %q", got)
	}
}
