package ui

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
)

// comparison is the table of the Compare tab: a column a run, a row a setting or value.
type comparison struct {
	runs []*run
	rows []compareRow
}

// compareRow is a row: a heading over others when it has no cells.
type compareRow struct {
	label string
	cells []compareCell
}

type compareCell struct {
	text string
	best bool // of its row
}

// comparedMetric is a metric of the table.
type comparedMetric struct {
	key, title string
	best       string // what its best is called
	high       bool   // the largest is best
}

var comparedMetrics = []comparedMetric{
	{trainer.KeyLoss, "Loss", "lowest", false},
	{trainer.KeyValLoss, "Validation loss", "lowest", false},
	{trainer.KeyGradNorm, "Gradient norm", "lowest", false},
	{trainer.KeyTokens, "Tokens a second", "highest", true},
}

// commonStep is the last step that every run has reached, 0 when one has none.
func commonStep(compared []*run) float64 {
	step := math.Inf(1)
	for _, r := range compared {
		x, _, ok := r.series[trainer.KeyLoss].Last()
		if !ok {
			return 0
		}
		step = min(step, x)
	}
	if math.IsInf(step, 1) {
		return 0
	}
	return step
}

// newComparison builds the table of some runs, with values at a step.
func newComparison(compared []*run, step float64) *comparison {
	c := &comparison{runs: compared}
	c.differences()
	c.heading("Values")
	for _, m := range comparedMetrics {
		c.metric(m, step)
	}
	return c
}

func (c *comparison) heading(label string) { c.rows = append(c.rows, compareRow{label: label}) }

// differences adds the settings that are not the same in all runs, in the order of the configuration.
func (c *comparison) differences() {
	if len(c.runs) < 2 {
		c.heading("Check a second run")
		return
	}
	c.heading("Settings that differ")
	var keys []string
	of := make([]*settled, len(c.runs))
	for i, r := range c.runs {
		if trained := r.trained(); r.settled.values == nil || r.settled.of != trained {
			r.settled = settingsOf(&trained)
		}
		of[i] = &r.settled
		for _, k := range r.settled.keys {
			if !slices.Contains(keys, k) && !slices.Contains(r.settled.unused, k) {
				keys = append(keys, k)
			}
		}
	}
	order := trainer.Keys()
	slices.SortStableFunc(keys, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	before := len(c.rows)
	for _, k := range keys {
		row := compareRow{label: k}
		same := true
		for _, s := range of {
			text, ok := s.values[k]
			same = same && ok && text == of[0].values[k]
			if !ok || slices.Contains(s.unused, k) {
				text = unknown
			}
			row.cells = append(row.cells, compareCell{text: text})
		}
		if !same {
			c.rows = append(c.rows, row)
		}
	}
	if len(c.rows) == before {
		c.rows[before-1].label = "All settings are the same"
	}
}

// settled is what a configuration says to a person: the variant by its title, and what auto has come to.
// It is kept, because it takes writing and reading YAML, too much for each frame of a run at work.
type settled struct {
	of     trainer.Config
	keys   []string
	values map[string]string
	unused []string // keys that change nothing in this run
}

// trained is the configuration as far as the machine has filled it in: the vocabulary of the tokenizer and
// the device.
func (r *run) trained() trainer.Config {
	c := r.cfg
	if c.Model.Vocab == 0 {
		c.Model.Vocab = r.snap.Vocab
	}
	if name, _, _ := strings.Cut(r.snap.Device, ","); name != "" {
		c.Device = name
	}
	return c
}

// settingsOf writes out what a configuration was trained with, so that a choice made by the app and the
// same made by a person are no difference. The name is left out: the columns are headed by it.
func settingsOf(c *trainer.Config) settled {
	s := settled{of: *c, values: map[string]string{}}
	resolved, unused, err := c.Resolved()
	if err != nil {
		resolved = *c // written by another version; what it says is better than nothing
	}
	s.unused = unused
	text, err := resolved.YAML()
	var doc yaml.Node
	if err != nil || yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return s
	}
	pairs := doc.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		if k := pairs[i].Value; k != "name" {
			s.keys, s.values[k] = append(s.keys, k), settingText(pairs[i+1])
		}
	}
	if v, err := c.Model.Row(); err == nil {
		s.values["variant"] = v.Title
	}
	return s
}

