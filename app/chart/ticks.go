package chart

import (
	"math"

	"gonum.org/v1/plot"
)

// ticks marks an axis. Page layout sets fits to what fits the axis, so labels never collide.
type ticks struct {
	axis   Axis
	counts bool                   // labels are whole numbers: steps, layers
	most   int                    // labels at most
	fits   func([]plot.Tick) bool // whether these labels have room; nil means always
}

// Ticks returns the largest set of labelled ticks that has room. The arguments are the axis range
// again and are ignored.
func (t *ticks) Ticks(_, _ float64) []plot.Tick {
	var last []plot.Tick
	for n := t.most; n >= 1; n-- {
		var set []plot.Tick
		if t.axis.Log {
			set = logTicks(t.axis, n)
		} else {
			set = t.linear(n)
		}
		if len(set) == 0 {
			continue
		}
		if t.fits == nil || t.fits(set) {
			return set
		}
		last = set
	}
	return last
}

// linear gives at most n labelled ticks at 1, 2, 2.5 or 5 times a power of ten.
func (t *ticks) linear(n int) []plot.Tick {
	lo, hi := t.axis.Min, t.axis.Max
	raw := (hi - lo) / float64(n)
	if !(raw > 0) || math.IsInf(raw, 0) {
		return nil
	}
	mag := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * mag
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*mag >= raw*0.999 && !(m == 2.5 && t.counts && mag < 10) {
			step = m * mag
			break
		}
	}
	if t.counts && hi-lo >= 2 {
		step = math.Max(step, 1)
	}
	top := math.Max(math.Abs(lo), math.Abs(hi))
	var out []plot.Tick
	for i := math.Ceil(lo/step - 1e-6); i*step <= hi+step*1e-6 && len(out) < 100; i++ {
		v := i * step
		label := valueLabel(v, step, top)
		if t.counts {
			label = countLabel(v, step, top)
		}
		out = append(out, plot.Tick{Value: v, Label: label})
	}
	return out
}

// logTicks labels at most about n of the decades, or 1, 2, 5 (then all digits) within few decades,
// and puts unlabelled ticks between. Below half a decade linear steps read better.
func logTicks(a Axis, n int) []plot.Tick {
	e0, e1 := math.Log10(a.Min), math.Log10(a.Max)
	if e1-e0 < 0.5 {
		lin := &ticks{axis: Axis{Min: a.Min, Max: a.Max}}
		return lin.linear(n)
	}
	every := math.Max(1, math.Ceil((e1-e0)/float64(n)))
	labelled := func(m, e float64) bool {
		if m == 1 {
			return math.Mod(e, every) == 0
		}
		per := float64(n) / (e1 - e0) // labels a decade there is room for
		return per >= 9 || per >= 3 && (m == 2 || m == 5) || per >= 2 && m == 3
	}
	var out []plot.Tick
	for e := math.Floor(e0); e <= math.Ceil(e1); e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, e)
			if m > 1 && e1-e0 > 8 || v < a.Min*(1-1e-9) || v > a.Max*(1+1e-9) {
				continue
			}
			tick := plot.Tick{Value: v}
			if labelled(m, e) {
				tick.Label = decadeLabel(m * math.Pow(10, e))
			}
			out = append(out, tick)
		}
	}
	return out
}
