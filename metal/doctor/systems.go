package doctor

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// systemParts are what the related systems are made of besides: GPAS, ResiDual's and the re-centred
// streams, CRMSNorm and multi-head latent attention.
var systemParts = []part{
	{"ReLU", "models with ReLU", []graph.Kind{graph.OpActivation, graph.OpActivationGrad}, relu},
	{"gate", "variants with GPAS", []graph.Kind{graph.OpGate, graph.OpGateGrad}, gate},
	{"clip of gates", "a clip of their own for the gates of GPAS",
		[]graph.Kind{graph.OpGradNorms, graph.OpAdamW}, gateOptimizer},
	{"centring", "Pre-RMSNorm made from Pre-LN", []graph.Kind{graph.OpCenter}, centring},
	{"CRMSNorm", "models with CRMSNorm", normKinds, crms},
	{"latent attention", "latent attention", []graph.Kind{graph.OpJoin, graph.OpSplit, graph.OpRope}, latent},
	{"latent sampling", "writing text with latent attention",
		[]graph.Kind{graph.OpJoin, graph.OpSplit, graph.OpHeadMatMul, graph.OpCacheWrite, graph.OpAttentionCached},
		latentCached},
}

func relu(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.F)
	return func(b *graph.Builder) { end(b, b.Activation("relu", graph.ReLU, carry(b))) }
}

func gate(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.D)
	s.AddGate("gate", 0)
	return func(b *graph.Builder) { end(b, b.Gate("gate", carry(b), b.Param("gate"))) }
}

// gateOptimizer updates a matrix and a gate in each of four blocks.
func gateOptimizer(z size, s *graph.Schema) func(*graph.Builder) {
	for i := range 4 {
		s.AddParam(fmt.Sprint("w", i), i, true, z.F, z.D)
		s.AddGate(fmt.Sprint("gate", i), i)
	}
	return func(b *graph.Builder) {
		lr, bias1, bias2 := b.Scalar("lr"), b.Scalar("bias1"), b.Scalar("bias2")
		clip, nonfinite, clipGate := b.GradNorms(b.Scalar("max_norm"), b.Scalar("max_gate"))
		b.AdamW(graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8}, lr, bias1, bias2, clip, nonfinite, clipGate)
	}
}

func centring(z size, s *graph.Schema) func(*graph.Builder) {
	input(s, z.rows(), z.D)
	return func(b *graph.Builder) {
		x := carry(b)
		end(b, b.Add("residual", 1, x, 1, b.Center("center", x))) // so that the gradient has a carry
	}
}

// crms is a norm of rows as odd as a stream that leaves its last element out.
func crms(z size, s *graph.Schema) func(*graph.Builder) {
	n := z.D - 1
	input(s, z.rows(), n)
	return func(b *graph.Builder) {
		x := carry(b)
		y := b.Norm("norm", graph.NormAttr{Kind: graph.CRMS, Width: n, Eps: 1e-5, Scale: 1}, x, nil, nil)
		end(b, b.Add("residual", 1, x, 1, y))
	}
}

// latentSizes are the head sizes without and with positions, and the width of the latent rows.
func (z size) latentSizes() (nope, rope, width int) { return z.head(), z.head() / 4 * 2, z.D / 4 }

// latent is what latent attention has besides products and attention: rotation of a part of each query,
// the key's part with positions beside each head's own, and the values taken out.
func latent(z size, s *graph.Schema) func(*graph.Builder) {
	n, r, _ := z.latentSizes()
	s.AddParam("q", -1, false, z.rows(), z.H*(n+r))
	s.AddParam("kv", -1, false, z.rows(), 2*z.H*n)
	s.AddParam("kr", -1, false, z.rows(), r)
	s.AddParam("head", -1, false, 8, z.H*n)
	return func(b *graph.Builder) {
		pass := func(name string) *graph.Tensor { return b.Add(name, 1, b.Param(name), 0, nil) }
		rope := graph.RopeAttr{T: z.T, Heads: z.H, HeadDim: n + r, Skip: n, Theta: 10000, Pairing: graph.Interleaved}
		q := b.Rope("q.rope", rope, pass("q"), nil)
		kn, v := b.Split("heads", graph.HeadsAttr{H: z.H, A: n, B: n}, pass("kv"))
		k := b.Join("k", graph.HeadsAttr{H: z.H, A: n, B: r, Shared: true}, kn, pass("kr"))
		o, _ := b.Attention("attention", graph.AttentionAttr{
			B: z.B, T: z.T, H: z.H, K: z.H, D: n + r, DV: n, Scale: 1 / math.Sqrt(float64(n+r)),
		}, q, k, v, false)
		end(b, o)
	}
}

// latentCached samples one token behind a text that fills the cache of latents.
func latentCached(z size, s *graph.Schema) func(*graph.Builder) {
	n, r, c := z.latentSizes()
	s.AddParam("q", -1, false, 1, z.H*(n+r))
	s.AddParam("c", -1, false, 1, c)
	s.AddParam("kr", -1, false, 1, r)
	s.AddParam("kvb", -1, true, 2*z.H*n, c)
	s.AddCache("latents", 1, z.T, c+r)
	return func(b *graph.Builder) {
		qn, qr := b.Split("q", graph.HeadsAttr{H: z.H, A: n, B: r}, b.Param("q"))
		fold := graph.HeadMatMulAttr{Layout: graph.NN, H: z.H, N: c, K: n, Stride: 2 * n}
		qc := b.HeadMatMul("q.absorb", fold, qn, b.Param("kvb"))
		q := b.Join("q.latent", graph.HeadsAttr{H: z.H, A: c, B: r}, qc, qr)
		k := b.Join("k.latent", graph.HeadsAttr{H: 1, A: c, B: r}, b.Param("c"), b.Param("kr"))
		o := b.AttentionCached("attention", graph.AttentionAttr{
			B: 1, T: 1, H: z.H, K: 1, D: c + r, DV: c, S: z.T, Latent: true, Scale: 1 / math.Sqrt(float64(n+r)),
		}, q, k, nil, b.Cache(0), nil, b.Input("pos", 0, int32(z.T), 1))
		fold = graph.HeadMatMulAttr{Layout: graph.NT, H: z.H, N: n, K: c, Stride: 2 * n, From: n}
		b.HeadMatMul("o.absorb", fold, o, b.Param("kvb"))
	}
}
