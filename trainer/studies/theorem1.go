package studies

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Theorem1 is what theorem 1 of the HybridNorm paper (2503.04598) says, measured: how gradients inside an
// attention grow when another of its matrices is scaled by c. Under QKV-Norm the gradient of Wq depends
// on neither Wk nor Wv, which is why its training is steadier.
type Theorem1 struct {
	Setting Theorem1Setting
	Curves  []ScaleCurve
}

// Theorem1Setting is the model measured on: one block, fresh weights, random tokens. Small holds for the
// scale of Wo: the branch must be small beside the residual, so that the gradient that reaches the
// attention stays the same while its matrices are scaled, which is the theorem's assumption.
type Theorem1Setting struct {
	D, Heads, Seq, Batch, Vocab int
	Small                       float64 // factor on Wo before it is scaled
	Score                       float64 // factor on Wq, so that softmax works in its linear range
	Scales                      []float64
	Seeds                       int
	Device                      string
	Threads                     int
}

// DefaultTheorem1 is the setting of the command.
func DefaultTheorem1() Theorem1Setting {
	return Theorem1Setting{
		D: 64, Heads: 4, Seq: 32, Batch: 4, Vocab: 64, Small: 1e-3, Score: 0.25,
		Scales: []float64{0.5, math.Sqrt2 / 2, 1, math.Sqrt2, 2}, Seeds: 3, Device: metal.CPU,
	}
}

// ScaleCurve is the gradient norm of one matrix against the scale of another under one variant, as a
// mean over the seeds of the norm relative to that at scale 1.
type ScaleCurve struct {
	Variant, Title string
	Grad, Scaled   string // "q" and "v": the gradient of Wq while Wv is scaled
	Scales, Norms  []float64
	Exponent       float64 // slope in log-log axes
	Want           float64 // the theorem's
}

// OK tells whether the exponent is within 0.1 of the theorem's.
func (c *ScaleCurve) OK() bool { return math.Abs(c.Exponent-c.Want) <= 0.1 }

// theorem lists the exponents: of dWq against (Wk, Wv, Wo), and of dWo against Wv.
var theorem = []struct {
	variant    string
	k, v, o, u float64
}{
	{"pre", 1, 1, 1, 1},
	{"pre_qk", 0, 1, 1, 1},
	{"hybrid", 0, 0, 1, 0},
}

// RunTheorem1 measures every curve.
func RunTheorem1(ctx context.Context, s Theorem1Setting, progress func(done, total int)) (*Theorem1, error) {
	d, err := metal.Open(s.Device, s.Threads)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	t := &Theorem1{Setting: s}
	for i, row := range theorem {
		if progress != nil {
			progress(i, len(theorem))
		}
		for _, c := range []ScaleCurve{
			{Grad: "q", Scaled: "k", Want: row.k}, {Grad: "q", Scaled: "v", Want: row.v},
			{Grad: "q", Scaled: "o", Want: row.o}, {Grad: "o", Scaled: "v", Want: row.u},
		} {
			v, err := model.Find(row.variant)
			if err != nil {
				return nil, err
			}
			c.Variant, c.Title, c.Scales = v.ID, v.Title, s.Scales
			if c.Norms, err = s.curve(ctx, d, &c); err != nil {
				return nil, err
			}
			c.Exponent = slope(c.Scales, c.Norms)
			t.Curves = append(t.Curves, c)
		}
	}
	return t, nil
}

// curve gives the norms at all scales, each relative to scale 1 and averaged over the seeds.
func (s *Theorem1Setting) curve(ctx context.Context, d device.Device, c *ScaleCurve) ([]float64, error) {
	norms := make([]float64, len(s.Scales))
	for seed := range s.Seeds {
		one, err := s.norm(ctx, d, c, uint64(seed+1), 1)
		if err != nil {
			return nil, err
		}
		for i, scale := range s.Scales {
			n, err := s.norm(ctx, d, c, uint64(seed+1), scale)
			if err != nil {
				return nil, err
			}
			norms[i] += n / one / float64(s.Seeds)
		}
	}
	return norms, nil
}

