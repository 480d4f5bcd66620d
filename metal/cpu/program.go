package cpu

import (
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// program is a compiled graph. A run happens inside Submit; Wait hands out its metrics.
type program struct {
	d       *Device
	g       *graph.Graph
	stages  []stage
	arena   []float32
	ints    []int32
	floats  []float32
	metrics []float32
	scratch [][]float32 // one for each worker

	finished     [device.Slots][]float32 // metrics of the runs not yet waited for
	last, waited device.Ticket
}

// Compile lowers the graph and takes all memory a run needs.
func (d *Device) Compile(g *graph.Graph, s device.State) (device.Program, error) {
	st, ok := s.(*state)
	if !ok || st.schema != g.Schema {
		return nil, fmt.Errorf("graph %s and the state it should run on come from different schemas "+
			"or devices", g.Name)
	}
	if st.arenas[0] == nil {
		return nil, fmt.Errorf("graph %s cannot be compiled over a closed state", g.Name)
	}
	p := &program{
		d:       d,
		g:       g,
		arena:   make([]float32, g.Plan.ArenaLen),
		ints:    make([]int32, g.Ints),
		floats:  make([]float32, g.Floats),
		metrics: make([]float32, g.MetricLen),
	}
	for i := range p.finished {
		p.finished[i] = make([]float32, g.MetricLen)
	}
	c := &compiler{program: p, st: st, ropes: map[ropeKey]*ropeTable{}}
	for _, op := range g.Ops {
		lower := lowerings[op.Kind]
		if lower == nil {
			return nil, fmt.Errorf("graph %s: the CPU device cannot run %s", g.Name, op)
		}
		lower(c, op)
	}
	p.stages = schedule(c.phases)
	p.scratch = make([][]float32, d.pool.Workers())
	for i := range p.scratch {
		p.scratch[i] = make([]float32, c.workerLen)
	}
	return p, nil
}

// Submit runs the graph.
func (p *program) Submit(ints []int32, floats []float32) (device.Ticket, error) {
	if p.stages == nil && len(p.g.Ops) > 0 {
		return 0, fmt.Errorf("graph %s: the program is closed", p.g.Name)
	}
	if err := p.g.CheckInts(ints); err != nil {
		return 0, err
	}
	if len(floats) != p.g.Floats {
		return 0, fmt.Errorf("graph %s takes %d floats, got %d", p.g.Name, p.g.Floats, len(floats))
	}
	if p.last-p.waited == device.Slots {
		return 0, fmt.Errorf("graph %s: %d runs are in flight; wait for the oldest first",
			p.g.Name, device.Slots)
	}
	copy(p.ints, ints)
	copy(p.floats, floats)
	for i := range p.stages {
		s := &p.stages[i]
		p.d.pool.Run(s.parts, s)
	}
	p.last++
	copy(p.finished[p.last%device.Slots], p.metrics)
	return p.last, nil
}

// Wait copies the metrics of the oldest run that was not waited for.
func (p *program) Wait(t device.Ticket, metrics []float32) error {
	if t != p.waited+1 || t > p.last {
		return fmt.Errorf("graph %s: run %d cannot be waited for now; %d runs were submitted and %d "+
			"waited for", p.g.Name, t, p.last, p.waited)
	}
	if metrics != nil && len(metrics) != p.g.MetricLen {
		return fmt.Errorf("graph %s has %d metrics, not %d", p.g.Name, p.g.MetricLen, len(metrics))
	}
	p.waited = t
	copy(metrics, p.finished[t%device.Slots])
	return nil
}

// Output copies a kept tensor.
func (p *program) Output(name string, dst []float32) error {
	t := p.g.Output(name)
	switch {
	case t == nil:
		return fmt.Errorf("graph %s keeps no tensor named %q", p.g.Name, name)
	case t.Len() != len(dst):
		return fmt.Errorf("graph %s: tensor %s has %d elements, not %d", p.g.Name, t, t.Len(), len(dst))
	case p.waited == 0:
		return errors.New("graph " + p.g.Name + " has not run yet")
	case p.arena == nil:
		return fmt.Errorf("graph %s: the program is closed", p.g.Name)
	}
	copy(dst, p.arena[t.Offset:])
	return nil
}

// Close lets go of the memory.
func (p *program) Close() error {
	p.stages, p.arena, p.scratch = nil, nil, nil
	return nil
}
