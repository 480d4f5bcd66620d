package reference

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// rope turns the pair (a, b) of the last n = D-Skip elements of each head by angle =
// position * theta^(-2i/n), i the pair's number, and copies the others:
//
//	(a, b) -> (a cos - b sin, b cos + a sin)
//
// The pair is elements i and i+n/2 (Halves) or 2i and 2i+1 (Interleaved); Inverse turns back.
func rope(p *program, op *graph.Op) {
	at := op.Attr.(graph.RopeAttr)
	x, y := p.f(op.In[0]), p.f(op.Out[0])
	offset, D, n := p.offset(op.In[1]), at.HeadDim, at.HeadDim-at.Skip
	copy(y, x)
	for r := range op.In[0].Rows() {
		position := float64(r%at.T + offset)
		for i := range n / 2 {
			sin, cos := math.Sincos(position * math.Pow(at.Theta, -2*float64(i)/float64(n)))
			if at.Inverse {
				sin = -sin
			}
			first, second := i, i+n/2
			if at.Pairing == graph.Interleaved {
				first, second = 2*i, 2*i+1
			}
			for h := range at.Heads {
				x, y := head(x, r, at.Heads, h, D)[at.Skip:], head(y, r, at.Heads, h, D)[at.Skip:]
				a, b := x[first], x[second]
				y[first], y[second] = a*cos-b*sin, b*cos+a*sin
			}
		}
	}
}