// norm is the norm of one gradient with one matrix scaled.
func (s *Theorem1Setting) norm(ctx context.Context, d device.Device, c *ScaleCurve, seed uint64, scale float64) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	cfg := model.DefaultConfig()
	cfg.Variant, cfg.Layers, cfg.D, cfg.Heads, cfg.Seq, cfg.Vocab = c.Variant, 1, s.D, s.Heads, s.Seq, s.Vocab
	cfg.Init, cfg.Tied = model.InitNormal, false
	spec, err := cfg.Resolve()
	if err != nil {
		return 0, err
	}
	sc := spec.Schema(0)
	st, err := d.NewState(sc)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	factor := map[string]float64{"blocks.0.o.w": s.Small, "blocks.0.q.w": s.Score}
	name := "blocks.0." + c.Scaled + ".w"
	if factor[name] == 0 {
		factor[name] = 1
	}
	factor[name] *= scale
	if err := scaledStart(spec, sc, st, seed, factor); err != nil {
		return 0, err
	}
	return s.gradient(d, spec, sc, st, seed, "blocks.0."+c.Grad+".w")
}

// scaledStart fills the parameters, some of them multiplied by a factor.
func scaledStart(spec *model.Spec, sc *graph.Schema, st device.State, seed uint64, factor map[string]float64) error {
	for i := range sc.Params {
		p := &sc.Params[i]
		v := make([]float32, p.Len())
		if err := spec.InitParam(p, seed, v); err != nil {
			return err
		}
		if f, ok := factor[p.Name]; ok {
			for j := range v {
				v[j] = float32(float64(v[j]) * f)
			}
		}
		if err := st.Write(device.Params, i, v); err != nil {
			return err
		}
	}
	return nil
}

// gradient runs one batch of random tokens and gives the L2 norm of a parameter's gradient.
func (s *Theorem1Setting) gradient(d device.Device, spec *model.Spec, sc *graph.Schema, st device.State,
	seed uint64, name string,
) (float64, error) {
	g, err := spec.Accumulate(sc, s.Batch, s.Seq, 1, false)
	if err != nil {
		return 0, err
	}
	p, err := d.Compile(g, st)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	r := rand.New(rand.NewPCG(seed, 1))
	ints := make([]int32, g.Ints)
	for i := range ints {
		ints[i] = r.Int32N(int32(s.Vocab))
	}
	ticket, err := p.Submit(ints, nil)
	if err == nil {
		err = p.Wait(ticket, nil)
	}
	if err != nil {
		return 0, err
	}
	i := sc.Param(name)
	v := make([]float32, sc.Params[i].Len())
	if err := st.Read(device.Grads, i, v); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return 0, fmt.Errorf("the gradient of %s is zero, so its growth cannot be measured", name)
	}
	return math.Sqrt(sum), nil
}

// slope is the least-squares slope of log y over log x.
func slope(x, y []float64) float64 {
	var mx, my float64
	n := float64(len(x))
	for i := range x {
		mx, my = mx+math.Log(x[i])/n, my+math.Log(y[i])/n
	}
	var top, bottom float64
	for i := range x {
		top += (math.Log(x[i]) - mx) * (math.Log(y[i]) - my)
		bottom += (math.Log(x[i]) - mx) * (math.Log(x[i]) - mx)
	}
	return top / bottom
}

// Checks are the exponents against the theorem's.
func (t *Theorem1) Checks() []Check {
	var list []Check
	for i := range t.Curves {
		c := &t.Curves[i]
		list = append(list, Check{
			What:   fmt.Sprintf("%s: exponent of the gradient of W%s in the scale of W%s", c.Title, c.Grad, c.Scaled),
			Values: []string{fmt.Sprintf("%.3f", c.Exponent)}, Limit: fmt.Sprintf("%g within 0.1", c.Want), OK: c.OK(),
		})
	}
	return list
}

// Of lists the curves of one gradient and one scaled matrix, in the order of the variants.
func (t *Theorem1) Of(grad, scaled string) []ScaleCurve {
	return slices.DeleteFunc(slices.Clone(t.Curves), func(c ScaleCurve) bool {
		return c.Grad != grad || c.Scaled != scaled
	})
}
