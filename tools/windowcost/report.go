package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Budgets, in per cent.
const (
	ownBudget  = 5  // our own cost, of the CPU time of training
	slowBudget = 20 // slowdown against the same run without a window
	idleBudget = 5  // of a core, while nothing happens
)

// spent is where the CPU seconds of a session went.
type spent struct {
	*session
	in [partCount]float64
}

// divide spreads the CPU time of Go's threads over the parts, by the samples that are not of opening and
// closing the window.
func divide(s *session, start profile) *spent {
	sum, left := 0.0, profile{}
	for p, ms := range s.samples {
		left[p] = max(0, ms-start[p])
		sum += left[p]
	}
	d := &spent{session: s}
	for p, ms := range left {
		d.in[p] = (s.cpu - s.mesa) * ms / sum
	}
	d.in[opengl] += s.mesa
	return d
}

// own is the cost of charts, polling and widgets.
func (d *spent) own() (sum float64) {
	for p, seconds := range d.in {
		if part(p).own() {
			sum += seconds
		}
	}
	return sum
}

// bare is what the session would have taken without what it draws: evenkeel train draws charts at its end.
func (d *spent) bare() float64 { return d.cpu - d.own() }

// report prints the table.
func report(out io.Writer, all []*session) error {
	start := profile{}
	var idle []float64
	for _, s := range all {
		if s.kind == kindStart {
			start = s.samples
			idle = append(idle, s.idle)
		}
	}
	var kinds []string
	by := map[string][]*spent{}
	for _, s := range all {
		if s.kind == kindStart {
			continue
		}
		if by[s.kind] == nil {
			kinds = append(kinds, s.kind)
		}
		of := start
		if s.kind == kindHeadless {
			of = nil
		}
		by[s.kind] = append(by[s.kind], divide(s, of))
	}
	if len(idle) == 0 || by[kindHeadless] == nil || len(kinds) < 2 {
		return errors.New("it takes sessions of opening the window, of training without it and of training in it")
	}
	i := slices.Index(kinds, kindHeadless)
	kinds = append([]string{kindHeadless}, slices.Delete(kinds, i, i+1)...)
	t := &table{out: out, kinds: kinds, by: by}
	t.seconds()
	t.ratios()
	fmt.Fprintf(out, "%-34s%s   budget %d %%\n", "idle, of a core", spread(idle, "%.1f %%"), idleBudget)
	return nil
}

// table has a column for each kind of session.
type table struct {
	out   io.Writer
	kinds []string
	by    map[string][]*spent
}

func (t *table) row(name string, value func(d *spent) float64, format string) {
	fmt.Fprintf(t.out, "%-34s", name)
	for _, k := range t.kinds {
		fmt.Fprintf(t.out, " %12s", fmt.Sprintf(format, median(each(t.by[k], value))))
	}
	fmt.Fprintln(t.out)
}

func (t *table) seconds() {
	fmt.Fprintf(t.out, "%-34s", "CPU seconds, medians")
	for _, k := range t.kinds {
		fmt.Fprintf(t.out, " %12s", k)
	}
	fmt.Fprintln(t.out)
	for p, name := range parts {
		t.row("  "+name, func(d *spent) float64 { return d.in[p] }, "%.2f")
	}
	t.row("  all of the process", func(d *spent) float64 { return d.cpu }, "%.2f")
	t.row("  X server", func(d *spent) float64 { return d.xserver }, "%.2f")
	t.row("  other programs in that time", func(d *spent) float64 { return d.others }, "%.1f")
	t.row("seconds of training", func(d *spent) float64 { return d.seconds }, "%.1f")
	t.row("tokens/s", func(d *spent) float64 { return d.tokens / d.seconds }, "%.0f")
}

func (t *table) ratios() {
	for _, k := range t.kinds[1:] {
		live := t.by[k]
		own := each(live, func(d *spent) float64 { return 100 * d.own() / d.in[training] })
		fmt.Fprintf(t.out, "\n%s tab\n", strings.ToUpper(k[:1])+k[1:])
		t.ratio("own cost, of training's CPU time", own, slices.Min(own), ownBudget)
		t.slowdown("slowdown by CPU time", live, func(d *spent) float64 { return d.cpu + d.xserver }, (*spent).bare)
		clock := func(d *spent) float64 { return d.seconds }
		t.slowdown("slowdown by the clock", live, clock, clock)
	}
	fmt.Fprintln(t.out)
}

// slowdown compares each session with the one without a window of the same round, and the best of them with
// the best without a window: what else happens on a machine makes sessions longer, never shorter.
func (t *table) slowdown(name string, live []*spent, with, without func(d *spent) float64) {
	bare := t.by[kindHeadless]
	more := func(a, b float64) float64 { return 100 * (a/b - 1) }
	var v []float64
	for i, d := range live {
		v = append(v, more(with(d), without(bare[min(i, len(bare)-1)])))
	}
	t.ratio(name, v, more(slices.Min(each(live, with)), slices.Min(each(bare, without))), slowBudget)
}

func (t *table) ratio(name string, v []float64, best float64, budget int) {
	text := spread(v, "%.1f %%")
	if len(v) > 1 {
		text += fmt.Sprintf("   best %.1f %%", best)
	}
	fmt.Fprintf(t.out, "%-34s%s   budget %d %%\n", name, text, budget)
}

func each(all []*spent, value func(d *spent) float64) (v []float64) {
	for _, d := range all {
		v = append(v, value(d))
	}
	return v
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// spread is the median, and least and most when there are several.
func spread(v []float64, format string) string {
	text := fmt.Sprintf("%12s", fmt.Sprintf(format, median(v)))
	if len(v) > 1 {
		text += fmt.Sprintf("   ("+format+" to "+format+")", slices.Min(v), slices.Max(v))
	}
	return text
}
