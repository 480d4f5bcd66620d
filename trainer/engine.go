package trainer

import (
	"context"
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Optimizer holds the constants of a step that do not follow a schedule.
type Optimizer struct {
	graph.AdamWAttr
	MaxNorm float64 // 0: no clipping
	MaxGate float64 // of the gates of GPAS, after MaxNorm; 0: no clipping of their own
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
	flying                       flights
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
	return newEngine(context.Background(), d, s, B, T, micro, opt, &DeviceOptions{})
}

// newEngine is NewEngine where building kernels can be watched and cancelled.
func newEngine(ctx context.Context, d device.Device, s *model.Spec, B, T, micro int, opt Optimizer,
	watch *DeviceOptions) (*Engine, error) {
	e := &Engine{Spec: s, Schema: s.Schema(1), B: B, T: T, Micro: micro, Opt: opt, Device: d}
	for i := range e.flying.ring {
		f := &e.flying.ring[i]
		f.act, f.attn = make([]float32, len(s.Blocks)), make([]float32, len(s.Blocks))
		if s.MoE != nil {
			f.routing = newRouting(len(s.Blocks), s.MoE.Experts)
		}
	}
	accumulate, err := s.Accumulate(e.Schema, B, T, micro, true)
	if err != nil {
		return nil, err
	}
	update, err := model.Update(e.Schema, opt.AdamWAttr)
	if err != nil {
		return nil, err
	}
	for _, g := range []*graph.Graph{accumulate, update} {
		if err := watch.build(ctx, d, g); err != nil {
			return nil, err
		}
	}
	watch.progress(stageMemory, 0, 0)
	if e.State, err = d.NewState(e.Schema); err != nil {
		return nil, err
	}
	if e.accumulate, err = compile(d, e.State, accumulate, nil); err == nil {
		e.update, err = compile(d, e.State, update, nil)
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// memory is what state and activations take on the device, bytes.
func (e *Engine) memory() int64 {
	return int64(4*4*e.Schema.Total) + 4*int64(e.accumulate.graph.Plan.ArenaLen)
}

// Close waits for what is in flight and frees programs and state.
func (e *Engine) Close() {
	e.Drain()
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
