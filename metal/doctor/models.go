package doctor

import (
	"fmt"
	"math"
	"slices"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
)

// size is the shape of a model: sequences, tokens of each, width, heads and those that share keys, inner
// width, vocabulary.
type size struct{ B, T, D, H, K, F, V int }

func (z size) rows() int { return z.B * z.T }
func (z size) head() int { return z.D / z.H }

// part is something that models are made of, as a graph that uses it forward and backward.
type part struct {
	name  string
	needs string // what cannot be had without it
	ops   []graph.Kind
	write func(z size, s *graph.Schema) func(*graph.Builder)
}

// training is what every model needs.
const training = "any training"

var parts = append([]part{
	{"linear", training, []graph.Kind{graph.OpMatMul}, linear(false)},
	{"embedding", training, []graph.Kind{graph.OpEmbed, graph.OpEmbedGrad}, embedding(false)},
	{"residual", training, []graph.Kind{graph.OpAdd}, residual},
	{"loss", training, []graph.Kind{graph.OpLMLoss}, lmLoss(true)},
	{"optimizer", training, []graph.Kind{graph.OpGradNorms, graph.OpAdamW, graph.OpClear}, optimizer},
	{"RMSNorm", "models with RMSNorm", normKinds, norm(graph.RMS, false)},
	{"LayerNorm", "models with LayerNorm", normKinds, norm(graph.LN, false)},
	{"head norm", "variants with norms of query, key or value heads", normKinds, norm(graph.RMS, true)},
	{"head norm, rotary", "variants with norms of query or key heads, with rotary positions",
		append([]graph.Kind{graph.OpRope}, normKinds...), normRotary},
	{"wide norm", "widths over 4096", normKinds, wide},
	{"rotary", "rotary positions", []graph.Kind{graph.OpRope}, rotary},
	{"positions", "learned positions", []graph.Kind{graph.OpEmbed, graph.OpEmbedGrad}, embedding(true)},
	{"SwiGLU", "models with SwiGLU", []graph.Kind{graph.OpSwiGLU, graph.OpSwiGLUGrad}, gated},
	{"GELU", "models with GELU", []graph.Kind{graph.OpActivation, graph.OpActivationGrad}, gelu},
	{"bias", "layers with a bias", []graph.Kind{graph.OpMatMul, graph.OpColSum}, linear(true)},
	{"attention", "head sizes up to 32", attentionKinds, attention(32, false)},
	{"attention 64", "head sizes from 33 to 64", attentionKinds, attention(64, false)},
	{"attention 128", "head sizes from 65 to 128", attentionKinds, attention(128, false)},
	{"attention 160", "head sizes over 128", attentionKinds, attention(160, false)},
	{"logit maxima", "watching the largest attention logits", []graph.Kind{graph.OpAttention, graph.OpProbe},
		attention(64, true)},
	{"evaluation", "validation losses", []graph.Kind{graph.OpLMLoss}, lmLoss(false)},
	{"sampling", "writing text", []graph.Kind{graph.OpCacheWrite, graph.OpAttentionCached}, cached},
}, systemParts...)

var (
	normKinds      = []graph.Kind{graph.OpNorm, graph.OpNormGrad}
	attentionKinds = []graph.Kind{graph.OpAttention, graph.OpAttentionGrad}
)

// build makes the graph of a part at a size.
func (p *part) build(z size) (*graph.Graph, error) {
	s := &graph.Schema{}
	write := p.write(z, s)
	return graph.Build(p.name, s, write)
}

// Lost is something that cannot be trained or done on the device.
type Lost struct {
	What    string
	Kernels []string
}

// lose finds what needs a kernel that cannot be trusted.
func (e *examiner) lose() {
	if e.gpu == nil {
		e.loseOps()
		return
	}
	if len(e.r.Faults) == 0 {
		return
	}
	for i := range parts {
		for _, z := range []size{emulate, narrow, usual} { // small models and large launch other kernels
			e.losePart(&parts[i], z)
		}
	}
}

func (e *examiner) losePart(p *part, z size) {
	g, err := p.build(z)
	if err != nil {
		return // TestParts builds them all
	}
	plan, err := gpu.Lower(g, e.r.Limits.Family)
	if err != nil {
		e.lost(p.needs, err.Error())
		return
	}
	for k := range plan.Dispatches {
		if d := &plan.Dispatches[k]; slices.Contains(p.ops, d.Op.Kind) && e.bad(d) {
			e.lost(p.needs, d.Kernel)
		}
	}
}