// settingText writes a value on one line.
func settingText(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		if n.Value == "" {
			return "empty"
		}
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && n.Tag == "!!float" {
			return strconv.FormatFloat(f, 'g', 6, 64)
		}
		return strings.Join(strings.Fields(n.Value), " ")
	}
	n.Style = yaml.FlowStyle
	b, err := yaml.Marshal(n)
	if err != nil {
		return unknown
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

// metric adds the last, best and at-step value of a metric in each run.
func (c *comparison) metric(m comparedMetric, step float64) {
	last := compareRow{label: m.title + ", last"}
	best := compareRow{label: m.title + ", " + m.best}
	at := compareRow{label: m.title + ", at step " + chart.FormatCount(step)}
	var ends, tops, marks []float64
	add := func(row *compareRow, all *[]float64, v float64, text string) {
		row.cells = append(row.cells, compareCell{text: text})
		*all = append(*all, v)
	}
	nan := math.NaN()
	for _, r := range c.runs {
		x, y := r.series[m.key].Points()
		if len(x) == 0 {
			add(&last, &ends, nan, unknown)
			add(&best, &tops, nan, unknown)
			add(&at, &marks, nan, unknown)
			continue
		}
		n := len(x) - 1
		add(&last, &ends, y[n], chart.FormatValue(y[n]))
		if e := r.extreme(m); math.IsNaN(e.y) {
			add(&best, &tops, nan, unknown)
		} else {
			add(&best, &tops, e.y, chart.FormatValue(e.y)+" at "+chart.FormatCount(e.x))
		}
		i := sort.Search(len(x), func(i int) bool { return x[i] > step }) - 1
		reached, _, _ := r.series[trainer.KeyLoss].Last()
		switch {
		case i < 0 || reached < step: // it did not come so far
			add(&at, &marks, nan, unknown)
		case x[i] < step: // measured at some steps only
			add(&at, &marks, y[i], chart.FormatValue(y[i])+" at "+chart.FormatCount(x[i]))
		default:
			add(&at, &marks, y[i], chart.FormatValue(y[i]))
		}
	}
	for _, row := range []struct {
		*compareRow
		values []float64
	}{{&last, ends}, {&best, tops}, {&at, marks}} {
		if m.key != trainer.KeyGradNorm { // a small gradient is neither good nor bad
			row.markBest(row.values, m.high)
		}
		c.rows = append(c.rows, *row.compareRow)
	}
}

// markBest marks the best of a row, or all of them where several share it, unless all do.
func (r *compareRow) markBest(values []float64, high bool) {
	best, known := math.NaN(), 0
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		known++
		if math.IsNaN(best) || high && v > best || !high && v < best {
			best = v
		}
	}
	n := 0
	for i, v := range values {
		r.cells[i].best = v == best
		if v == best {
			n++
		}
	}
	if known < 2 || n == known {
		for i := range r.cells {
			r.cells[i].best = false
		}
	}
}

// bestKey names a cached extreme.
type bestKey struct {
	metric string
	high   bool
}

// extreme is the best value of a series and its step; only rows that came since are looked at.
type extreme struct {
	of   *chart.Series
	seen int
	x, y float64
}

// extreme gives the best value of a metric so far.
func (r *run) extreme(m comparedMetric) *extreme {
	if r.best == nil {
		r.best = map[bestKey]*extreme{}
	}
	key := bestKey{m.key, m.high}
	e := r.best[key]
	if e == nil || e.of != r.series[m.key] {
		e = &extreme{of: r.series[m.key], y: math.NaN()}
		r.best[key] = e
	}
	x, y := e.of.Points()
	for ; e.seen < len(y); e.seen++ {
		v := y[e.seen]
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if math.IsNaN(e.y) || m.high && v > e.y || !m.high && v < e.y {
			e.x, e.y = x[e.seen], v
		}
	}
	return e
}

// text is the table with tabs between its columns, for a spreadsheet.
func (c *comparison) text() string {
	var b strings.Builder
	b.WriteString("run")
	for _, r := range c.runs {
		b.WriteString("\t" + r.title)
	}
	b.WriteByte('\n')
	for _, row := range c.rows {
		b.WriteString(row.label)
		for _, cell := range row.cells {
			b.WriteString("\t" + cell.text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
