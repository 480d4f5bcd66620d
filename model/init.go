package model

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/evenkeel/evenkeel/model/graph"
)

// The initializations. Normal, Megatron and Mitchell are those of HybridNorm's code, Depth-Scaled is
// the paper's, DeepNorm and Magneto those of their papers on a Xavier-normal base.
//
// DeepNorm and Magneto scale the weights that a branch's output is made of, value, output and FFN, and
// leave queries and keys alone, because what they make only decides where to look. They know neither
// MLA nor experts, which follow that reason here: of MLA's projections only the rows of kvb that make
// values are scaled. Those that make keys are not, nor qb, nor qa and kva, whose latents a norm brings
// back to one size and whose other part is a key. The experts are FFNs and scaled. The router is not: it
// chooses and weighs experts through a softmax, as queries and keys do tokens.
const (
	InitNormal      = "normal"
	InitMegatron    = "megatron"
	InitDepthScaled = "depth_scaled"
	InitMitchell    = "mitchell"
	InitDeepNorm    = "deepnorm"
	InitMagneto     = "magneto"
	InitXavier      = "xavier" // fairseq's, which ResiDual uses
	InitGPAS        = "gpas"   // embedding N(0, 2/5), everything else N(0, 0.02^2)
)

// Inits lists the initializations in the order they are offered.
var Inits = []string{InitNormal, InitMegatron, InitDepthScaled, InitMitchell, InitDeepNorm, InitMagneto, InitXavier, InitGPAS}

// truncation is where draws are cut, in standard deviations; the published code's cutoff factor.
const truncation = 3

// weightStd is the nominal standard deviation of a matrix under the spec's initialization. kind is
// emb, pos, head, or the linear layer's name within block layer; kvb is the rows of that matrix that make
// keys, kvbValues those that make values.
func (s *Spec) weightStd(kind string, layer, out, in int) float64 {
	base, L, l := s.InitStd, float64(len(s.Blocks)), float64(layer+1)
	output := kind == "o" || kind == "down"
	switch s.Init {
	case InitMegatron:
		switch {
		case kind == "head":
			return 1 / math.Sqrt(float64(s.D))
		case output:
			return base / math.Sqrt(2*L)
		}
	case InitDepthScaled:
		if output {
			return base / math.Sqrt(2*l)
		}
	case InitMitchell:
		if output {
			return 1 / math.Sqrt(2*float64(in)*l)
		}
		return 1 / math.Sqrt(float64(s.D))
	case InitGPAS:
		if kind == "emb" {
			return math.Sqrt(2.0 / 5)
		}
		return 0.02
	case InitXavier:
		if kind == "emb" || kind == "pos" || kind == "head" {
			return 1 / math.Sqrt(float64(s.D))
		}
		xavier := math.Sqrt(2 / float64(in+out))
		if kind == "q" || kind == "k" || kind == "v" {
			return xavier / math.Sqrt2
		}
		return xavier
	case InitDeepNorm, InitMagneto:
		if kind == "emb" || kind == "pos" || kind == "head" {
			return base
		}
		xavier := math.Sqrt(2 / float64(in+out))
		switch kind {
		case "q", "k", "qa", "qb", "kva", "kvb", "router":
			return xavier
		}
		return xavier * s.branchGain()
	}
	return base
}

// kvbValues are the rows of kvb behind those that make keys, in each head.
const kvbValues = "kvb values"

// branchGain is the factor DeepNorm and Magneto put on value, output and FFN weights. Magneto leaves
// no matrix of the FFN out; DeepNorm's is (8L)^-1/4, Magneto's sqrt(ln 2L).
func (s *Spec) branchGain() float64 {
	L := float64(len(s.Blocks))
	if s.Init == InitDeepNorm {
		return math.Pow(8*L, -0.25)
	}
	return math.Sqrt(math.Log(2 * L))
}

// InitStdDefault is the published base standard deviation for width d.
func InitStdDefault(d int) float64 { return 1 / math.Sqrt(2.5*float64(d)) }

// InitParam fills one parameter of the schema with its starting values. The result is a function of
// seed, the parameter's name and the spec only, so that two variants with one seed share the weights
// they have in common.
func (s *Spec) InitParam(p *graph.ParamSpec, seed uint64, dst []float32) error {
	if len(dst) != p.Len() {
		return fmt.Errorf("parameter %s has %d elements, the destination %d", p.Name, p.Len(), len(dst))
	}
	if strings.HasSuffix(p.Name, ".g") {
		fillWith(dst, s.gainStart(p))
		return nil
	}
	if strings.HasSuffix(p.Name, ".b") || p.Gate {
		fillWith(dst, 0)
		return nil
	}
	kind := strings.TrimSuffix(p.Name, ".w")
	kind = kind[strings.LastIndexByte(kind, '.')+1:]
	out, in := p.Shape[0], p.Shape[len(p.Shape)-1]
	if len(p.Shape) == 3 { // experts: [E F D]
		if out = p.Shape[1]; kind == "down" {
			out, in = in, out
		}
	}
	std := s.weightStd(kind, p.Layer, out, in)
	stdOf := func(int) float64 { return std }
	if kind == "kvb" {
		values := s.weightStd(kvbValues, p.Layer, out, in)
		stdOf = func(row int) float64 {
			if row%(s.MLA.Nope+s.MLA.V) < s.MLA.Nope {
				return std
			}
			return values
		}
	}
	h := fnv.New64a()
	h.Write([]byte(p.Name))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	for i := range dst {
		z := r.NormFloat64()
		for math.Abs(z) > truncation {
			z = r.NormFloat64()
		}
		dst[i] = float32(z * stdOf(i/in))
	}
	return nil
}

func (s *Spec) gainStart(p *graph.ParamSpec) float32 {
	if p.Layer >= 0 {
		for site, v := range s.Blocks[p.Layer].GainInit {
			if strings.HasSuffix(p.Name, ".norm."+site.String()+".g") {
				return float32(v)
			}
		}
	}
	return 1
}

func fillWith(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}
