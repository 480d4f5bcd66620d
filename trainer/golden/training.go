package golden

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// trainFile is what is used of train.json.
type trainFile struct {
	Optimizer struct {
		Kind            string    `json:"kind"`
		LR              float64   `json:"lr"`
		Betas           []float64 `json:"betas"`
		Eps             float64   `json:"eps"`
		WeightDecay     float64   `json:"weight_decay"`
		MaxGradNorm     float64   `json:"max_grad_norm"`
		DecayNorms      bool      `json:"decay_norm_and_bias"`
		DecayEmbeddings bool      `json:"decay_embeddings"`
	} `json:"optimizer"`
	Schedule struct {
		Kind      string  `json:"kind"`
		Units     string  `json:"units"`
		Warmup    int64   `json:"warmup_tokens"`
		Max       int64   `json:"max_tokens"`
		AlphaF    float64 `json:"alpha_f"`
		WarmupMin float64 `json:"warmup_min_lr"`
	} `json:"schedule"`
	Groups struct {
		Decay   []string `json:"decay"`
		NoDecay []string `json:"no_decay"`
	} `json:"groups"`
	Steps []trainStep `json:"steps"`
}

type trainStep struct {
	Step     int       `json:"step"`
	Tokens   int64     `json:"tokens"`
	LR       float64   `json:"lr"`
	Loss     float64   `json:"loss_train"`
	CEMean   float64   `json:"ce_mean"`
	Balance  *float64  `json:"moe_lb"`
	Z        *float64  `json:"moe_z"`
	GradNorm float64   `json:"grad_norm"`
	Clipped  bool      `json:"clipped"`
	PerLayer []float64 `json:"grad_norm_per_layer"`
}

// training is one training case on one device.
type training struct {
	*canon
	want  trainFile
	file  *safetensors.File
	spec  *model.Spec
	sc    *graph.Schema
	state device.State
	ids   []int32 // of all steps
	B, T  int

	accumulate, update   *graph.Graph
	accumulateP, updateP device.Program
}

// runTraining repeats a short training run step by step.
func runTraining(ctx context.Context, dir string, c *canon, d device.Device, ck *check) error {
	t := &training{canon: c}
	if err := readJSON(dir, "train.json", false, &t.want); err != nil {
		return err
	}
	if err := t.want.known(); err != nil {
		return err
	}
	var err error
	if t.file, err = openTensors(dir, "train.safetensors"); err != nil {
		return err
	}
	defer t.file.Close()
	if err := t.build(d); err != nil {
		return err
	}
	defer t.state.Close()
	defer t.accumulateP.Close()
	defer t.updateP.Close()
	for i := range t.want.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.step(i, ck); err != nil {
			return err
		}
	}
	return t.each(t.sc, t.file, "w1.", func(i int, p *graph.ParamSpec, want []float32) error {
		got := make([]float32, len(want))
		if err := t.state.Read(device.Params, i, got); err != nil {
			return err
		}
		ck.largest("final "+p.Name, got, want, 1, limitWeights)
		return nil
	})
}

// known refuses a case whose trainer differs from ours.
func (f *trainFile) known() error {
	if f.Optimizer.Kind != "AdamW" || len(f.Optimizer.Betas) != 2 {
		return fmt.Errorf("the optimizer %q with betas %v is not known; AdamW with two is",
			f.Optimizer.Kind, f.Optimizer.Betas)
	}
	if f.Schedule.Kind != "cosine_with_warmup" || f.Schedule.Units != "tokens" {
		return fmt.Errorf("the schedule %q in %q is not known; cosine_with_warmup in tokens is",
			f.Schedule.Kind, f.Schedule.Units)
	}
	return nil
}

func (t *training) build(d device.Device) error {
	var shape []int
	var err error
	if t.ids, shape, err = ids(t.file, "in.batches", 3); err != nil {
		return err
	}
	if shape[0] < len(t.want.Steps) {
		return fmt.Errorf("there are batches for %d steps, train.json lists %d", shape[0], len(t.want.Steps))
	}
	t.B, t.T = shape[1], shape[2]
	if t.spec, err = t.canon.spec(t.T); err != nil {
		return err
	}
	t.spec.DecayEmbeddings = t.want.Optimizer.DecayEmbeddings
	t.spec.DecayNormsAndBias = t.want.Optimizer.DecayNorms
	t.sc = t.spec.Schema(0)
	if err := t.match(t.sc); err != nil {
		return err
	}
	if err := t.decayGroups(); err != nil {
		return err
	}
	if t.state, err = d.NewState(t.sc); err != nil {
		return err
	}
	if err := t.load(t.sc, t.state, t.file, "w0."); err != nil {
		return err
	}
	if t.accumulate, err = t.spec.Accumulate(t.sc, t.B, t.T, 1, true); err != nil {
		return err
	}
	o := &t.want.Optimizer
	t.update, err = model.Update(t.sc, graph.AdamWAttr{
		Beta1: o.Betas[0], Beta2: o.Betas[1], Eps: o.Eps, WeightDecay: o.WeightDecay,
	})
	if err != nil {
		return err
	}
	if t.accumulateP, err = d.Compile(t.accumulate, t.state); err != nil {
		return err
	}
	t.updateP, err = d.Compile(t.update, t.state)
	return err
}