func (e *examiner) lost(what, kernel string) {
	for i := range e.r.Lost {
		if l := &e.r.Lost[i]; l.What == what {
			if !slices.Contains(l.Kernels, kernel) {
				l.Kernels = append(l.Kernels, kernel)
			}
			return
		}
	}
	e.r.Lost = append(e.r.Lost, Lost{what, []string{kernel}})
}

// loseOps is lose for a device whose kernels are not ours: whatever uses an op that is wrong.
func (e *examiner) loseOps() {
	for i := range parts {
		for _, f := range e.r.Faults {
			if slices.ContainsFunc(parts[i].ops, func(k graph.Kind) bool { return f.ops[k] }) {
				e.lost(parts[i].needs, f.Kernel)
			}
		}
	}
}

// end closes a graph with a small head and loss, so that gradients flow back to x.
func end(b *graph.Builder, x *graph.Tensor) {
	b.LMLoss("loss", 1/float64(x.Rows()), true, x, b.Param("head"), nil, b.Input("targets", 0, 8, x.Rows()))
	b.Backward()
}

// input declares a parameter [rows width] that stands for an activation, and the head of end.
func input(s *graph.Schema, rows, width int) {
	s.AddParam("x", -1, false, rows, width)
	s.AddParam("head", -1, false, 8, width)
}

// carry makes an activation of the parameter x.
func carry(b *graph.Builder) *graph.Tensor { return b.Add("x", 1, b.Param("x"), 0, nil) }

func linear(bias bool) func(size, *graph.Schema) func(*graph.Builder) {
	return func(z size, s *graph.Schema) func(*graph.Builder) {
		s.AddParam("x", -1, false, z.rows(), z.D)
		s.AddParam("w", -1, true, z.F, z.D)
		s.AddParam("b", -1, false, z.F)
		s.AddParam("head", -1, false, 8, z.F)
		return func(b *graph.Builder) {
			var add *graph.Tensor
			if bias {
				add = b.Param("b")
			}
			end(b, b.MatMul("w", carry(b), b.Param("w"), add))
		}
	}
}

func embedding(positions bool) func(size, *graph.Schema) func(*graph.Builder) {
	return func(z size, s *graph.Schema) func(*graph.Builder) {
		s.AddParam("table", -1, true, z.V, z.D)
		s.AddParam("pos", -1, true, z.T, z.D)
		s.AddParam("head", -1, false, 8, z.D)
		return func(b *graph.Builder) {
			var at *graph.Tensor
			if positions {
				at = b.Param("pos")
			}
			ids := b.Input("ids", 0, int32(z.V), z.rows())
			end(b, b.Embed("embed", graph.EmbedAttr{T: z.T, Scale: 1}, ids, b.Param("table"), at, nil))
		}
	}
}

func residual(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.D)
	return func(b *graph.Builder) {
		x := carry(b)
		end(b, b.Add("add", 1, x, 0.5, b.Param("x")))
	}
}

func lmLoss(train bool) func(size, *graph.Schema) func(*graph.Builder) {
	return func(z size, s *graph.Schema) func(*graph.Builder) {
		s.AddParam("x", -1, false, z.rows(), z.D)
		s.AddParam("w", -1, true, z.V, z.D)
		return func(b *graph.Builder) {
			b.LMLoss("loss", 1/float64(z.rows()), train, carry(b), b.Param("w"), nil,
				b.Input("targets", 0, int32(z.V), z.rows()))
			if train {
				b.Backward()
			}
		}
	}
}

// optimizer updates four matrices, with a norm beside each.
func optimizer(z size, s *graph.Schema) func(*graph.Builder) {
	for i := range 4 {
		s.AddParam(fmt.Sprint("w", i), i, true, z.F, z.D)
		s.AddParam(fmt.Sprint("g", i), i, false, z.D)
	}
	return func(b *graph.Builder) {
		lr, bias1, bias2 := b.Scalar("lr"), b.Scalar("bias1"), b.Scalar("bias2")
		clip, nonfinite, _ := b.GradNorms(b.Scalar("max_norm"), nil)
		b.AdamW(graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}, lr, bias1, bias2, clip, nonfinite, nil)
		b.Clear()
	}
}

