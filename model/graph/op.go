package graph

import "fmt"

// Kind names an op. The same word names its file on every device.
type Kind uint8

// The ops. The builder method of each documents operands and formula.
const (
	OpEmbed Kind = iota
	OpEmbedGrad
	OpMatMul
	OpColSum
	OpNorm
	OpNormGrad
	OpRope
	OpAttention
	OpAttentionGrad
	OpCacheWrite
	OpAttentionCached
	OpSwiGLU
	OpSwiGLUGrad
	OpActivation
	OpActivationGrad
	OpAdd
	OpLMLoss
	OpGradNorms
	OpAdamW
	OpClear
	OpProbe
	OpGate
	OpGateGrad
	OpCenter
	OpJoin
	OpSplit
	OpHeadMatMul
	OpRoute
	OpRouteGrad
	OpGather
	OpExpertMatMul
	OpCombine
	OpCombineGrad
	kindCount
)

var kindNames = [kindCount]string{
	"embed", "embed_grad", "matmul", "colsum", "norm", "norm_grad", "rope", "attention",
	"attention_grad", "cache_write", "attention_cached", "swiglu", "swiglu_grad", "activation",
	"activation_grad", "add", "lm_loss", "grad_norms", "adamw", "clear", "probe", "gate", "gate_grad",
	"center", "join", "split", "head_matmul", "route", "route_grad", "gather", "expert_matmul",
	"combine", "combine_grad",
}

func (k Kind) String() string { return kindNames[k] }

// Kinds lists every op kind, for tests that must cover them all.
func Kinds() []Kind {
	ks := make([]Kind, kindCount)
	for i := range ks {
		ks[i] = Kind(i)
	}
	return ks
}

// Op is one node of the step. Optional operands that are absent are nil. Attr is the attribute struct
// of the kind (MatMulAttr for OpMatMul and so on), nil where the kind has none.
type Op struct {
	Index int
	Kind  Kind
	Name  string // where in the model, e.g. "blocks.3.q"
	Layer int    // block number, -1 outside
	In    []*Tensor
	Out   []*Tensor
	Attr  any
}

func (o *Op) String() string { return fmt.Sprintf("%s %s", o.Kind, o.Name) }

// inPlace lists, for each kind, pairs {input, output} that may share memory when the input is not
// read later: every device reads an element of that input before it writes the same element of the
// output, and nothing else of it afterwards.
//
// Metal asks for more: the buffers of a kernel must not overlap (Metal Shading Language Specification,
// 5.2), and its compiler may take them for apart, so that a value read before a store could be read again
// behind it. A kernel in which a value outlives a store, or that adds within a loop of stores, reads such
// an input through the pointer that it writes: products, rotations and the gradient of SwiGLU do, by a
// function constant. The others bind the memory twice and use no value once they have written; package
// metal/gpu lists them and a test of it refuses more.
var inPlace = [kindCount][][2]int{
	OpMatMul:         {{3, 0}},
	OpNormGrad:       {{5, 0}},
	OpRope:           {{0, 0}},
	OpSwiGLU:         {{0, 0}, {1, 0}},
	OpSwiGLUGrad:     {{0, 0}, {1, 1}},
	OpActivation:     {{0, 0}},
	OpActivationGrad: {{0, 0}, {1, 0}},
	OpAdd:            {{0, 0}, {1, 0}},
	OpGate:           {{0, 0}},
	OpCenter:         {{0, 0}, {1, 0}},
	OpExpertMatMul:   {{3, 0}},
	OpCombine:        {{3, 0}},
}