// decayGroups checks that the parameters that decay are those the published trainer lets decay.
func (t *training) decayGroups() error {
	for i := range t.sc.Params {
		p := &t.sc.Params[i]
		from := t.Tensors[p.Name].From
		decays := slices.Contains(t.want.Groups.Decay, from)
		if decays == slices.Contains(t.want.Groups.NoDecay, from) {
			return fmt.Errorf("train.json does not say whether %q decays", from)
		}
		if decays != p.Decay {
			return fmt.Errorf("weight decay of %q is %t in the model and %t in train.json",
				p.Name, p.Decay, decays)
		}
	}
	return nil
}

// step runs one step: gradients, their norms, clip, the rate of the tokens seen, AdamW.
func (t *training) step(i int, ck *check) error {
	want, o, s := &t.want.Steps[i], &t.want.Optimizer, &t.want.Schedule
	n := t.B * t.T
	batch := t.ids[i*n : (i+1)*n]
	m := make([]float32, t.accumulate.MetricLen)
	ints := append(append([]int32(nil), batch...), shift(batch, t.T)...)
	if err := run(t.accumulateP, ints, nil, m); err != nil {
		return err
	}
	at := fmt.Sprintf(" at step %d", want.Step)
	loss := float64(m[t.accumulate.Metric("loss").Offset])
	ck.number("loss"+at, loss, want.Loss, limitStep)
	ck.number("mean loss"+at, loss*float64(t.T)/float64(t.T-1), want.CEMean, limitStep)

	t.auxiliary(m, want, at, ck)
	schedule := trainer.Schedule{
		Peak: o.LR, WarmupMin: s.WarmupMin, Final: s.AlphaF * o.LR, Warmup: s.Warmup, Max: s.Max,
	}
	lr := schedule.At(int64((i + 1) * n))
	ck.relative("learning rate"+at, lr, want.LR, limitLR)
	floats := make([]float32, t.update.Floats)
	for name, v := range map[string]float64{
		model.InLR:      lr,
		model.InBias1:   1 - math.Pow(o.Betas[0], float64(want.Step)),
		model.InBias2:   1 - math.Pow(o.Betas[1], float64(want.Step)),
		model.InMaxNorm: o.MaxGradNorm,
	} {
		floats[t.update.Input(name).Offset] = float32(v)
	}
	m = make([]float32, t.update.MetricLen)
	if err := run(t.updateP, nil, floats, m); err != nil {
		return err
	}
	ck.relative("gradient norm"+at, float64(m[t.update.Metric("grad_norm").Offset]), want.GradNorm,
		limitStepNorm)
	layers := m[t.update.Metric("grad_norm.layer").Offset:]
	for l, norm := range want.PerLayer {
		ck.relative(fmt.Sprintf("gradient norm of block %d%s", l, at), float64(layers[l]), norm, limitStepNorm)
	}
	if clipped := m[t.update.Metric("clip").Offset] < 1; clipped != want.Clipped {
		return fmt.Errorf("step %d: gradients were clipped is %t, train.json says %t",
			want.Step, clipped, want.Clipped)
	}
	return nil
}

// auxiliary compares the losses of the routers, summed over the blocks.
func (t *training) auxiliary(m []float32, want *trainStep, at string, ck *check) {
	if t.spec.MoE == nil {
		return
	}
	var balance, z float64
	for i := range t.spec.Blocks {
		stats := m[t.accumulate.Metric(fmt.Sprintf("moe_stats.%d", i)).Offset:]
		balance += float64(stats[graph.StatBalance])
		z += float64(stats[graph.StatZ])
	}
	if want.Balance != nil {
		ck.number("balance loss"+at, balance, *want.Balance, limitStep)
	}
	if want.Z != nil {
		ck.number("z loss"+at, z, *want.Z, limitStep)
	}
}

func openTensors(dir, name string) (*safetensors.File, error) {
	return safetensors.Open(filepath.Join(dir, name))
}
