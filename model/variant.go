package model

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Rule says what a range of blocks carries. Of several rules that cover a block the last one wins
// whole.
type Rule struct {
	From, To Bound // half-open
	Sites    Sites
	Alpha    Factor // on the residual; zero value: 1
	InScale  Factor // on the output of attn_in and ffn_in; zero value: 1
	Gate     GateKind
	// GainInit is the starting gain of a site where it is not 1.
	GainInit map[Site]Factor
}

// GateKind says where a block applies its GPAS gate (2506.22049).
type GateKind string

// The places of a gate: nowhere, on the sum of residual and branch, on the residual alone.
const (
	GateNone     GateKind = ""
	GateStream   GateKind = "stream"
	GateResidual GateKind = "residual"
)

// Bound is a block number that may depend on the number of blocks.
type Bound struct {
	Num, Den int // Num*L/Den blocks, rounded down, when Den is not 0
	Abs      int // this block otherwise
}

var (
	first = Bound{}
	depth = Bound{Num: 1, Den: 1}
)

// Of gives the block number for L blocks.
func (b Bound) Of(L int) int {
	if b.Den != 0 {
		return min(b.Num*L/b.Den, L)
	}
	return min(b.Abs, L)
}

// Factor is a number that may depend on depth. The zero value means 1.
type Factor struct {
	Name string // "deepnorm", "rsqrt_depth", "rsqrt_2L", or "" for Value
	Num  float64
}

// Named factors.
var (
	DeepNormAlpha = Factor{Name: "deepnorm"}    // (2L)^1/4
	RsqrtDepth    = Factor{Name: "rsqrt_depth"} // 1/sqrt(l), l = block number + 1
	Rsqrt2L       = Factor{Name: "rsqrt_2L"}    // 1/sqrt(2L)
)

// Of gives the factor for block i of L.
func (f Factor) Of(i, L int) float64 {
	switch f.Name {
	case "deepnorm":
		return math.Pow(2*float64(L), 0.25)
	case "rsqrt_depth":
		return 1 / math.Sqrt(float64(i+1))
	case "rsqrt_2L":
		return 1 / math.Sqrt(2*float64(L))
	}
	if f.Num == 0 {
		return 1
	}
	return f.Num
}

// Variant is one row of the table: where the norms go and how training starts.
type Variant struct {
	ID     string // stable, in files and flags
	Title  string
	Family string // heading in the picker
	// Sentence tells a person what it is and what to expect; Equation is one block in the
	// notation of the papers; Weakness says where it tends to fail.
	Sentence, Equation, Weakness string
	Paper                        string
	Rules                        []Rule
	EmbNorm, FinalNorm           bool
	Init                         string // default initialization
	// Defaults the source of the variant uses where a config says "auto".
	Norm string // "rms" or "ln"; empty: rms
	Act  string // "swiglu", "gelu" or "relu"; empty: swiglu
	Bias bool   // biases in linear layers
	// QKFull norms q and k over the whole projection instead of per head.
	QKFull bool
	// Dual is ResiDual's second stream; Recenter keeps the stream free of a mean.
	Dual, Recenter bool
	EmbSqrtD       bool    // embedding times sqrt(d)
	FinalEps       float64 // of the final norm; 0: as the others
}

// Block is one resolved block of a model.
type Block struct {
	Sites    Sites
	Alpha    float64
	InScale  float64
	Gate     GateKind
	GainInit map[Site]float64
}

// MaxLayers is how many blocks a model can have. DeepNet, the deepest that was published, has 1,000.
const MaxLayers = 1024

// Blocks resolves the rules for L blocks, of which it gives no more than MaxLayers: what describes a
// config can ask for any number, and Config.Bounds says what is wrong with it.
func (v *Variant) Blocks(L int) []Block {
	blocks := make([]Block, max(0, min(L, MaxLayers)))
	for i := range blocks {
		blocks[i] = Block{Alpha: 1, InScale: 1}
		for _, r := range v.Rules {
			if i < r.From.Of(L) || i >= r.To.Of(L) {
				continue
			}
			blocks[i] = Block{Sites: r.Sites, Alpha: r.Alpha.Of(i, L), InScale: r.InScale.Of(i, L), Gate: r.Gate}
			for s, f := range r.GainInit {
				if blocks[i].GainInit == nil {
					blocks[i].GainInit = map[Site]float64{}
				}
				blocks[i].GainInit[s] = f.Of(i, L)
			}
		}
	}
	return blocks
}

// Warnings names what is legal but likely not meant.
func (v *Variant) Warnings(L int) []string {
	var w []string
	for i, b := range v.Blocks(L) {
		if !b.Sites.Any(S1, S2, S3, AttnIn, AttnOut) {
			w = append(w, fmt.Sprintf("block %d has no norm on the stream or around the attention; "+
				"activations may grow without bound", i))
			break
		}
	}
	return w
}

// Find returns the variant with the given id.
func Find(id string) (*Variant, error) {
	for i := range Variants {
		if Variants[i].ID == id {
			return &Variants[i], nil
		}
	}
	ids := make([]string, 0, len(Variants))
	for i := range Variants {
		ids = append(ids, Variants[i].ID)
	}
	return nil, fmt.Errorf("there is no variant %q; did you mean %q? `evenkeel variants` lists all of them",
		id, Nearest(id, ids))
}

// Nearest returns the candidate with the smallest edit distance to s.
func Nearest(s string, candidates []string) string {
	best, at := math.MaxInt, ""
	sorted := append([]string(nil), candidates...)
	sort.Strings(sorted)
	for _, c := range sorted {
		if d := editDistance(strings.ToLower(s), strings.ToLower(c)); d < best {
			best, at = d, c
		}
	}
	return at
}

// editDistance counts insertions, deletions and replacements (Levenshtein).
func editDistance(a, b string) int {
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := prev[0]
		prev[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost++
			}
			diag = prev[j]
			prev[j] = min(cost, prev[j]+1, prev[j-1]+1)
		}
	}
	return prev[len(b)]
}
