package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// swiglu is y = gate * sigmoid(gate) * up.
func swiglu(p *program, op *graph.Op) {
	gate, up, y := p.f(op.In[0]), p.f(op.In[1]), p.f(op.Out[0])
	for i, g := range gate {
		y[i] = g * sigmoid(g) * up[i]
	}
}

// swigluGrad is, with s = sigmoid(gate): dgate = dy*up*s*(1+gate*(1-s)); dup = dy*gate*s.
func swigluGrad(p *program, op *graph.Op) {
	gate, up, dy := p.f(op.In[0]), p.f(op.In[1]), p.f(op.In[2])
	dgate, dup := p.f(op.Out[0]), p.f(op.Out[1])
	for i, g := range gate {
		s := sigmoid(g)
		dgate[i] = dy[i] * up[i] * s * (1 + g*(1-s))
		dup[i] = dy[i] * g * s
	}
}

// activation is y = fn(x); GELU(x) = x*Phi(x), Phi(x) = erfc(-x/sqrt2)/2 the normal distribution;
// ReLU(x) = max(x, 0).
func activation(p *program, op *graph.Op) {
	x, y := p.f(op.In[0]), p.f(op.Out[0])
	relu := op.Attr.(graph.ActivationAttr).Fn == graph.ReLU
	for i, v := range x {
		if relu {
			y[i] = math.Max(v, 0)
		} else {
			y[i] = v * phi(v)
		}
	}
}

// activationGrad is dx = dy * fn'(x); GELU'(x) = Phi(x) + x*exp(-x^2/2)/sqrt(2 pi); ReLU'(x) = [x > 0].
func activationGrad(p *program, op *graph.Op) {
	x, dy, dx := p.f(op.In[0]), p.f(op.In[1]), p.f(op.Out[0])
	relu := op.Attr.(graph.ActivationAttr).Fn == graph.ReLU
	for i, v := range x {
		switch {
		case !relu:
			dx[i] = dy[i] * (phi(v) + v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi))
		case v > 0:
			dx[i] = dy[i]
		default:
			dx[i] = 0
		}
	}
}

func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
