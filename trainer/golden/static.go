package golden

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// staticFile is what is compared of case.json.
type staticFile struct {
	Loss struct {
		Total  float64 `json:"total"`
		CEMean float64 `json:"ce_mean"`
		Train  float64 `json:"ce_train_convention"`
	} `json:"loss"`
	Total    float64   `json:"grad_norm_total"`
	PerLayer []float64 `json:"grad_norm_per_layer"`
	Outside  float64   `json:"grad_norm_outside_layers"`
}

// static is one static case on one device.
type static struct {
	*canon
	want  staticFile
	file  *safetensors.File
	spec  *model.Spec
	sc    *graph.Schema
	state device.State
	ids   []int32
	B, T  int
}

// runStatic compares one forward and backward pass.
func runStatic(dir string, c *canon, d device.Device, ck *check) error {
	s := &static{canon: c}
	if err := readJSON(dir, "case.json", false, &s.want); err != nil {
		return err
	}
	var err error
	if s.file, err = openTensors(dir, "case.safetensors"); err != nil {
		return err
	}
	defer s.file.Close()
	var shape []int
	if s.ids, shape, err = ids(s.file, "in.ids", 2); err != nil {
		return err
	}
	s.B, s.T = shape[0], shape[1]
	if s.spec, err = c.spec(s.T); err != nil {
		return err
	}
	s.sc = s.spec.Schema(0)
	if err := c.match(s.sc); err != nil {
		return err
	}
	if s.state, err = d.NewState(s.sc); err != nil {
		return err
	}
	defer s.state.Close()
	if err := c.load(s.sc, s.state, s.file, "w."); err != nil {
		return err
	}
	if err := s.forward(d, ck); err != nil {
		return err
	}
	return s.backward(d, ck)
}

// forward compares logits and, where the case has them, block outputs.
func (s *static) forward(d device.Device, ck *check) error {
	g, err := s.spec.Logits(s.sc, s.B, s.T, true)
	if err != nil {
		return err
	}
	p, err := d.Compile(g, s.state)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := run(p, s.ids, nil, nil); err != nil {
		return err
	}
	compare := func(output, tensor, what string, limit float64, relative bool) error {
		want, err := s.tokensFirst(tensor)
		if err != nil {
			return err
		}
		got := make([]float32, len(want))
		if err := p.Output(output, got); err != nil {
			return err
		}
		unit := 1.0
		if relative {
			unit = unitOf(want)
		}
		ck.largest(what, got, want, unit, limit)
		return nil
	}
	if err := compare(model.OutLogits, "out.logits", "logits", limitLogits, false); err != nil {
		return err
	}
	for i := range s.spec.Blocks {
		tensor := fmt.Sprintf("act.block.%d.out", i)
		for _, second := range []string{"", "2"} {
			if _, ok := s.file.Lookup(tensor + second); !ok {
				continue
			}
			name := fmt.Sprintf("block.%d.out%s", i, second)
			if err := compare(name, tensor+second, name, limitBlocks, true); err != nil {
				return err
			}
		}
		scores := fmt.Sprintf("act.block.%d.router_scores", i)
		if _, ok := s.file.Lookup(scores); ok {
			name := fmt.Sprintf("block.%d.router_scores", i)
			if err := compare(name, scores, name, limitLogits, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// tokensFirst reads an activation in the order of the rows here. fairseq keeps the streams of ResiDual as
// [T B d].
func (s *static) tokensFirst(tensor string) ([]float32, error) {
	v, err := s.file.Float32s(tensor)
	if err != nil || !s.spec.Dual || tensor == "out.logits" {
		return v, err
	}
	d := s.spec.D
	out := make([]float32, len(v))
	for t := range s.T {
		for b := range s.B {
			copy(out[(b*s.T+t)*d:][:d], v[(t*s.B+b)*d:][:d])
		}
	}
	return out, nil
}

// backward compares losses and gradients. The published total is the mean over the B*(T-1) targets and
// the auxiliary losses, so cross-entropies are scaled by that mean here; the published trainer divides
// by B*T.
func (s *static) backward(d device.Device, ck *check) error {
	g, err := s.spec.Gradients(s.sc, s.B, s.T, 1/float64(s.B*(s.T-1)))
	if err != nil {
		return err
	}
	p, err := d.Compile(g, s.state)
	if err != nil {
		return err
	}
	defer p.Close()
	metrics := make([]float32, g.MetricLen)
	if err := run(p, append(append([]int32(nil), s.ids...), shift(s.ids, s.T)...), nil, metrics); err != nil {
		return err
	}
	loss := float64(metrics[g.Metric("loss").Offset])
	ck.number("loss", loss, s.want.Loss.CEMean, limitLoss)
	ck.number("loss over B*T", loss*float64(s.T-1)/float64(s.T), s.want.Loss.Train, limitLoss)
	if s.spec.MoE != nil {
		if err := s.routing(g, metrics, loss, ck); err != nil {
			return err
		}
	}
	return s.gradients(ck)
}

// routing compares what each expert got, exactly, and the total with the auxiliary losses.
func (s *static) routing(g *graph.Graph, metrics []float32, loss float64, ck *check) error {
	for i := range s.spec.Blocks {
		want, err := s.file.Int64s(fmt.Sprintf("act.block.%d.tokens_per_expert", i))
		if err != nil {
			return err
		}
		load := g.Metric(fmt.Sprintf("moe_load.%d", i))
		for e, n := range want {
			if got := metrics[load.Offset+e]; got != float32(n) {
				return fmt.Errorf("expert %d of block %d got %g tokens, published are %d", e, i, got, n)
			}
		}
		stats := metrics[g.Metric(fmt.Sprintf("moe_stats.%d", i)).Offset:]
		loss += float64(stats[graph.StatBalance]) + float64(stats[graph.StatZ])
	}
	ck.number("total loss", loss, s.want.Loss.Total, limitLoss)
	return nil
}

func (s *static) gradients(ck *check) error {
	layers := make([]float64, len(s.spec.Blocks)+1) // the last entry is outside the blocks
	err := s.each(s.sc, s.file, "g.", func(i int, p *graph.ParamSpec, want []float32) error {
		got := make([]float32, len(want))
		if err := s.state.Read(device.Grads, i, got); err != nil {
			return err
		}
		at := p.Layer
		if at < 0 {
			at = len(layers) - 1
		}
		for _, v := range got {
			layers[at] += float64(v) * float64(v)
		}
		ck.gradient("gradient "+p.Name, got, want, s.want.Total)
		return nil
	})
	if err != nil {
		return err
	}
	total := 0.0
	wants := append(append([]float64(nil), s.want.PerLayer...), s.want.Outside)
	if len(wants) != len(layers) {
		return fmt.Errorf("case.json has gradient norms of %d layers, the model has %d",
			len(s.want.PerLayer), len(s.spec.Blocks))
	}
	for i, sum := range layers {
		total += sum
		name := fmt.Sprintf("gradient norm of block %d", i)
		if i == len(layers)-1 {
			name = "gradient norm outside blocks"
		}
		ck.relative(name, math.Sqrt(sum), wants[i], limitNorm)
	}
	ck.relative("gradient norm", math.Sqrt(total), s.want.Total, limitNorm)
	return nil
}

// run submits once and waits.
func run(p device.Program, ints []int32, floats, metrics []float32) error {
	t, err := p.Submit(ints, floats)
	if err != nil {
		return err
	}
	return p.Wait(t, metrics)
}
