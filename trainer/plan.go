package trainer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// StepShape is a training step to be planned: a model, and micro-batches of sequences.
type StepShape struct {
	Name                  string
	Spec                  *model.Spec
	Seq, Sequences, Micro int // tokens a sequence, sequences a step, micro-batches it is cut into
}

// Shape is the step that Bench times.
func (o *BenchOptions) Shape() (StepShape, error) {
	spec, err := o.spec()
	return StepShape{"bench", spec, o.Seq, o.Batch, 1}, err
}

// PresetShape is a step of a preset with the default variant and tokenizer. micro of 0 takes the fewest
// micro-batches whose memory fits half of memoryGB.
func PresetShape(id string, micro, memoryGB int) (StepShape, error) {
	p, err := model.FindPreset(id)
	if err != nil {
		return StepShape{}, err
	}
	c := DefaultConfig()
	c.ApplyPreset(p)
	if micro > 0 {
		c.Micro = micro
	}
	spec, err := c.ExpectedSpec()
	if err != nil {
		return StepShape{}, err
	}
	for micro == 0 && c.Micro < c.Batch {
		n, err := c.Estimate()
		if err != nil {
			return StepShape{}, err
		}
		if n.Bytes() <= int64(memoryGB)<<30/2 {
			break
		}
		for c.Micro++; c.Batch%c.Micro != 0; c.Micro++ {
		}
	}
	return StepShape{id, spec, c.Model.Seq, c.Batch, c.Micro}, c.Validate()
}

// Planned is one dispatch of a step on paper.
type Planned struct {
	Graph string
	Times int // in a step
	*gpu.Dispatch
	gpu.Cost
	gpu.Estimate
	Barrier bool
	Takes   float64 // seconds of the step, all times together, what runs beside it taken into account
}

// StepPlan is a step on paper: what its dispatches ask for, and what a chip is predicted to make of it.
// Nothing in it was measured on a GPU.
type StepPlan struct {
	Shape      StepShape
	Chip       gpu.Chip
	Dispatches []Planned

	Params               int64
	Seconds, Overhead    float64 // predicted for a step; what of it dispatches and barriers cost themselves
	FLOPs, Bytes         float64 // useful operations; memory traffic
	Launches, Barriers   int     // in a step
	Messages, Buffers    int     // to Metal; command buffers
	Memory               int     // bytes of parameters, gradients, moments and both programs
	TokensPerSec, OfPeak float64 // OfPeak is useful operations as a share of the chip's peak
}

// EncodeSeconds is what it costs to encode a message, measured on Linux against the stand-in Metal
// classes (5.4 us for a dispatch of 6 messages, docs/cost.md). It passes while the GPU works on the
// step before.
const EncodeSeconds = 5.4e-6 / 6

// Encoding is the time of encoding a step.
func (p *StepPlan) Encoding() float64 { return EncodeSeconds * float64(p.Messages) }

// PlanStep lowers the graphs of a training step for a chip, as an engine would, and predicts it.
func PlanStep(s StepShape, chip gpu.Chip) (*StepPlan, error) {
	if s.Micro < 1 || s.Sequences%s.Micro != 0 {
		return nil, fmt.Errorf("a step of %d sequences cannot be cut into %d equal micro-batches",
			s.Sequences, s.Micro)
	}
	n, err := count(s.Spec, s.Sequences/s.Micro, s.Seq)
	if err != nil {
		return nil, err
	}
	if n.Bytes() > mostPlanned {
		return nil, fmt.Errorf("a step of this size takes %.0f GB of memory, more than any Mac has; choose a smaller "+
			"model, batch or sequence, or more micro-batches (micro)", float64(n.Bytes())/1e9)
	}
	schema := s.Spec.Schema(1)
	accumulate, err := s.Spec.Accumulate(schema, s.Sequences/s.Micro, s.Seq, s.Micro, true)
	if err != nil {
		return nil, err
	}
	update, err := model.Update(schema, graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1})
	if err != nil {
		return nil, err
	}
	p := &StepPlan{Shape: s, Chip: chip, Params: schema.Count(), Memory: 4 * 4 * schema.Total}
	for _, g := range []struct {
		*graph.Graph
		times int
	}{{accumulate, s.Micro}, {update, 1}} {
		plan, err := gpu.Lower(g.Graph, chip.Family)
		if err != nil {
			return nil, err
		}
		p.add(g.Name, plan, g.times)
	}
	p.TokensPerSec = float64(s.Sequences*s.Seq) / p.Seconds
	p.OfPeak = p.FLOPs / p.Seconds / (chip.TFLOPS * 1e12)
	return p, nil
}

// add appends a graph that runs a number of times.
func (p *StepPlan) add(name string, plan *gpu.Plan, times int) {
	costs := plan.Costs()
	estimates, seconds := p.Chip.Schedule(plan, costs)
	n := float64(times)
	for i := range plan.Dispatches {
		p.Dispatches = append(p.Dispatches, Planned{
			name, times, &plan.Dispatches[i], costs[i], estimates[i], plan.Barriers[i], n * seconds[i],
		})
		p.Seconds += n * seconds[i]
		p.FLOPs += n * costs[i].FLOPs
		p.Bytes += n * costs[i].Bytes
		if plan.Barriers[i] {
			p.Barriers += times
		}
	}
	messages, buffers := plan.Messages()
	p.Launches += times * len(plan.Dispatches)
	p.Messages += times * messages
	p.Buffers += times * buffers
	p.Overhead += n * plan.Overhead()
	p.Memory += plan.Own()
}

// PlanGroup is all dispatches of a step that run the same kernel on the same shape.
type PlanGroup struct {
	Planned     // the first of them
	Count   int // in a step
	Takes   float64
}

// Groups sorts the dispatches of a step by what they are, those that take longest first.
func (p *StepPlan) Groups() []PlanGroup {
	at := map[string]int{}
	var gs []PlanGroup
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		key := fmt.Sprint(d.Kernel, d.Consts, d.Args, d.Groups, d.Threads)
		k, ok := at[key]
		if !ok {
			k = len(gs)
			at[key] = k
			gs = append(gs, PlanGroup{Planned: *d})
		}
		gs[k].Count += d.Times
		gs[k].Takes += d.Takes
	}
	slices.SortStableFunc(gs, func(a, b PlanGroup) int { return cmp.Compare(b.Takes, a.Takes) })
	return gs
}

// PlanPart is the share of a step that a kind of kernel takes.
type PlanPart struct {
	Name                  string
	Count                 int
	Seconds, FLOPs, Bytes float64
}

// Parts sums a step up by families of kernels, in the order in which they first run. Products of the
// head are apart from those of the blocks.
func (p *StepPlan) Parts() []PlanPart {
	at := map[string]int{}
	var parts []PlanPart
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		name := d.Family
		if d.Family == "matmul" && d.Op.Kind == graph.OpLMLoss {
			name = "matmul of the head"
		}
		k, ok := at[name]
		if !ok {
			k = len(parts)
			at[name] = k
			parts = append(parts, PlanPart{Name: name})
		}
		parts[k].Count += d.Times
		parts[k].Seconds += d.Takes
		parts[k].FLOPs += float64(d.Times) * d.Cost.FLOPs
		parts[k].Bytes += float64(d.Times) * d.Cost.Bytes
	}
	return parts
}