// norm is a norm of whole rows or of heads, with gain and, for LayerNorm, bias.
func norm(kind graph.NormKind, heads bool) func(size, *graph.Schema) func(*graph.Builder) {
	return func(z size, s *graph.Schema) func(*graph.Builder) {
		input(s, z.rows(), z.D)
		n := z.D
		if heads {
			n = z.head()
		}
		s.AddParam("gain", -1, false, n)
		s.AddParam("bias", -1, false, n)
		return func(b *graph.Builder) {
			var bias *graph.Tensor
			if kind == graph.LN {
				bias = b.Param("bias")
			}
			x := carry(b)
			y := b.Norm("norm", graph.NormAttr{Kind: kind, Width: n, Eps: 1e-5, Scale: 1}, x, b.Param("gain"), bias)
			end(b, b.Add("residual", 1, x, 1, y)) // so that the gradient has a carry
		}
	}
}

// normRotary is the norm of a head and its rotation, which the device may join.
func normRotary(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.D)
	s.AddParam("gain", -1, false, z.head())
	return func(b *graph.Builder) {
		a := graph.NormAttr{Kind: graph.RMS, Width: z.head(), Eps: 1e-5, Scale: 1}
		y := b.Norm("norm", a, carry(b), b.Param("gain"), nil)
		end(b, b.Rope("rope", graph.RopeAttr{T: z.T, Heads: z.H, HeadDim: z.head(), Theta: 10000}, y, nil))
	}
}

// wide is a norm of rows too long for one pass in registers.
func wide(z size, s *graph.Schema) func(*graph.Builder) {
	z.B, z.T, z.D = 1, max(1, z.rows()*z.D/8192), 8192
	return norm(graph.RMS, false)(z, s)
}

func rotary(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.D)
	return func(b *graph.Builder) {
		a := graph.RopeAttr{T: z.T, Heads: z.H, HeadDim: z.head(), Theta: 10000}
		end(b, b.Rope("rope", a, carry(b), nil))
	}
}

func gated(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.F)
	return func(b *graph.Builder) { end(b, b.SwiGLU("swiglu", carry(b), b.Param("x"))) }
}

func gelu(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.F)
	return func(b *graph.Builder) { end(b, b.Activation("gelu", graph.GELU, carry(b))) }
}

// attention has as many heads of the given size as the width gives, in groups that share keys.
func attention(head int, top bool) func(size, *graph.Schema) func(*graph.Builder) {
	return func(z size, s *graph.Schema) func(*graph.Builder) {
		h := max(2, z.D/head)
		a := graph.AttentionAttr{B: z.B, T: z.T, H: h, K: h / 2, D: head, DV: head, Scale: 1 / math.Sqrt(float64(head))}
		s.AddParam("x", -1, false, z.rows(), h*head)
		s.AddParam("k", -1, false, z.rows(), a.K*head)
		s.AddParam("v", -1, false, z.rows(), a.K*head)
		s.AddParam("head", -1, false, 8, h*head)
		return func(b *graph.Builder) {
			o, t := b.Attention("attention", a, b.Param("x"), b.Param("k"), b.Param("v"), top)
			if top {
				b.Probe("top", graph.MeasureMax, t)
			}
			end(b, o)
		}
	}
}

// cached writes one token behind a text that fills the cache.
func cached(z size, s *graph.Schema) func(*graph.Builder) {
	a := graph.AttentionAttr{B: 1, T: 1, H: z.H, K: z.K, D: z.head(), DV: z.head(), S: z.T,
		Scale: 1 / math.Sqrt(float64(z.head()))}
	s.AddParam("x", -1, false, 1, z.D)
	s.AddParam("k", -1, false, 1, a.K*a.D)
	s.AddCache("keys", 1, a.S, a.K*a.D)
	s.AddCache("values", 1, a.S, a.K*a.D)
	return func(b *graph.Builder) {
		b.AttentionCached("attention", a, b.Param("x"), b.Param("k"), b.Param("k"), b.Cache(0), b.Cache(1),
			b.Input("pos", 0, int32(a.S), 1))
	}
}
