package trainer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model"
)

// Central differences in float64 through a whole model whose blocks carry every norm site at once:
// every gain and bias, and some elements of every matrix, under both norm kinds, with scales, grouped
// heads and both ends normed.
func TestFiniteDifferencesOfEverySite(t *testing.T) {
	for _, kind := range []string{"rms", "ln"} {
		for _, axis := range []string{"head", "full"} {
			t.Run(kind+" "+axis, func(t *testing.T) { checkSites(t, kind, axis) })
		}
	}
}

func checkSites(t *testing.T, kind, axis string) {
	c := model.DefaultConfig()
	c.Custom = &model.Custom{ID: "all", EmbNorm: true, Rows: []model.CustomRow{
		{Blocks: "0:L", Sites: []string{
			"s1", "attn_in", "q", "k", "v", "c", "ctx", "attn_out", "s2", "ffn_in", "ffn_inner", "ffn_out", "s3",
		}, Alpha: "1.3", InScale: "rsqrt_depth"},
	}}
	c.Variant, c.Norm, c.QKAxis, c.Bias = "all", kind, axis, "on"
	c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Vocab, c.Seq = 2, 8, 2, 1, 6, 11, 5
	s, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	const B = 2
	sc := s.Schema(0)
	d := reference.New()
	state, err := d.NewState(sc)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	exact := state.(device.Exact)
	r := rand.New(rand.NewPCG(3, 4))
	params := make([][]float64, len(sc.Params))
	for i := range sc.Params {
		params[i] = make([]float64, sc.Params[i].Len())
		for k := range params[i] {
			params[i][k] = 0.4 * r.NormFloat64()
			if len(sc.Params[i].Shape) == 1 {
				params[i][k] += 1
			}
		}
		if err := exact.Write64(device.Params, i, params[i]); err != nil {
			t.Fatal(err)
		}
	}
	g, err := s.Accumulate(sc, B, s.T, 1, false)
	train, err := compile(d, state, g, err)
	if err != nil {
		t.Fatal(err)
	}
	g, err = s.Evaluate(sc, B, s.T)
	eval, err := compile(d, state, g, err)
	if err != nil {
		t.Fatal(err)
	}
	for i := range B * s.T {
		id, target := r.Int32N(11), r.Int32N(12)-1
		train.int(model.InIDs)[i], eval.int(model.InIDs)[i] = id, id
		train.int(model.InTargets)[i], eval.int(model.InTargets)[i] = target, target
	}
	if err := train.run(); err != nil {
		t.Fatal(err)
	}
	metrics := make([]float64, len(eval.metrics))
	loss := func() float64 {
		ticket, err := eval.Submit(eval.ints, eval.floats)
		if err == nil {
			err = eval.Program.(device.ExactProgram).Wait64(ticket, metrics)
		}
		if err != nil {
			t.Fatal(err)
		}
		return metrics[eval.graph.Metric("loss").Offset] / float64(B*s.T)
	}
	const h = 1e-5
	for i := range sc.Params {
		p := &sc.Params[i]
		grad := make([]float64, p.Len())
		if err := exact.Read64(device.Grads, i, grad); err != nil {
			t.Fatal(err)
		}
		every := max(1, p.Len()/8)
		for k := 0; k < p.Len(); k += every {
			at := func(v float64) float64 {
				old := params[i][k]
				params[i][k] = v
				exact.Write64(device.Params, i, params[i])
				l := loss()
				params[i][k] = old
				exact.Write64(device.Params, i, params[i])
				return l
			}
			want := (at(params[i][k]+h) - at(params[i][k]-h)) / (2 * h)
			if math.Abs(grad[k]-want) > 1e-7*(1+math.Abs(want)) {
				t.Errorf("%s[%d]: gradient %g, central difference %g", p.Name, k, grad[k], want)
			}
		}
	}
}
