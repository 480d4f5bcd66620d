package model

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Custom is a row of the user's own in a YAML file, the text form of a Variant:
//
//	custom:
//	  id: mine
//	  title: My norm
//	  init: megatron
//	  rows:
//	    - {blocks: "0:L", sites: [q, k, v, s2]}
//	    - {blocks: "0:L/4", sites: [attn_in, ffn_in], in_scale: rsqrt_depth}
//
// Later rows win. Bounds are a number, L, L/n or n*L/m; factors a number or one of deepnorm,
// rsqrt_depth, rsqrt_2L. A row can say all that a row of the table can: what init, norm, act, emb_norm,
// final_norm, bias and recenter say here is what the config's keys of these names mean by auto.
type Custom struct {
	ID        string      `yaml:"id"`
	Title     string      `yaml:"title"`
	Sentence  string      `yaml:"sentence,omitempty"`
	Init      string      `yaml:"init,omitempty"`       // default normal
	Norm      string      `yaml:"norm,omitempty"`       // rms, ln or crms; default rms
	Act       string      `yaml:"act,omitempty"`        // swiglu, gelu or relu; default swiglu
	EmbNorm   bool        `yaml:"emb_norm,omitempty"`   // a norm on the embedding
	FinalNorm *bool       `yaml:"final_norm,omitempty"` // before the head; default true
	FinalEps  float64     `yaml:"final_eps,omitempty"`  // its eps; default as the others
	Bias      bool        `yaml:"bias,omitempty"`       // in the linear layers
	QKFull    bool        `yaml:"qk_full,omitempty"`    // q and k normed over all heads at once
	Dual      bool        `yaml:"dual,omitempty"`       // ResiDual's second stream
	Recenter  bool        `yaml:"recenter,omitempty"`   // keep the stream free of a mean
	EmbSqrtD  bool        `yaml:"emb_sqrt_d,omitempty"` // embedding times sqrt(d)
	Rows      []CustomRow `yaml:"rows"`
}

// CustomRow is one range of blocks.
type CustomRow struct {
	Blocks   string                `yaml:"blocks"`
	Sites    []string              `yaml:"sites,flow"`
	Alpha    FactorText            `yaml:"alpha,omitempty"`
	InScale  FactorText            `yaml:"in_scale,omitempty"`
	Gate     string                `yaml:"gate,omitempty"` // stream, residual, none
	GainInit map[string]FactorText `yaml:"gain_init,omitempty"`
}

// FactorText is a factor as text: a number or a name.
type FactorText string

// UnmarshalYAML accepts a bare number as well as a name.
func (f *FactorText) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a factor is one number or name, not a list or a mapping; "+
			"write for example 2 or deepnorm", n.Line)
	}
	*f = FactorText(n.Value)
	return nil
}

// Variant checks the row and gives it as a Variant.
func (c *Custom) Variant() (*Variant, error) {
	if c.ID == "" {
		return nil, fmt.Errorf("a custom row needs an id")
	}
	if len(c.Rows) == 0 {
		return nil, fmt.Errorf("custom row %q has no rows; give at least blocks and sites", c.ID)
	}
	v := &Variant{
		ID: c.ID, Title: or(c.Title, c.ID), Family: "Your own", Paper: "your own row",
		Sentence: or(c.Sentence, "A row of your own."), Init: or(c.Init, InitNormal), Norm: c.Norm, Act: c.Act,
		EmbNorm: c.EmbNorm, FinalNorm: c.FinalNorm == nil || *c.FinalNorm, FinalEps: c.FinalEps,
		Bias: c.Bias, QKFull: c.QKFull, Dual: c.Dual, Recenter: c.Recenter, EmbSqrtD: c.EmbSqrtD,
	}
	if !(c.FinalEps >= 0) || !finite(c.FinalEps) {
		return nil, fmt.Errorf("custom row %q has final_eps %g; it must be a number above 0, or left out", c.ID, c.FinalEps)
	}
	for i, r := range c.Rows {
		rule, err := r.rule()
		if err != nil {
			return nil, fmt.Errorf("custom row %q, rows entry %d: %w", c.ID, i+1, err)
		}
		v.Rules = append(v.Rules, rule)
	}
	return v, nil
}

// Check refuses what a row of an earlier version may hold without effect, but a new one should not: a start
// of the gains of a norm that is off.
func (c *Custom) Check() error {
	v, err := c.Variant()
	if err != nil {
		return err
	}
	for i, r := range c.Rows {
		for name := range r.GainInit {
			if site, err := ParseSites([]string{name}); err == nil && v.Rules[i].Sites&site == 0 {
				return fmt.Errorf("custom row %q, rows entry %d: gain_init names %s, where there is no norm; "+
					"add %s to sites, or take it out of gain_init", c.ID, i+1, name, name)
			}
		}
	}
	return nil
}

