package trainer

import (
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Optimizer holds the constants of a step that do not follow a schedule.
type Optimizer struct {
	graph.AdamWAttr
	MaxNorm float64 // 0: no clipping
}

// Engine runs the steps of one model on one device. It knows no files and no data source; the loop,
// the benchmark and the golden training cases all step through it. Not for concurrent use.
type Engine struct {
	Spec   *model.Spec
	Schema *graph.Schema

	B, T, Micro int // sequences a micro-batch, tokens, micro-batches a step
	Opt         Optimizer

	Device device.Device
	State  device.State

	accumulate, update, evaluate program
}

// program is a compiled graph with its host-side blocks, so that a run allocates nothing.
type program struct {
	device.Program
	graph   *graph.Graph
	ints    []int32
	floats  []float32
	metrics []float32
}

func compile(d device.Device, s device.State, g *graph.Graph, err error) (program, error) {
	if err != nil {
		return program{}, err
	}
	p, err := d.Compile(g, s)
	if err != nil {
		return program{}, fmt.Errorf("graph %s cannot run on %s: %w", g.Name, d.Info().Name, err)
	}
	return program{p, g, make([]int32, g.Ints), make([]float32, g.Floats), make([]float32, g.MetricLen)}, nil
}

// int returns the part of the integer block that an input fills.
func (p *program) int(name string) []int32 {
	t := p.graph.Input(name)
	return p.ints[t.Offset : t.Offset+t.Len()]
}

func (p *program) float(name string, v float64) { p.floats[p.graph.Input(name).Offset] = float32(v) }

// metric returns a part of the metrics of the last run.
func (p *program) metric(name string) []float32 {
	t := p.graph.Metric(name)
	return p.metrics[t.Offset : t.Offset+t.Len()]
}

// run submits the blocks and waits for the metrics.
func (p *program) run() error {
	t, err := p.Submit(p.ints, p.floats)
	if err != nil {
		return err
	}
	return p.Wait(t, p.metrics)
}

// NewEngine builds the graphs of training for micro micro-batches of B sequences of T tokens and
// takes all memory. Parameters are zero until InitParams or a checkpoint fills them. The engine owns
// the state, not the device.
func NewEngine(d device.Device, s *model.Spec, B, T, micro int, opt Optimizer) (*Engine, error) {
	e := &Engine{Spec: s, Schema: s.Schema(1), B: B, T: T, Micro: micro, Opt: opt, Device: d}
	var err error
	if e.State, err = d.NewState(e.Schema); err != nil {
		return nil, err
	}
	g, err := s.Accumulate(e.Schema, B, T, micro, true)
	if e.accumulate, err = compile(d, e.State, g, err); err != nil {
		e.Close()
		return nil, err
	}
	g, err = model.Update(e.Schema, opt.AdamWAttr)
	if e.update, err = compile(d, e.State, g, err); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close frees programs and state.
func (e *Engine) Close() {
	for _, p := range []program{e.accumulate, e.update, e.evaluate} {
		if p.Program != nil {
			p.Close()
		}
	}
	if e.State != nil {
		e.State.Close()
	}
}

// InitParams fills every parameter with its starting value.
func (e *Engine) InitParams(seed uint64) error {
	for i := range e.Schema.Params {
		p := &e.Schema.Params[i]
		buf := make([]float32, p.Len())
		if err := e.Spec.InitParam(p, seed, buf); err != nil {
			return err
		}
		if err := e.State.Write(device.Params, i, buf); err != nil {
			return err
		}
	}
	return nil
}

// Batch fills ids and targets (B*T each, target -1 is ignored) of micro-batch m of the step.
type Batch func(m int, ids, targets []int32)

// StepResult is what one step measured.
type StepResult struct {
	Loss       float64 // sum of cross-entropies / (B*T) over all micro-batches, the published convention
	Mean       float64 // mean over targets
	GradNorm   float64
	Clip       float64
	LayerNorms []float32 // per block, then outside the blocks; valid until the next step
	ActRMS     []float32 // per block, of the last micro-batch
	AttnTop    []float32
	NonFinite  []float32 // per parameter
	Bad        bool      // any of it is NaN or infinite; parameters were then left alone
}

// Step runs step t (from 1) at rate lr. It allocates nothing.
func (e *Engine) Step(t int64, lr float64, batch Batch, r *StepResult) error {
	p := &e.accumulate
	r.Loss, r.Mean = 0, 0
	targets := 0
	for m := range e.Micro {
		batch(m, p.int(model.InIDs), p.int(model.InTargets))
		for _, y := range p.int(model.InTargets) {
			if y >= 0 {
				targets++
			}
		}
		if err := p.run(); err != nil {
			return err
		}
		r.Loss += float64(p.metric("loss")[0])
	}
	if targets > 0 {
		r.Mean = r.Loss * float64(e.Micro*e.B*e.T) / float64(targets)
	}
	e.probes(r)

	u := &e.update
	u.float(model.InLR, lr)
	u.float(model.InBias1, 1-math.Pow(e.Opt.Beta1, float64(t)))
	u.float(model.InBias2, 1-math.Pow(e.Opt.Beta2, float64(t)))
	u.float(model.InMaxNorm, e.Opt.MaxNorm)
	if err := u.run(); err != nil {
		return err
	}
	r.GradNorm, r.Clip = float64(u.metric("grad_norm")[0]), float64(u.metric("clip")[0])
	r.LayerNorms, r.NonFinite = u.metric("grad_norm.layer"), u.metric("nonfinite")
	r.Bad = !finite(r.Loss) || !finite(r.GradNorm)
	return nil
}

// probes copies the per-block probes of the last micro-batch.
func (e *Engine) probes(r *StepResult) {
	L := len(e.Spec.Blocks)
	if len(r.ActRMS) != L {
		r.ActRMS, r.AttnTop = make([]float32, L), make([]float32, L)
	}
	for _, m := range e.accumulate.graph.Metrics {
		if m.Layer < 0 {
			continue
		}
		switch v := e.accumulate.metrics[m.Offset]; m.Name[0:4] {
		case "act_":
			r.ActRMS[m.Layer] = v
		case "attn":
			r.AttnTop[m.Layer] = v
		}
	}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Evaluate returns the mean cross-entropy over all targets of n batches of B sequences.
func (e *Engine) Evaluate(B, n int, batch Batch) (loss float64, targets int, err error) {
	if e.evaluate.Program == nil || e.evaluate.graph.Input(model.InIDs).Len() != B*e.T {
		if e.evaluate.Program != nil {
			e.evaluate.Close()
		}
		g, err := e.Spec.Evaluate(e.Schema, B, e.T)
		if e.evaluate, err = compile(e.Device, e.State, g, err); err != nil {
			return 0, 0, err
		}
	}
	p := &e.evaluate
	for i := range n {
		batch(i, p.int(model.InIDs), p.int(model.InTargets))
		for _, y := range p.int(model.InTargets) {
			if y >= 0 {
				targets++
			}
		}
		if err := p.run(); err != nil {
			return 0, 0, err
		}
		loss += float64(p.metric("loss")[0])
	}
	return loss / float64(max(targets, 1)), targets, nil
}
