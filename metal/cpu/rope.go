package cpu

import (
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

type ropeKey struct {
	theta float64
	dim   int
}

// ropeTable holds the cosines and sines of every position up to the longest that was asked for.
type ropeTable struct{ cos, sin []float32 }

// ropeTable makes or extends the table shared by all rotations of a program with the same theta and
// number of elements that rotate. It is made in float64, so that late positions are as exact as early ones.
func (c *compiler) ropeTable(theta float64, dim, positions int) *ropeTable {
	key := ropeKey{theta, dim}
	t := c.ropes[key]
	if t == nil {
		t = &ropeTable{}
		c.ropes[key] = t
	}
	half := dim / 2
	for pos := len(t.cos) / half; pos < positions; pos++ {
		for i := range half {
			angle := float64(pos) * math.Pow(theta, -2*float64(i)/float64(dim))
			t.cos = append(t.cos, float32(math.Cos(angle)))
			t.sin = append(t.sin, float32(math.Sin(angle)))
		}
	}
	return t
}

// rope rotates heads by position.
func rope(c *compiler, op *graph.Op) {
	at := op.Attr.(graph.RopeAttr)
	x, y, k := c.f(op.In[0]), c.f(op.Out[0]), c.d.k
	positions, offset := at.T, c.offset(op.In[1])
	if op.In[1] != nil {
		positions += int(op.In[1].High) - 1
	}
	t := c.ropeTable(at.Theta, at.HeadDim-at.Skip, positions)
	sign := float32(1)
	if at.Inverse {
		sign = -1
	}
	n := at.Heads * at.HeadDim
	b := rowBlocks(len(x)/n, n)
	c.phase(b.count(), floats(x), floats(y), func(_, part int) {
		from, to := b.at(part)
		k.Rope(y[from*n:to*n], x[from*n:to*n], t.cos, t.sin, to-from, at.Heads, at.HeadDim, at.Skip, from,
			at.T, offset(), sign, at.Pairing == graph.Interleaved)
	})
}
