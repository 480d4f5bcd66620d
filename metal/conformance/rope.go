package conformance

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

func ropeCases() []Case {
	var cs []Case
	n := 0
	for _, pairing := range []graph.Pairing{graph.Halves, graph.Interleaved} {
		for _, D := range []int{2, 6, 8, 16, 32, 64, 96, 128} {
			for _, T := range []int{1, 33} {
				cs = append(cs, rotate(pairing, 1+n%3, T, 1+n%4, D, n%2 == 1, n%4 == 0))
				n++
			}
		}
		cs = append(cs, rotate(pairing, 2, 128, 3, 32, true, false))
	}
	return append(cs, normRopeCases()...)
}

// normRopeCases norm heads and turn them, which devices may do in one pass.
func normRopeCases() []Case {
	var cs []Case
	norms := []normCase{
		{kind: graph.RMS, scale: 1}, {kind: graph.RMS, gain: true, scale: 1}, {kind: graph.LN, scale: 0.5},
		{kind: graph.LN, gain: true, scale: 1}, {kind: graph.LN, gain: true, bias: true, scale: 2},
	}
	for i, n := range norms {
		for j, D := range []int{2, 30, 64, 128, 258} {
			n.heads, n.width = 1+(i+j)%3, D
			at := graph.RopeAttr{T: 1 + 6*j, Heads: n.heads, HeadDim: D, Theta: 1e4}
			at.Pairing = graph.Pairing((i + j) % 2)
			cs = append(cs, normRotate(n, 1+j%2, at, i%2 == 0, ""))
		}
		n.heads, n.width = 2, 8
		at := graph.RopeAttr{T: 5, Heads: 2, HeadDim: 8, Theta: 100}
		for _, other := range []string{"norm kept", "norm used", "norm probed", "turned kept", "input used"} {
			cs = append(cs, normRotate(n, 2, at, false, other))
		}
		at.Heads, at.HeadDim = 4, 4 // a norm over two heads
		cs = append(cs, normRotate(n, 2, at, false, "wider norm"))
	}
	return cs
}

// normRotate norms heads and turns them; other says what else is done with a tensor on the way.
func normRotate(n normCase, B int, at graph.RopeAttr, offset bool, other string) Case {
	width := n.heads * n.width
	c := Case{
		Op: graph.OpRope,
		Name: fmt.Sprintf("norm %s gain %t bias %t scale %g, pairing %d B%d T%d H%d D%d offset %t %s",
			n.kind, n.gain, n.bias, n.scale, at.Pairing, B, at.T, at.Heads, at.HeadDim, offset, other),
		Params: []Param{
			{Name: "x", Shape: []int{B * at.T, width}, Value: normal(1)},
			{Name: "gain", Shape: []int{n.width}, Value: around(1, 0.2)},
			{Name: "bias", Shape: []int{n.width}, Value: normal(0.2)},
			head(width),
		},
		Limits: unit,
	}
	if n.width == 2 { // what eps leaves of a difference of equals
		c.Limits.Grad = Limit{Abs: 1e-5, Max: 1e-4}
	}
	c.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		x := feed(b, "x")
		var gain, bias, pos *graph.Tensor
		if n.gain {
			gain = b.Param("gain")
		}
		if n.bias {
			bias = b.Param("bias")
		}
		if offset {
			pos = b.Input("pos", 0, 1000, 1)
		}
		z := b.Norm("norm", graph.NormAttr{Kind: n.kind, Width: n.width, Eps: 1e-5, Scale: n.scale}, x, gain, bias)
		y := b.Rope("rope", at, z, pos)
		switch other {
		case "norm kept":
			b.Keep("z", z)
		case "norm probed":
			b.Probe("rms.0", graph.MeasureRMS, z)
		case "turned kept":
			b.Keep("turned", y)
		case "norm used":
			y = b.Add("sum", 1, y, 0.5, z)
		case "input used":
			y = b.Add("sum", 1, y, 0.5, x)
		}
		y = b.Add("y", 1, y, 0, nil)
		b.Keep("y", y)
		score(b, y, 0.1)
	}}
	return c
}

func ropeGradCases() []Case {
	var cs []Case
	for i := range 4 {
		cs = append(cs, rotate(graph.Pairing(i%2), 2, 3, 2, 4, i/2 == 1, false))
		n := normCase{kind: graph.NormKind(i / 2), gain: true, bias: i == 3, heads: 2, width: 4, scale: 0.7}
		at := graph.RopeAttr{T: 3, Heads: 2, HeadDim: 4, Theta: 100, Pairing: graph.Pairing(i % 2)}
		cs = append(cs, normRotate(n, 2, at, i == 1, [...]string{"", "norm used", "input used", ""}[i]))
	}
	return cs
}

// rotate is a rotation with its gradient; unkept, the rotated tensor may take the place of the input.
func rotate(pairing graph.Pairing, B, T, heads, D int, offset, keep bool) Case {
	return Case{
		Op: graph.OpRope,
		Name: fmt.Sprintf("pairing %d B%d T%d H%d D%d offset %t keep %t",
			pairing, B, T, heads, D, offset, keep),
		Params: []Param{
			{Name: "x", Shape: []int{B * T, heads * D}, Value: normal(1)},
			head(heads * D),
		},
		Graphs: []func(*graph.Builder){func(b *graph.Builder) {
			var pos *graph.Tensor
			if offset {
				pos = b.Input("pos", 0, 1000, 1)
			}
			x := feed(b, "x")
			at := graph.RopeAttr{T: T, Heads: heads, HeadDim: D, Theta: 1e4, Pairing: pairing}
			y := b.Rope("rope", at, x, pos)
			z := b.Add("y", 1, y, 0, nil)
			if keep {
				b.Keep("x", x)
			}
			b.Keep("y", z)
			score(b, z, 0.1)
		}},
		Limits: unit,
	}
}
