package conformance

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/model/graph"
)

// normCase says what varies between norms.
type normCase struct {
	kind       graph.NormKind
	gain, bias bool
	rows       int // of the whole width
	heads      int // rows of Width inside one of them
	width      int
	scale      float64
	carry      bool // the input is also used after the norm, as in a residual block
	values     string
}

// normValues are the kinds of input by name.
var normValues = map[string]Fill{
	"normal":   normal(1),
	"offset":   around(1e3, 1),
	"outliers": outliers,
	"equal":    constant(3),
	"tiny":     normal(1e-4), // eps decides
	"denormal": denormal,
	"zero":     constant(0),
}

func normCases() []Case {
	var cs []Case
	each := func(do func(n normCase)) {
		for _, n := range []normCase{
			{kind: graph.RMS},
			{kind: graph.RMS, gain: true},
			{kind: graph.LN},
			{kind: graph.LN, gain: true},
			{kind: graph.LN, gain: true, bias: true},
		} {
			n.heads, n.scale = 1, 1
			do(n)
		}
	}
	each(func(n normCase) {
		for i, edge := range edges {
			n.values, n.rows, n.width, n.carry = "normal", 5, edge, i%2 == 1
			cs = append(cs, n.make())
			n.rows, n.width, n.carry = edge, 24, i%2 == 0
			cs = append(cs, n.make())
		}
		n.rows, n.heads, n.width, n.scale = 9, 3, 16, 1/math.Sqrt(3)
		cs = append(cs, n.make())
		n.heads, n.width, n.scale = 2, 33, 2
		cs = append(cs, n.make())
	})
	each(func(n normCase) {
		n.rows, n.width = 6, 97
		for _, n.values = range []string{"offset", "outliers", "equal", "tiny", "denormal", "zero"} {
			cs = append(cs, n.make())
		}
	})
	return cs
}

func normGradCases() []Case {
	var cs []Case
	for _, kind := range []graph.NormKind{graph.RMS, graph.LN} {
		for i := range 8 {
			n := normCase{
				kind: kind, gain: i&1 != 0, bias: i&2 != 0, carry: i&4 != 0,
				rows: 3, heads: 2, width: 4, scale: 0.7, values: "normal",
			}
			if !n.bias || n.gain && kind == graph.LN {
				cs = append(cs, n.make())
			}
		}
	}
	return cs
}

// limits widens the limits where float32 cannot do better.
func (n normCase) limits() Limits {
	l := unit
	switch {
	case n.values == "offset" && n.kind == graph.LN:
		// The mean of numbers about 1e3 is only known to 6e-5, half a unit in its last place.
		l.Output, l.Grad = Limit{Abs: 2e-4}, Limit{Abs: 1e-6, Max: 5e-4}
	case n.values == "equal" && n.kind == graph.LN:
		// All of x-mean(x) is rounding of the mean, raised by eps^-1/2.
		l.Output, l.Grad = Limit{Abs: 1e-4}, Limit{Abs: 1e-4, Max: 1e-4}
	case n.kind != graph.LN && n.width == 1, n.kind == graph.RMS && n.values == "equal":
		l.Grad = Limit{Abs: 1e-5, Max: 1e-4} // dx is what eps leaves of a difference of equals
	}
	return l
}

func (n normCase) make() Case {
	width := n.heads * n.width
	c := Case{
		Op: graph.OpNorm,
		Name: fmt.Sprintf("%s %dx%dx%d scale %.3g gain %t bias %t carry %t %s", n.kind, n.rows, n.heads,
			n.width, n.scale, n.gain, n.bias, n.carry, n.values),
		Params: []Param{
			{Name: "x", Shape: []int{n.rows, width}, Value: normValues[n.values]},
			head(width),
		},
		Limits: n.limits(),
	}
	if n.gain {
		c.Params = append(c.Params, Param{Name: "gain", Shape: []int{n.width}, Value: around(1, 0.2)})
	}
	if n.bias {
		c.Params = append(c.Params, Param{Name: "bias", Shape: []int{n.width}, Value: normal(0.2)})
	}
	c.Graphs = []func(*graph.Builder){func(b *graph.Builder) {
		x := feed(b, "x")
		var gain, bias *graph.Tensor
		if n.gain {
			gain = b.Param("gain")
		}
		if n.bias {
			bias = b.Param("bias")
		}
		at := graph.NormAttr{Kind: n.kind, Width: n.width, Eps: 1e-5, Scale: n.scale}
		y := b.Norm("norm", at, x, gain, bias)
		b.Keep("y", y)
		if n.carry {
			y = b.Add("residual", 1e-3, x, 1, y)
		}
		score(b, y, 0.5/math.Sqrt(float64(width)))
	}}
	return c
}
