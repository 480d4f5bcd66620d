package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// canon is canon.json: the model of a case in this project's terms.
type canon struct {
	VariantName string            `json:"variant_name"` // for people; never read
	Model       canonModel        `json:"model"`
	Blocks      []canonBlock      `json:"blocks"`
	Tensors     map[string]source `json:"tensors"`
}

type canonModel struct {
	Width            int        `json:"width"`
	Vocab            int        `json:"vocab"`
	Layers           int        `json:"layers"`
	Heads            int        `json:"heads"`
	KVHeads          int        `json:"kv_heads"`
	HeadDim          int        `json:"head_dim"`
	FFNInner         int        `json:"ffn_inner"`
	Act              string     `json:"act"`
	Norm             string     `json:"norm"`
	NormGain         bool       `json:"norm_gain"`
	Eps              float64    `json:"eps"`
	Rope             *canonRope `json:"rope"`
	LearnedPositions bool       `json:"learned_positions"`
	EmbScale         float64    `json:"emb_scale"`
	EmbNorm          bool       `json:"emb_norm"`
	FinalNorm        bool       `json:"final_norm"`
	Recentre         bool       `json:"recentre"`
	Tied             bool       `json:"tied"`
	Dual             *canonDual `json:"dual"`
	MoE              *canonMoE  `json:"moe"`
	MLA              *canonMLA  `json:"mla"`
}

type canonDual struct {
	Scale float64 `json:"scale"`
	Alpha float64 `json:"alpha"`
	Eps   float64 `json:"eps"`
}

type canonMoE struct {
	Experts int     `json:"experts"`
	TopK    int     `json:"top_k"`
	Balance float64 `json:"lb_weight"`
	Z       float64 `json:"z_weight"`
}

type canonMLA struct {
	QLora  int `json:"q_lora_rank"`
	KVLora int `json:"kv_lora_rank"`
	Nope   int `json:"nope"`
	Rope   int `json:"rope"`
	V      int `json:"v"`
}

type canonRope struct {
	Theta   float64 `json:"theta"`
	Pairing string  `json:"pairing"`
}

type canonBlock struct {
	Sites   []string `json:"sites"`
	Alpha   float64  `json:"alpha"`
	InScale float64  `json:"in_scale"`
	Gate    *string  `json:"gate"`
}

// source says where a parameter lies in the safetensors file: a whole tensor, or the half-open row
// range of a fused one.
type source struct {
	From  string `json:"from"`
	Shape []int  `json:"shape"`
	Rows  []int  `json:"rows"`
}

// readJSON reads a file of a case. With strict, a key that this version does not know is an error, so
// that no property of a model is passed over in silence.
func readJSON(dir, name string, strict bool, v any) error {
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the case cannot be read: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%q is not what a golden case holds: %w", path, err)
	}
	return nil
}

// unsupported names what of the case this version cannot build, or is empty.
func (c *canon) unsupported() string {
	var what []string
	if _, ok := normKinds[c.Model.Norm]; !ok {
		what = append(what, "the norm "+c.Model.Norm)
	}
	if !slices.Contains([]string{model.SwiGLU, model.GELU, model.ReLU}, c.Model.Act) {
		what = append(what, "the activation "+c.Model.Act)
	}
	return strings.Join(what, ", ")
}

var normKinds = map[string]graph.NormKind{"rms": graph.RMS, "ln": graph.LN, "crms": graph.CRMS}

// spec builds the model for sequences of T tokens. Biases and a tied head show in the tensors.
func (c *canon) spec(T int) (*model.Spec, error) {
	m := &c.Model
	if m.Layers != len(c.Blocks) {
		return nil, fmt.Errorf("canon.json counts %d layers but lists %d blocks", m.Layers, len(c.Blocks))
	}
	s := &model.Spec{
		D: m.Width, H: m.Heads, KV: m.KVHeads, HeadDim: m.HeadDim, F: m.FFNInner, V: m.Vocab, T: T,
		NormGain: m.NormGain, Eps: m.Eps, Act: m.Act, LearnedPositions: m.LearnedPositions,
		Norm: normKinds[m.Norm], EmbScale: m.EmbScale, EmbNorm: m.EmbNorm, FinalNorm: m.FinalNorm, Tied: m.Tied,
		Bias: c.has("blocks.0.q.b"), HeadBias: c.has("head.b"), Recenter: m.Recentre, FinalEps: m.Eps,
		Init: model.InitNormal, InitStd: model.InitStdDefault(m.Width),
	}
	if d := m.Dual; d != nil {
		s.Dual, s.Sigma, s.AlphaOut, s.FinalEps = true, d.Scale, d.Alpha, d.Eps
	}
	if e := m.MoE; e != nil {
		s.MoE = &model.MoE{Experts: e.Experts, TopK: e.TopK, Balance: e.Balance, Z: e.Z}
	}
	if l := m.MLA; l != nil {
		s.MLA = &model.MLA{QLora: l.QLora, KVLora: l.KVLora, Nope: l.Nope, Rope: l.Rope, V: l.V}
		s.HeadDim = l.Nope + l.Rope // not read under MLA, but it must be there
	}
	if m.Rope != nil {
		s.Rope, s.Theta = true, m.Rope.Theta
		switch m.Rope.Pairing {
		case "halves":
		case "interleaved":
			s.Pairing = graph.Interleaved
		default:
			return nil, fmt.Errorf("canon.json names the rope pairing %q; known are halves and interleaved",
				m.Rope.Pairing)
		}
	}
	if pos, ok := c.Tensors["pos"]; ok && len(pos.Shape) == 2 {
		s.T = pos.Shape[0]
	}
	for _, b := range c.Blocks {
		sites, err := model.ParseSites(b.Sites)
		if err != nil {
			return nil, err
		}
		gate := model.GateNone
		if b.Gate != nil && *b.Gate != "none" {
			gate = model.GateKind(*b.Gate)
		}
		s.Blocks = append(s.Blocks, model.Block{Sites: sites, Alpha: b.Alpha, InScale: b.InScale, Gate: gate})
	}
	return s, s.Validate()
}

func (c *canon) has(name string) bool {
	_, ok := c.Tensors[name]
	return ok
}

// match checks that the model's parameters and the tensors of the case are the same set with the same
// shapes. A tied head is listed under a second name for the same source tensor.
func (c *canon) match(sc *graph.Schema) error {
	for i := range sc.Params {
		p := &sc.Params[i]
		t, ok := c.Tensors[p.Name]
		if !ok {
			return fmt.Errorf("the model has a parameter %q that canon.json does not list", p.Name)
		}
		if fmt.Sprint(t.Shape) != fmt.Sprint(p.Shape) {
			return fmt.Errorf("parameter %q has the shape %v in the model and %v in canon.json",
				p.Name, p.Shape, t.Shape)
		}
	}
	for name, t := range c.Tensors {
		tiedHead := name == "head.w" && c.Model.Tied && t.From == c.Tensors["emb"].From
		if sc.Param(name) < 0 && !tiedHead {
			return fmt.Errorf("canon.json lists %q but the model built from it has no such parameter", name)
		}
	}
	return nil
}