// Custom writes the row as one of the user's own under another id and title. A model of either is the
// same, bit for bit.
func (v *Variant) Custom(id, title string) *Custom {
	final := v.FinalNorm
	c := &Custom{ID: id, Title: title, Sentence: "A row of your own, made from " + v.Title + ".",
		Init: v.Init, Norm: v.Norm, Act: v.Act, EmbNorm: v.EmbNorm, FinalNorm: &final, FinalEps: v.FinalEps,
		Bias: v.Bias, QKFull: v.QKFull, Dual: v.Dual, Recenter: v.Recenter, EmbSqrtD: v.EmbSqrtD}
	for _, r := range v.Rules {
		row := CustomRow{Blocks: r.From.text() + ":" + r.To.text(), Sites: r.Sites.Names(),
			Alpha: r.Alpha.text(), InScale: r.InScale.text(), Gate: string(r.Gate)}
		for s, f := range r.GainInit {
			if row.GainInit == nil {
				row.GainInit = map[string]FactorText{}
			}
			row.GainInit[s.String()] = f.text()
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// text is what parseBound reads.
func (b Bound) text() string {
	switch {
	case b.Den == 0:
		return strconv.Itoa(b.Abs)
	case b.Num == 1 && b.Den == 1:
		return "L"
	case b.Num == 1:
		return fmt.Sprintf("L/%d", b.Den)
	}
	return fmt.Sprintf("%d*L/%d", b.Num, b.Den)
}

// text is what parseFactor reads.
func (f Factor) text() FactorText {
	if f.Name != "" || f.Num == 0 {
		return FactorText(f.Name)
	}
	return FactorText(strconv.FormatFloat(f.Num, 'g', -1, 64))
}

func (r *CustomRow) rule() (rule Rule, err error) {
	from, to, ok := strings.Cut(or(r.Blocks, "0:L"), ":")
	if !ok {
		return rule, fmt.Errorf("blocks %q is not a range; write for example \"0:L\" or \"0:L/4\"", r.Blocks)
	}
	if rule.From, err = parseBound(from); err != nil {
		return rule, err
	}
	if rule.To, err = parseBound(to); err != nil {
		return rule, err
	}
	if rule.Sites, err = ParseSites(r.Sites); err != nil {
		return rule, err
	}
	if rule.Alpha, err = parseFactor(r.Alpha); err != nil {
		return rule, err
	}
	if rule.InScale, err = parseFactor(r.InScale); err != nil {
		return rule, err
	}
	switch g := GateKind(r.Gate); g {
	case GateNone, GateStream, GateResidual:
		rule.Gate = g
	case "none":
	default:
		return rule, fmt.Errorf("gate %q is not known; choose stream, residual or none", r.Gate)
	}
	for name, text := range r.GainInit {
		sites, err := ParseSites([]string{name})
		if err != nil {
			return rule, err
		}
		if rule.Sites&sites == 0 {
			continue // Check refuses it in a row that is new
		}
		f, err := parseFactor(text)
		if err != nil {
			return rule, err
		}
		if rule.GainInit == nil {
			rule.GainInit = map[Site]Factor{}
		}
		rule.GainInit[sites.List()[0]] = f
	}
	return rule, nil
}

// parseBound reads "3", "L", "L/4" or "3*L/4".
func parseBound(text string) (Bound, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return Bound{Abs: n}, nil
	}
	b := Bound{Num: 1, Den: 1}
	num, rest, ok := strings.Cut(text, "L")
	if ok && num != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(num, "*"))
		ok, b.Num = err == nil && n > 0, n
	}
	if ok && rest != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(rest, "/"))
		ok, b.Den = err == nil && n > 0 && rest[0] == '/', n
	}
	if !ok {
		return Bound{}, fmt.Errorf("%q is not a block number; write a number, L, L/4 or 3*L/4", text)
	}
	return b, nil
}

func parseFactor(text FactorText) (Factor, error) {
	switch text {
	case "":
		return Factor{}, nil
	case "deepnorm", "rsqrt_depth", "rsqrt_2L":
		return Factor{Name: string(text)}, nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || v == 0 || !finite(v) {
		return Factor{}, fmt.Errorf("%q is not a factor; write a finite number other than 0, deepnorm, rsqrt_depth or rsqrt_2L", text)
	}
	return Factor{Num: v}, nil
}
