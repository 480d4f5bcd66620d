package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

// diagramWidth is the width in units of the diagrams in the pages: two blocks side by side.
const diagramWidth = 300

// variantPages writes a page and a diagram for each row of the table, and an index.
func variantPages(dir string, cfg trainer.Config) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the pages cannot be written: %w", err)
	}
	var index strings.Builder
	index.WriteString("# Norm variants\n\nWritten by `evenkeel variants --pages docs/variants` from the table in `model/variants.go`. " +
		"Parameters are those that the norms of the blocks add at the size of preset `" + cfg.Preset + "`.\n")
	family := ""
	for i := range model.Variants {
		v := &model.Variants[i]
		cfg.Model.Variant = v.ID
		s, err := cfg.ExpectedSpec()
		if err != nil {
			return err
		}
		n, err := cfg.Estimate()
		if err != nil {
			return err
		}
		if v.Family != family {
			family = v.Family
			fmt.Fprintf(&index, "\n## %s\n\n| variant | id | parameters | init | source |\n| --- | --- | ---: | --- | --- |\n", family)
		}
		fmt.Fprintf(&index, "| [%s](%s.md) | `%s` | %s | %s | %s |\n", escape(v.Title), v.ID, v.ID,
			chart.FormatCount(float64(n.BlockNorms)), s.Init, v.Paper)
		if err := writeText(filepath.Join(dir, v.ID+".svg"), diagram.SVG(s, diagramWidth)); err != nil {
			return err
		}
		if err := writeText(filepath.Join(dir, v.ID+".md"), variantPage(v, s, &n, cfg.Preset)); err != nil {
			return err
		}
	}
	return writeText(filepath.Join(dir, "README.md"), index.String())
}

func writeText(path, text string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// escape keeps the asterisk of HybridNorm* from being read as markup.
func escape(s string) string { return strings.ReplaceAll(s, "*", `\*`) }

// variantPage is the page of one row.
func variantPage(v *model.Variant, s *model.Spec, n *model.Counts, preset string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n`--variant %s` · %s\n\n", escape(v.Title), escape(v.Sentence), v.ID, v.Paper)
	fmt.Fprintf(&b, "![The blocks of %s](%s.svg)\n\n## One block\n\n```\n", escape(v.Title), v.ID)
	for _, part := range strings.Split(v.Equation, ";  ") {
		fmt.Fprintln(&b, part)
	}
	fmt.Fprintf(&b, "```\n\n| blocks | norms at | residual factor | input factor | gate | gains that do not start at 1 |\n"+
		"| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range v.Rules {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", span(r), r.Sites, factor(r.Alpha), factor(r.InScale),
			orWord(string(r.Gate), "none"), gains(r))
	}
	if len(v.Rules) > 1 {
		b.WriteString("\nOf several rows that cover a block, the last one holds.\n")
	}
	onOff := map[bool]string{true: "yes", false: "no"}
	fmt.Fprintf(&b, "\n## The rest of the model\n\n| | |\n| --- | --- |\n| norm | %s |\n| norm on the embedding | %s |\n"+
		"| final norm | %s |\n", s.Norm, onOff[s.EmbNorm], onOff[s.FinalNorm])
	if v.Dual {
		b.WriteString("| second stream | the sum of all branches, normed once at the end |\n")
	}
	if v.Recenter {
		b.WriteString("| mean | taken from embedding and branches |\n")
	}
	fmt.Fprintf(&b, "| FFN | %s |\n| biases | %s |\n| init | %s |\n| parameters the norms of its blocks add | %s at preset `%s`, of %s |\n",
		s.Act, onOff[s.Bias], s.Init, chart.FormatCount(float64(n.BlockNorms)), preset, chart.FormatCount(float64(n.Params)))
	fmt.Fprintf(&b, "\n## Where it tends to fail\n\n%s\n", v.Weakness)
	for _, w := range v.Warnings(len(s.Blocks)) {
		fmt.Fprintf(&b, "\n%s.\n", strings.ToUpper(w[:1])+w[1:])
	}
	return b.String()
}

// span writes a rule's range of blocks.
func span(r model.Rule) string {
	bound := func(b model.Bound) string {
		switch {
		case b.Den == 0:
			return fmt.Sprint(b.Abs)
		case b.Num == b.Den:
			return "L"
		case b.Num == 1:
			return fmt.Sprintf("L/%d", b.Den)
		}
		return fmt.Sprintf("%d L/%d", b.Num, b.Den)
	}
	from, to := bound(r.From), bound(r.To)
	if from == "0" && to == "L" {
		return "all"
	}
	return from + " to before " + to
}

// factor writes a factor as the formula it stands for.
func factor(f model.Factor) string {
	switch f.Name {
	case "deepnorm":
		return "(2L)^1/4"
	case "rsqrt_depth":
		return "1/sqrt(l), l from 1"
	case "rsqrt_2L":
		return "1/sqrt(2L)"
	}
	return fmt.Sprintf("%g", f.Of(0, 1))
}

func gains(r model.Rule) string {
	var list []string
	for _, s := range r.Sites.List() {
		if f, ok := r.GainInit[s]; ok {
			list = append(list, s.String()+" "+factor(f))
		}
	}
	return orWord(strings.Join(list, ", "), "none")
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
