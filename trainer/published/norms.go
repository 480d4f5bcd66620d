package published

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/model"
)

// switches are those of one block in the published code. A residual after the norm makes the norm act on
// the stream (s1, s2), one before it makes it act on the branch's input.
type switches struct {
	attnNorm, attnAfter, ffnNorm, ffnAfter bool
}

func (s switches) sites() (list []model.Site) {
	add := func(on, after bool, stream, branch model.Site) {
		if on && after {
			list = append(list, stream)
		} else if on {
			list = append(list, branch)
		}
	}
	add(s.attnNorm, s.attnAfter, model.S1, model.AttnIn)
	add(s.ffnNorm, s.ffnAfter, model.S2, model.FFNIn)
	return list
}

// norms reads the switches of the paper and finds the row they make.
func (f *file) norms() error {
	s := switches{attnNorm: true, ffnNorm: true}
	var q, k, v, c, whole, after, embedding bool
	var special string
	for key, to := range map[string]any{
		"attn_norm": &s.attnNorm, "attn_residual_after_norm": &s.attnAfter, "ffn_norm": &s.ffnNorm,
		"ffn_residual_after_norm": &s.ffnAfter, "use_query_norm": &q, "use_key_norm": &k, "use_value_norm": &v,
		"use_context_norm": &c, "attention_layer_norm": &whole, "norm_after": &after,
		"embedding_layer_norm": &embedding, "norm_pos_special_config": &special,
	} {
		if err := f.read("model."+key, to); err != nil {
			return err
		}
	}
	m := &f.c.Model
	var heads []model.Site
	for _, h := range []struct {
		on   bool
		site model.Site
	}{{q, model.Q}, {k, model.K}, {v, model.V}, {c, model.C}} {
		if h.on {
			heads = append(heads, h.site)
		}
	}
	if whole && len(heads) > 0 {
		f.note("model.attention_layer_norm is true together with norms per head: the published code stops at an " +
			"assertion there, so the key must be false in the published run; it was read as false")
	} else if whole {
		heads, m.QKAxis = []model.Site{model.Q, model.K}, "full"
	}
	blocks := make([]switches, m.Layers)
	for i := range blocks {
		blocks[i] = s
	}
	if err := exceptions(special, blocks); err != nil {
		return fmt.Errorf("model.norm_pos_special_config: %w", err)
	}
	rows := make([]model.Sites, m.Layers)
	for i, b := range blocks {
		rows[i] = model.SitesOf(append(b.sites(), heads...)...)
	}
	if after {
		if m.Experts == 0 && f.leaves["model.block_type"] != nil && f.leaves["model.block_type"].node.Value == "moe" {
			return fmt.Errorf("model.norm_after is not built for experts in the published code")
		}
		f.note("model.norm_after is true: the published dense model never reads it, its MoE model norms branch outputs by " +
			"it; it was left out, so choose the variant output_norm if that is what you mean")
	}
	m.EmbNorm = map[bool]string{true: "on", false: "off"}[embedding]
	m.FinalNorm = "on"
	f.chooseRow(rows)
	for _, key := range []string{
		"use_query_norm", "use_key_norm", "use_value_norm", "use_context_norm", "attn_norm", "ffn_norm",
		"attn_residual_after_norm", "ffn_residual_after_norm", "norm_pos_special_config", "embedding_layer_norm",
	} {
		f.took("model."+key, "variant", m.Variant)
	}
	return nil
}

// chooseRow names the variant with these sites, or makes a row of its own.
func (f *file) chooseRow(rows []model.Sites) {
	m, L := &f.c.Model, len(rows)
	for i := range model.Variants {
		v := &model.Variants[i]
		if v.Dual || v.Recenter || v.QKFull || v.Norm == "crms" || v.EmbNorm != (m.EmbNorm == "on") || !v.FinalNorm {
			continue
		}
		same := slices.EqualFunc(v.Blocks(L), rows, func(b model.Block, sites model.Sites) bool {
			return b.Sites == sites && b.Alpha == 1 && b.InScale == 1 && b.Gate == model.GateNone && len(b.GainInit) == 0
		})
		if same {
			m.Variant, m.Custom = v.ID, nil
			return
		}
	}
	own := &model.Custom{ID: "published", Title: "As in the published file", Init: m.Init, Norm: m.Norm}
	for i := 0; i < L; {
		end := i + 1
		for end < L && rows[end] == rows[i] {
			end++
		}
		own.Rows = append(own.Rows, model.CustomRow{Blocks: fmt.Sprintf("%d:%d", i, end), Sites: rows[i].Names()})
		i = end
	}
	m.Variant, m.Custom = own.ID, own
}

// exceptions reads the map of blocks to switches, which the published trainer writes as Python:
//
//	_{0:{'attn_norm':True,'ffn_residual':False}, (1,2):{...}}_
//
// It is read as a literal and never run.
func exceptions(text string, blocks []switches) error {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "_"), "_")
	p := &literal{text: text}
	list, err := p.table()
	if err != nil {
		return err
	}
	for _, e := range list {
		for _, i := range e.blocks {
			if i < 0 || i >= len(blocks) {
				return fmt.Errorf("block %d does not exist; there are %d", i, len(blocks))
			}
			b := &blocks[i]
			for key, on := range e.values {
				switch key {
				case "attn_norm":
					b.attnNorm = on
				case "attn_residual":
					b.attnAfter = on
				case "ffn_norm":
					b.ffnNorm = on
				case "ffn_residual":
					b.ffnAfter = on
				default:
					return fmt.Errorf("the switch %q is not known; attn_norm, attn_residual, ffn_norm and ffn_residual are", key)
				}
			}
		}
	}
	return nil
}
