package cli

import (
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

var variantsCommand = &command{
	name: "variants", args: "[ID]", summary: "list the norm variants, or explain one",
	more: `Parameters, FLOPs and bytes are computed at a preset's size; bytes are parameters, gradients, moments and
the activations of one sequence.

  evenkeel variants
  evenkeel variants hybrid_star --preset deep
  evenkeel variants --pages docs/variants`,
	run: runVariants,
}

func runVariants(e *env, args []string) error {
	f := e.flags()
	preset := f.text("preset", "tiny", "ID|compute at the size of this preset")
	pages := f.text("pages", "", "DIR|write a page with a diagram for each variant into this folder")
	pos, err := e.parse(f, args, 0, 1)
	if err != nil {
		return err
	}
	p, err := model.FindPreset(*preset)
	if err != nil {
		return usagef("%v", err)
	}
	cfg := trainer.DefaultConfig()
	cfg.ApplyPreset(p)
	cfg.Micro = cfg.Batch // activations of one sequence
	if len(pos) == 1 && *pages != "" {
		return usagef("--pages writes the pages of all variants; leave out %q or --pages", pos[0])
	}
	if len(pos) == 1 {
		return e.explainVariant(cfg, pos[0])
	}
	if *pages != "" {
		return variantPages(*pages, cfg)
	}
	t := table{{"id", "variant", "init", "parameters", "in norms", "FLOPs/token", "bytes"}}
	for i := range model.Variants {
		v := &model.Variants[i]
		cfg.Model.Variant = v.ID
		n, err := cfg.Estimate()
		if err != nil {
			return fmt.Errorf("variant %s: %w", v.ID, err)
		}
		t = append(t, []string{
			v.ID, v.Title, v.Init, chart.FormatCount(float64(n.Params)), chart.FormatCount(float64(n.BlockNorms)),
			short(n.FLOPs), short(float64(n.Bytes())),
		})
	}
	t.write(e.out)
	fmt.Fprintf(e.out, "\nAt the size of preset %s. evenkeel variants ID explains one.\n", p.ID)
	return nil
}

func (e *env) explainVariant(cfg trainer.Config, id string) error {
	v, err := model.Find(id)
	if err != nil {
		return usagef("%v", err)
	}
	cfg.Model.Variant = id
	s, err := cfg.ExpectedSpec()
	if err != nil {
		return err
	}
	n, err := cfg.Estimate()
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s (%s)\n\n%s\n\n", v.Title, v.ID, v.Sentence)
	onOff := map[bool]string{true: "on", false: "off"}
	rows := [][2]string{
		{"family", v.Family},
		{"paper", v.Paper},
		{"block", v.Equation},
		{"tends to", v.Weakness},
		{"init", s.Init},
		{"norm", s.Norm.String()},
		{"embedding norm", onOff[s.EmbNorm]},
		{"final norm", onOff[s.FinalNorm]},
		{"parameters", fmt.Sprintf("%s at preset %s, of them %s in norms of the blocks",
			chart.FormatCount(float64(n.Params)), cfg.Preset, chart.FormatCount(float64(n.BlockNorms)))},
		{"FLOPs/token", unit(n.FLOPs)},
		{"bytes", unit(float64(n.Bytes()))},
	}
	for _, r := range rows {
		fmt.Fprintf(e.out, "%-15s %s\n", r[0], strings.TrimSpace(r[1]))
	}
	fmt.Fprintf(e.out, "\nNorm sites of %d blocks:\n", len(s.Blocks))
	t := table{{"block", "sites", "residual factor", "input factor", "gain starts at"}}
	for i, b := range s.Blocks {
		gains := "1"
		for _, site := range b.Sites.List() {
			if g, ok := b.GainInit[site]; ok {
				gains = fmt.Sprintf("%s %.4g, others 1", site, g)
			}
		}
		t = append(t, []string{
			fmt.Sprint(i), b.Sites.String(), fmt.Sprintf("%.4g", b.Alpha), fmt.Sprintf("%.4g", b.InScale), gains,
		})
	}
	t.write(e.out)
	for _, w := range v.Warnings(len(s.Blocks)) {
		fmt.Fprintf(e.out, "\nWarning: %s\n", w)
	}
	return nil
}

var presetsCommand = &command{
	name: "presets", summary: "list the model sizes",
	more: `State is parameters, gradients and moments; activations are those of one sequence, and grow with the
micro-batch.`,
	run: func(e *env, args []string) error {
		f := e.flags()
		variant := f.text("variant", model.DefaultConfig().Variant, "ID|count for this variant")
		if _, err := e.parse(f, args, 0, 0); err != nil {
			return err
		}
		if _, err := model.Find(*variant); err != nil {
			return usagef("%v", err)
		}
		t := table{{
			"id", "layers", "d", "heads/kv", "FFN", "experts", "seq", "parameters", "active", "FLOPs/token", "state", "activations",
			"batch", "steps", "lr",
		}}
		for i := range model.Presets {
			p := &model.Presets[i]
			cfg := trainer.DefaultConfig()
			cfg.ApplyPreset(p)
			cfg.Model.Variant, cfg.Micro = *variant, cfg.Batch
			s, err := cfg.ExpectedSpec()
			if err != nil {
				return fmt.Errorf("preset %s: %w", p.ID, err)
			}
			n, err := cfg.Estimate()
			if err != nil {
				return fmt.Errorf("preset %s: %w", p.ID, err)
			}
			experts := "-"
			if s.MoE != nil {
				experts = fmt.Sprintf("%d of %d", s.MoE.TopK, s.MoE.Experts)
			}
			t = append(t, []string{
				p.ID, fmt.Sprint(len(s.Blocks)), fmt.Sprint(s.D), fmt.Sprintf("%d/%d", s.H, s.KV), fmt.Sprint(s.F),
				experts, fmt.Sprint(s.T), chart.FormatCount(float64(n.Params)), chart.FormatCount(float64(n.Active)), short(n.FLOPs), short(float64(n.StateBytes)) + "B",
				short(float64(n.ArenaBytes)) + "B", fmt.Sprint(p.Batch), chart.FormatCount(float64(p.Steps)), fmt.Sprint(p.LR),
			})
		}
		t.write(e.out)
		fmt.Fprintln(e.out)
		for i := range model.Presets {
			p := &model.Presets[i]
			fmt.Fprintf(e.out, "%-16s %s: %s\n", p.ID, p.Title, p.Sentence)
		}
		return nil
	},
}
