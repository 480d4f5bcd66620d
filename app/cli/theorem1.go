package cli

import (
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer/studies"
)

// theorem1 measures, prints the exponents and draws the figure.
func (e *env) theorem1(s studies.Theorem1Setting, out string) error {
	r, err := studies.RunTheorem1(e.ctx, s, nil)
	if err != nil {
		return err
	}
	head := []string{"variant", "gradient", "scaled"}
	for _, c := range s.Scales {
		head = append(head, fmt.Sprintf("c %.3g", c))
	}
	t := table{append(head, "exponent", "theorem 1")}
	for _, c := range r.Curves {
		cells := []string{c.Title, "W" + c.Grad, "W" + c.Scaled}
		for _, n := range c.Norms {
			cells = append(cells, fmt.Sprintf("%.3f", n))
		}
		t = append(t, append(cells, fmt.Sprintf("%.3f", c.Exponent), fmt.Sprintf("%g", c.Want)))
	}
	fmt.Fprintf(e.out, "Gradient norm relative to scale 1, mean of seeds 1 to %d; exponents are slopes in log-log axes.\n\n", s.Seeds)
	t.write(e.out)
	fmt.Fprintln(e.out)
	e.checks(r.Checks())
	if err := chart.Export(theorem1Figure(r), out, chart.ExportOptions{}); err != nil {
		return err
	}
	return e.verdict(out, r.Checks())
}

// theorem1Figure draws a panel for each pair of gradient and scaled matrix, a line for each variant.
func theorem1Figure(r *studies.Theorem1) chart.Figure {
	panel := func(grad, scaled string) chart.Figure {
		var exponents []string
		for _, c := range r.Of(grad, scaled) {
			exponents = append(exponents, fmt.Sprintf("%.2f", c.Exponent))
		}
		f := &chart.Lines{
			Head:   chart.Head{Title: fmt.Sprintf("dW%s by scale of W%s: exponents %s", grad, scaled, strings.Join(exponents, ", "))},
			XLabel: "scale of W" + scaled, YLabel: "gradient norm, 1 at scale 1", LogX: true, LogY: true,
		}
		for slot, c := range r.Of(grad, scaled) {
			f.Lines = append(f.Lines, chart.Line{
				Name: c.Title, Slot: slot, Marks: true, Exact: true,
				Series: chart.SeriesOf(c.Scales, c.Norms),
			})
		}
		return f
	}
	s := &r.Setting
	return &chart.Row{
		Head: chart.Head{
			Title: "Gradients inside the attention against the scale of its matrices",
			Caption: []string{fmt.Sprintf("one block, d %d, %d heads, %d x %d random tokens, mean of seeds 1 to %d; "+
				"theorem 1 of arXiv 2503.04598; exponents in the order of the legend, equal lines cover each other", s.D, s.Heads, s.Batch, s.Seq, s.Seeds)},
		},
		Panels: []chart.Figure{panel("q", "k"), panel("q", "v"), panel("q", "o"), panel("o", "v")},
	}
}
